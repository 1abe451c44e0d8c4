"""Markers of Pulumi's values in messages. Source: Pulumi, developer documentation, "Property values"."""

from typing import Any, Final

from meshed_mcp.infra.recording.project import SECRET_PLACEHOLDER

SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker of Pulumi
RESOURCE_SIGNATURE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
"""Values of the key in a map that is a secret, a resource or an output. Source: as above."""


def plain(value: Any) -> Any:
    """`value` without markers: whole floats as ints, secrets as placeholders, resources as URNs, keys sorted."""
    if isinstance(value, dict):
        signature = value.get(SIGNATURE_KEY)
        if signature == SECRET_SIGNATURE:
            return SECRET_PLACEHOLDER
        if signature == RESOURCE_SIGNATURE:
            return value.get("urn")
        if signature == OUTPUT_SIGNATURE:
            return SECRET_PLACEHOLDER if value.get("secret") else plain(value.get("value"))
        return {key: plain(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
