"""Replaces what looks like a secret in the keys that are copied as they are: commands, metadata, parts of pods."""

from collections.abc import Mapping
from typing import Any, Final

from meshed_mcp.infra.importing.report import Server
from meshed_mcp.infra.importing.secrecy import assigns_secret, is_secret, is_secret_value

CHECKED: Final = frozenset({"image", "package", "env", "args", "secret_env", "outbound_auth", "resources", "callers"})
"""Keys that are checked where they are set, or are no free text."""

PLACEHOLDER: Final = "REPLACE"
"""Value of a text that is left out."""


def replace_secrets(server: Server) -> None:
    """Replace secrets in the keys of a server, and note each."""
    for key, value in server.settings.items():
        if key not in CHECKED:
            server.settings[key] = without_secrets(server, value, key)


def without_secrets(server: Server, value: Any, key: str) -> Any:
    """A copy of a value without secrets."""
    if isinstance(value, Mapping):
        name, text = value.get("name"), value.get("value")
        if isinstance(name, str) and isinstance(text, str) and is_secret(name, text):
            return {**value, "value": placeholder(server, f"{key}.value")}
        return {
            inner: placeholder(server, f"{key}.{inner}")
            if isinstance(item, str)
            and isinstance(inner, str)
            and assigns_secret(f"{inner.rpartition('/')[2]}={item}")
            and inner not in REFERENCES
            else without_secrets(server, item, f"{key}.{inner}")
            for inner, item in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(server, item, f"{key}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, str) and (is_secret_value(value) or assigns_secret(value)):
        return placeholder(server, key)
    return value


REFERENCES: Final = frozenset({"key", "secretName", "name", "url", "image"})
"""Fields of Kubernetes that name a Secret or an image, and hold no value."""


def placeholder(server: Server, key: str) -> str:
    """The placeholder, with a note."""
    server.to_set(key, "it looks like a secret, which is not carried over; refer to a Secret", server.location)
    return PLACEHOLDER
