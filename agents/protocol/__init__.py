"""MCP behavior on top of the SDK's server: error mapping, old revisions, names of tools."""
