"""mcp-llm: completions and summaries by a configured model, and an extractive summariser without one."""
