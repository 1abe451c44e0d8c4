"""One MCP server in the mesh: arguments, workload, Pods and PodMonitor."""
