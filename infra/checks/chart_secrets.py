"""Notes on Secrets that chart values reference and the stack does not create."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.error_codes.check import SECRET_MUST_EXIST
from meshed_mcp.error_codes.code import Message
from meshed_mcp.infra.checks.references import Index

MOUNTED: Final = re.compile(r"/etc/alertmanager/secrets/([^/]+)/([^/]+)")
"""Path of a mounted Secret key. Source: Prometheus operator, AlertmanagerSpec, `secrets`."""


def secrets_of(values: Any) -> Iterator[tuple[str, str]]:
    """(Secret, key) of every reference in chart values: key references, Grafana's login, mounted files."""
    match values:
        case {"secretKeyRef": {"name": name, "key": key}} | {"credentials": {"name": name, "key": key}}:
            yield name, key
        case {"existingSecret": name, "userKey": user, "passwordKey": password}:
            yield from ((name, user), (name, password))
        case dict():
            for each in values.values():
                yield from secrets_of(each)
        case list():
            for each in values:
                yield from secrets_of(each)
        case str() if found := MOUNTED.fullmatch(values):
            yield found[1], found[2]


def release_notes(objects: Iterable[Manifest], releases: Iterable[Manifest]) -> list[Message]:
    """Sorted notes on Secrets that releases read and `objects` do not contain."""
    index, notes = Index(objects), set[Message]()
    for release in releases:
        namespace, name = release.get("namespace", ""), release.get("name", "")
        for secret, key in secrets_of(release.get("values", {})):
            if index.find("Secret", namespace, secret) is None:
                notes.add(
                    SECRET_MUST_EXIST.message(namespace=namespace, secret=secret, key=key, reader=f"release {name}")
                )
    return sorted(notes)
