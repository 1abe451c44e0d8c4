"""`python -m meshed_mcp.agents.services.llm`."""

from meshed_mcp.agents.services.llm.service import service

if __name__ == "__main__":
    service.run()
