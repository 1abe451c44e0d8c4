"""The services of this system; each is a module of its own: `python -m meshed_mcp.agents.services.<name>`."""
