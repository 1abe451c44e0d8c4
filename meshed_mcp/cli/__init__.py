"""The commands of `meshed-mcp`, one module each."""
