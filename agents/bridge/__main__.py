"""`python -m meshed_mcp.agents.bridge`."""

from meshed_mcp.agents.bridge.service import BridgeService

if __name__ == "__main__":
    BridgeService("mcp-bridge").run()
