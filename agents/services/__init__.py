"""The services of this system; each is a module of its own: `python -m meshed_mcp.agents.services.<name>`."""

from importlib.metadata import version
from typing import Final

RELEASE: Final = version("meshed-mcp")
"""Version that the services report and register with: they ship with this distribution."""
