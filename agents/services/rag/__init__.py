"""mcp-rag: documents and ranked full-text search."""
