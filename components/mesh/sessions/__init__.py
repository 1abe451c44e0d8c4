"""Sticky sessions of clients up to MCP 2025-11-25."""
