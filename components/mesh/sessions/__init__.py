"""Sticky sessions for clients of MCP revisions up to 2025-11-25."""
