"""`python -m meshed_mcp.agents.services.controller`."""

from meshed_mcp.agents.services.controller.service import service

if __name__ == "__main__":
    service.run()
