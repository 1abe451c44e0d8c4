"""Migrations of mcp-organization; `down_revision` gives their order."""
