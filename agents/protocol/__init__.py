"""MCP behavior on top of the SDK's server: error mapping, legacy revisions, registered names, `sys.exit`."""
