"""mcp-controller: answers questions by asking mcp-rag and mcp-llm."""
