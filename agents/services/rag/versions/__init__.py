"""Schema versions of mcp-rag, oldest first by `down_revision`."""
