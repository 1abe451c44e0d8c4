"""mcp-organization: organisations and their members in a database."""
