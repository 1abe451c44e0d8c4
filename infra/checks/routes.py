"""Rules on VirtualServices: hosts with two routes, and version routes that break sticky sessions."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.authorization import policy
from meshed_mcp.components.mesh.routing.virtual_service import MESH_GATEWAY, UPSTREAM_HEADER
from meshed_mcp.error_codes.check import HOST_ROUTED_TWICE, SESSION_LOSES_VERSION
from meshed_mcp.infra.checks.references import Finding, object_title, of_kind


def hosts_are_routed_once(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Two VirtualServices of one host: a sidecar uses one, a gateway merges both in undefined order."""
    routes = of_kind(objects, "VirtualService")
    for number, item in enumerate(routes):
        for other in routes[:number]:
            for host in shared_hosts(item, other):
                if MESH_GATEWAY in gateways(item) & gateways(other):
                    where = ""
                elif path := shared_path(item, other):
                    where = f" with {path!r}"
                else:
                    continue
                yield item, "spec.hosts", HOST_ROUTED_TWICE.message(host=host, where=where, other=object_title(other))


def shared_hosts(item: Manifest, other: Manifest) -> list[str]:
    """Hosts that both have at a common gateway; `*.example.com` includes its subdomains."""
    if not gateways(item) & gateways(other):
        return []
    theirs = other["spec"]["hosts"]
    return [
        host
        for host in item["spec"]["hosts"]
        if any(matches_host(host, one) or matches_host(one, host) for one in theirs)
    ]


def gateways(item: Manifest) -> set[str]:
    """Gateways of a VirtualService, with their namespaces. Source: Istio API, VirtualService `gateways`."""
    named = item["spec"].get("gateways", [MESH_GATEWAY])
    namespace = item["metadata"]["namespace"]
    return {name if "/" in name or name == MESH_GATEWAY else f"{namespace}/{name}" for name in named}


def matches_host(pattern: str, host: str) -> bool:
    """Whether a host of a VirtualService equals or includes another."""
    return pattern == host or (pattern.startswith("*") and host.endswith(pattern[1:]))


def shared_path(item: Manifest, other: Manifest) -> str | None:
    """A path that rules of both match; None if there is none. Regular expressions are not compared."""
    for mine in path_matches(item):
        for theirs in path_matches(other):
            (kind, path), (their_kind, their_path) = mine, theirs
            if mine == theirs or (kind == "prefix" and their_path.startswith(path)):
                return their_path
            if their_kind == "prefix" and path.startswith(their_path):
                return path
    return None


def path_matches(item: Manifest) -> list[tuple[str, str]]:
    """(exact or prefix, path) of all rules; a rule without a match has the prefix `/`."""
    matches = [match for rule in item["spec"].get("http", ()) for match in rule.get("match", [{}])]
    uris = [match.get("uri", {"prefix": "/"}) for match in matches]
    return [(kind, uri[kind]) for uri in uris for kind in ("exact", "prefix") if kind in uri]


def session_rules_precede_version_rules(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Versions are selected per request, so the rule for requests of a session must precede that selection."""
    routes = of_kind(objects, "VirtualService")
    rules = [rule for item in routes for rule in item["spec"].get("http", ())]
    sticky = {host for rule in rules if sets_upstream_header(rule) for host in destination_hosts(rule)}
    for item in routes:
        kept: set[str] = set()
        for number, rule in enumerate(item["spec"].get("http", ())):
            if matches_sessions(rule):
                kept |= destination_hosts(rule)
            elif selects_version(rule) and not matches_single_tools(rule):
                for host in sorted(destination_hosts(rule) & sticky - kept):
                    message = SESSION_LOSES_VERSION.message(host=host, header=contract.SESSION_HEADER)
                    yield item, f"spec.http[{number}].route", message


def sets_upstream_header(rule: Manifest) -> bool:
    """Whether a rule adds the replica's address to responses, as sticky services do."""
    changed: dict[str, Any] = rule.get("headers", {}).get("response", {}).get("set", {})
    return bool(changed.keys() & UPSTREAM_HEADER.keys())


def destination_hosts(rule: Manifest) -> set[str]:
    """Destination hosts of a rule."""
    return {target["destination"]["host"] for target in rule.get("route", ())}


def matches_sessions(rule: Manifest) -> bool:
    """Whether a rule matches requests of sessions only and selects no version."""
    matches = rule.get("match", ())
    sessions = bool(matches) and all(contract.SESSION_HEADER in match.get("headers", {}) for match in matches)
    return sessions and not selects_version(rule)


def selects_version(rule: Manifest) -> bool:
    """Whether a rule selects replicas by weight or by subset."""
    route = rule.get("route", ())
    return len(route) > 1 or any("subset" in target["destination"] for target in route)


CALL: Final = {policy.METHOD_HEADER: policy.CALL_METHOD, policy.VERSION_HEADER: policy.REVISION}
"""Headers of a call whose tool-name header the server compares with the body."""


def matches_single_tools(rule: Manifest) -> bool:
    """Whether a rule matches calls of named tools only, for which the stack allows retries and timeouts."""
    matches = rule.get("match", ())
    return bool(matches) and all(
        policy.NAME_HEADER in match.get("headers", {})
        and CALL.items() <= {name: value.get("exact") for name, value in match["headers"].items()}.items()
        for match in matches
    )
