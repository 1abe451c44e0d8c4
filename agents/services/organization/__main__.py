"""`python -m meshed_mcp.agents.services.organization`."""

from meshed_mcp.agents.services.organization.service import service

if __name__ == "__main__":
    service.run()
