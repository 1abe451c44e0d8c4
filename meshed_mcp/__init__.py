"""MCP servers on Kubernetes with Istio, Prometheus and KEDA.

`meshed_mcp.agents` is the runtime, `meshed_mcp.components` the Pulumi components, `meshed_mcp.infra` the program,
`meshed_mcp.local` a stack on one machine. Nothing is imported here, because each needs only its own extra.
"""
