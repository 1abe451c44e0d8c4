"""One MCP server in the mesh, and the mesh of a cluster: Istio, gateways, policies."""
