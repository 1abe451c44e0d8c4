"""A package without an image: registry, name and exact version, such as `npm:@scope/name@1.2.3`."""

import re
from enum import StrEnum
from typing import Final, NamedTuple

from meshed_mcp.components.mesh.egress.destinations import ExternalHost
from meshed_mcp.error_codes import service as codes

_VERSION: Final = r"[0-9][A-Za-z0-9.+!_-]*"
"""Begins with a digit, so that no tag and no range is a version. Source: Semantic Versioning 2.0; PyPA, "Version
specifiers"."""

_PATTERNS: Final = {
    "npm": re.compile(rf"npm:(?P<name>(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*)@(?P<version>{_VERSION})"),
    "pypi": re.compile(rf"pypi:(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==(?P<version>{_VERSION})"),
}
"""Source: npm, "package.json", `name`; PyPA, "Names and normalization"."""

_EXACT: Final = {
    "npm": re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(?:[-+][A-Za-z0-9.+-]+)?"),
    "pypi": re.compile(r"(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*(?:[A-Za-z0-9.+_-]*)?"),
}
_EXAMPLES: Final = {"npm": "npm:NAME@1.2.3", "pypi": "pypi:NAME==1.2.3"}


class Registry(StrEnum):
    """Registry of a package."""

    NPM = "npm"
    PYPI = "pypi"


REGISTRY_HOSTS: Final = {
    Registry.NPM: ("registry.npmjs.org",),
    Registry.PYPI: ("pypi.org", "files.pythonhosted.org"),
}
"""Hosts that an installation reads. Source: npm, `registry`, default; PyPI, "Index API"."""

MIRROR_VARIABLES: Final = {
    Registry.NPM: frozenset({"npm_config_registry", "NPM_CONFIG_REGISTRY"}),
    Registry.PYPI: frozenset({"UV_DEFAULT_INDEX", "UV_INDEX_URL"}),
}
"""Variables that replace the public registry. Source: npm, "config", environment variables; uv, "Environment
variables"."""


class Package(NamedTuple):
    """One version of a package."""

    registry: Registry
    name: str
    version: str

    @property
    def requirement(self) -> str:
        """The version as the installer takes it."""
        return f"{self.name}{'@' if self.registry is Registry.NPM else '=='}{self.version}"

    def hosts(self, variables: set[str]) -> list[ExternalHost]:
        """External hosts of the registry; none where one of `variables` names a mirror."""
        if variables & MIRROR_VARIABLES[self.registry]:
            return []
        return [ExternalHost(host, 443) for host in REGISTRY_HOSTS[self.registry]]


def package_of(value: str) -> Package:
    """The package of a reference. Raises ValueError without a known registry, a name and an exact version."""
    registry, _, rest = value.partition(":")
    if registry not in _PATTERNS or not rest:
        raise codes.INVALID_PACKAGE.error(value=value)
    found = _PATTERNS[registry].fullmatch(value)
    if found is None or _EXACT[registry].fullmatch(found["version"]) is None:
        raise codes.PACKAGE_WITHOUT_VERSION.error(value=value, example=_EXAMPLES[registry])
    return Package(Registry(registry), found["name"], found["version"])


def package_reference(value: str) -> str:
    """A valid reference, unchanged."""
    package_of(value)
    return value
