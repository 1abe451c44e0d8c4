"""mcp-llm: completions and summaries by a configured model, and an extractive summarizer without one."""
