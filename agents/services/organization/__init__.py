"""mcp-organization: organizations and their members in a database."""
