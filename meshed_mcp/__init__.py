"""One function, written with the official MCP SDK, as a meshed, observed, autoscaled service on Kubernetes.

`meshed_mcp.agents` is the runtime, `meshed_mcp.components` the Pulumi components, `meshed_mcp.infra` the program,
`meshed_mcp.local` a stack on one machine. Nothing is imported here: each needs its own extra only.
"""
