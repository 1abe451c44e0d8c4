"""`python -m meshed_mcp.agents.services.rag`."""

from meshed_mcp.agents.services.rag.service import service

if __name__ == "__main__":
    service.run()
