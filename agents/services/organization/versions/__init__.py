"""Schema versions of mcp-organization, oldest first by `down_revision`."""
