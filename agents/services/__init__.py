"""Demo services. Run each as a module: `python -m meshed_mcp.agents.services.<name>`."""

from importlib.metadata import version
from typing import Final

RELEASE: Final = version("meshed-mcp")  # version that the services report and register
