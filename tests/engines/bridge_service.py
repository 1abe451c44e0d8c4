"""The bridge as a script: `python -m meshed_mcp.agents.bridge` for fixtures that start scripts."""

from meshed_mcp.agents.bridge.service import BridgeService

if __name__ == "__main__":
    BridgeService("mcp-bridge").run()
