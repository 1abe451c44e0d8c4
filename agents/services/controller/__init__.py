"""mcp-controller: answers questions with mcp-rag and mcp-llm."""
