"""One MCP server in the mesh: its arguments, workload, pods and monitor."""
