"""Migrations of mcp-rag; `down_revision` gives their order."""
