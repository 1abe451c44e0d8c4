"""One service of each kind of server, for tests of their pods."""

from typing import Any, Final

from meshed_mcp.components.core.manifest import Manifest
from tests.unit.components.mesh.mesh_rendering import Objects, render

BRIDGE: Final = "bridge:1"
EXTERNAL: Final[dict[str, Any]] = {"image": "files:1", "runtime": "external", "port": 3001}
BRIDGED: Final[dict[str, Any]] = {**EXTERNAL, "bridge": True}
STDIO: Final[dict[str, Any]] = {"image": "github:1", "transport": "stdio", "command": ["/server"], "args": ["stdio"]}
NPM: Final[dict[str, Any]] = {"image": None, "package": "npm:@scope/server@1.2.3"}
PYPI: Final[dict[str, Any]] = {"image": None, "package": "pypi:mcp-server-time==2026.10.19"}
REMOTE: Final[dict[str, Any]] = {"image": None, "url": "https://mcp.example.com/mcp"}
KINDS: Final = {
    "meshed": {"image": "search:1"},
    "external": EXTERNAL,
    "bridged": BRIDGED,
    "stdio": STDIO,
    "npm": NPM,
    "pypi": PYPI,
    "remote": REMOTE,
}


def rendered(**settings: Any) -> Objects:
    """Objects of a service with the bridge's image."""
    return render(**{"bridge_image": BRIDGE, "sidecar_egress_hosts": [], **settings})


def pod(**settings: Any) -> Manifest:
    """The specification of its pods."""
    spec: Manifest = rendered(**settings).one("Deployment", "mcp-search")["spec"]["template"]["spec"]
    return spec


def container(name: str, **settings: Any) -> Manifest:
    """A container or init container of its pods."""
    spec = pod(**settings)
    (found,) = [each for each in [*spec["containers"], *spec.get("initContainers", [])] if each["name"] == name]
    return dict(found)


def plain(found: Manifest) -> dict[str, str]:
    """Plain variables of a container."""
    return {item["name"]: item["value"] for item in found.get("env", []) if "value" in item}


def secrets(found: Manifest) -> dict[str, tuple[str, str]]:
    """Variable -> Secret and key."""
    references = {
        item["name"]: item["valueFrom"]["secretKeyRef"] for item in found.get("env", []) if "value" not in item
    }
    return {name: (each["name"], each["key"]) for name, each in references.items()}
