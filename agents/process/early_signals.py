"""Importing this module lets SIGTERM end process 1 of a container while it still imports (stop_signals.py)."""

from meshed_mcp.agents.process.stop_signals import STOP_SIGNALS

STOP_SIGNALS.install_in_first_process()
