from meshed_mcp.infra.program import deploy

deploy()
