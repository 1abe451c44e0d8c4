"""Entry of the component package: Pulumi starts it for programs in other languages (PulumiPlugin.yaml)."""

import sys
from importlib.metadata import version

from pulumi.provider import main

from meshed_mcp.components import COMPONENTS
from meshed_mcp.components.core.host import ComponentHost

main(ComponentHost(COMPONENTS, version("meshed-mcp")), sys.argv[1:])
