"""mcp-llm: completions and summaries by a configured model, and extractive summaries without one."""
