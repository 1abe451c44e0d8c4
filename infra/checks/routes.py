"""Rules on VirtualServices together: what each alone may say, and together they leave to chance.

Objects in, findings out. Not here: rules on single objects (rules.py), references to what does not exist
(references.py).
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.authorization.policy import (
    CALL_METHOD,
    METHOD_HEADER,
    NAME_HEADER,
    REVISION,
    VERSION_HEADER,
)
from meshed_mcp.components.mesh.routing.virtual_service import CHOSEN_REPLICA, MESH_GATEWAY
from meshed_mcp.error_codes.check import HOST_ROUTED_TWICE, SESSION_LOSES_VERSION
from meshed_mcp.error_codes.code import Message
from meshed_mcp.infra.checks.references import title

Finding = tuple[Manifest, str, Message]


def one_route_for_a_request(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Two VirtualServices for one host: a sidecar takes one of them, a gateway tries both in no certain order."""
    routes = [item for item in objects if item["kind"] == "VirtualService"]
    for number, item in enumerate(routes):
        for other in routes[:number]:
            for host in shared_hosts(item, other):
                if MESH_GATEWAY in gateways(item) & gateways(other):
                    message = HOST_ROUTED_TWICE.message(host=host, where="", other=title(other))
                    yield item, "spec.hosts", message
                elif path := shared_path(item, other):
                    message = HOST_ROUTED_TWICE.message(host=host, where=f" with {path!r}", other=title(other))
                    yield item, "spec.hosts", message


def shared_hosts(item: Manifest, other: Manifest) -> list[str]:
    """Hosts that both have at one gateway; `*.example.com` has every host beneath it."""
    if not gateways(item) & gateways(other):
        return []
    theirs = other["spec"]["hosts"]
    return [host for host in item["spec"]["hosts"] if any(covers(host, one) or covers(one, host) for one in theirs)]


def gateways(item: Manifest) -> set[str]:
    """Gateways of a VirtualService, with their namespaces. Source: Istio API, VirtualService `gateways`."""
    named = item["spec"].get("gateways", [MESH_GATEWAY])
    namespace = item["metadata"]["namespace"]
    return {name if "/" in name or name == MESH_GATEWAY else f"{namespace}/{name}" for name in named}


def covers(pattern: str, host: str) -> bool:
    """Whether a host of a VirtualService is, or has beneath it, another."""
    return pattern == host or (pattern.startswith("*") and host.endswith(pattern[1:]))


def shared_path(item: Manifest, other: Manifest) -> str | None:
    """A path that rules of both take; None where there is none, or where regular expressions cannot be compared."""
    for mine in paths(item):
        for theirs in paths(other):
            (kind, path), (their_kind, their_path) = mine, theirs
            if mine == theirs or (kind == "prefix" and their_path.startswith(path)):
                return their_path
            if their_kind == "prefix" and path.startswith(their_path):
                return path
    return None


def paths(item: Manifest) -> list[tuple[str, str]]:
    """What the rules ask of a path: (exact | prefix, path); a rule that asks nothing takes all."""
    matches = [match for rule in item["spec"].get("http", ()) for match in rule.get("match", [{}])]
    asked = [match.get("uri", {"prefix": "/"}) for match in matches]
    return [(kind, uri[kind]) for uri in asked for kind in ("exact", "prefix") if kind in uri]


def sessions_before_choices(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Versions of a service with sessions: a choice is made per request, so it must come after the sessions' rule."""
    routes = [item for item in objects if item["kind"] == "VirtualService"]
    sticky = {host for item in routes for rule in item["spec"].get("http", ()) if marks(rule) for host in hosts(rule)}
    for item in routes:
        kept: set[str] = set()
        for number, rule in enumerate(item["spec"].get("http", ())):
            if takes_sessions(rule):
                kept |= hosts(rule)
            elif chooses(rule) and not names_its_tools(rule):
                for host in sorted(hosts(rule) & sticky - kept):
                    message = SESSION_LOSES_VERSION.message(host=host, header=contract.SESSION_HEADER)
                    yield item, f"spec.http[{number}].route", message


def marks(rule: Manifest) -> bool:
    """Whether answers over a rule say which replica gave them, for sessions to come back to it."""
    changed: dict[str, Any] = rule.get("headers", {}).get("response", {}).get("set", {})
    return bool(changed.keys() & CHOSEN_REPLICA.keys())


def hosts(rule: Manifest) -> set[str]:
    """Hosts that a rule leads to."""
    return {target["destination"]["host"] for target in rule.get("route", ())}


def takes_sessions(rule: Manifest) -> bool:
    """Whether a rule brings sessions to all replicas at once."""
    matches = rule.get("match", ())
    asked = bool(matches) and all(contract.SESSION_HEADER in match.get("headers", {}) for match in matches)
    return asked and not chooses(rule)


def chooses(rule: Manifest) -> bool:
    """Whether a rule chooses among the replicas of its hosts, by weight or by subset."""
    route = rule.get("route", ())
    return len(route) > 1 or any("subset" in target["destination"] for target in route)


CALL: Final = {METHOD_HEADER: CALL_METHOD, VERSION_HEADER: REVISION}
"""Headers of a call whose tool's name the server compares with the body."""


def names_its_tools(rule: Manifest) -> bool:
    """Whether a rule is for calls of single tools only, of which the stack says that they may be repeated or cut."""
    matches = rule.get("match", ())
    return bool(matches) and all(
        NAME_HEADER in match.get("headers", {})
        and CALL.items() <= {name: value.get("exact") for name, value in match["headers"].items()}.items()
        for match in matches
    )
