"""Writes the stack file of an import: valid YAML for Pulumi, texts quoted where another parser could misread them."""

import re
from importlib.metadata import version
from typing import Any, Final

import yaml

from meshed_mcp.infra.config import NAMESPACE
from meshed_mcp.infra.importing.report import Report, Server

ORDER: Final = (
    *("image", "package", "url", "runtime", "transport", "command", "args", "port", "path", "callers", "expose"),
    *("env", "secret_env", "env_from", "outbound_auth", "resources"),
)
"""First keys of a service; the others follow."""

PLAIN: Final = re.compile(rf"{NAMESPACE}:[a-z_]+|[A-Za-z@/_][\w@/.+-]*")
"""Texts that need no quotes unless they are a word of YAML 1.1 or 1.2."""

IMAGES: Final = {
    "image": "meshed-mcp-bridge",
    "npm_image": "meshed-mcp-bridge-npm",
    "pypi_image": "meshed-mcp-bridge-pypi",
}
"""Key of `meshed-mcp:bridge` -> repository of the image."""

REGISTRY: Final = "registry.example.com"
"""Placeholder of the registry with the images of the bridge. Source: RFC 2606, section 3."""


class Dumper(yaml.SafeDumper):
    """Dumper without aliases and line breaks inside texts."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal values again."""
        del data
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    is_text = dumper.resolve(yaml.ScalarNode, value, (True, False)) == TEXT  # type: ignore[no-untyped-call]
    return dumper.represent_scalar(TEXT, value, style=None if is_text and PLAIN.fullmatch(value) else '"')


TEXT: Final = "tag:yaml.org,2002:str"

Dumper.add_representer(str, _text)


def stack_text(report: Report) -> str:
    """The stack file, with a comment for every key that must be set."""
    config: dict[str, Any] = {}
    if report.namespace:
        config[f"{NAMESPACE}:namespace"] = report.namespace
    images = {key for server in report.servers for key in server.images}
    if images:
        config[f"{NAMESPACE}:bridge"] = {key: placeholder(key) for key in IMAGES if key in images}
    config[f"{NAMESPACE}:services"] = {server.name: ordered(server) for server in report.servers}
    body = yaml.dump(
        {"config": config}, Dumper=Dumper, sort_keys=False, default_flow_style=None, width=118, allow_unicode=True
    )
    return "".join(f"# {line}\n" for line in comments(report)) + body


def placeholder(key: str) -> str:
    """Image of the bridge in a registry that the user replaces."""
    return f"{REGISTRY}/{IMAGES[key]}:{version('meshed-mcp')}"


def comments(report: Report) -> list[str]:
    """The head of the file."""
    lines = [f"Imported from {report.source.name} by `meshed-mcp import`."]
    lines += [f"Set {key}: {why}" for key, (why, _) in report.must_set.items()]
    return ["".join(each if each.isprintable() else "?" for each in line) for line in lines]


def ordered(server: Server) -> dict[str, Any]:
    """The keys of a service: what runs first."""
    known: dict[str, Any] = {key: server.settings[key] for key in ORDER if key in server.settings}
    return {**known, **server.settings}
