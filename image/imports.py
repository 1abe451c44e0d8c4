"""Imports every service from the image's layer alone. Run it with `-S`, so that no other package is available."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import meshed_mcp.agents.registry
import meshed_mcp.agents.services

import_module("meshed_mcp.agents.registry.service")
names = sorted(module.name for module in iter_modules(meshed_mcp.agents.services.__path__))
for name in names:
    import_module(f"{meshed_mcp.agents.services.__name__}.{name}")
print(f"imported from {Path(meshed_mcp.agents.__file__).parents[2]}: registry, {', '.join(names)}")
