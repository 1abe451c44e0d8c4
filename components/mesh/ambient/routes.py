"""HTTPRoutes and version Services for waypoints, translated from the VirtualService rules of sidecar mode.

A field without a counterpart in HTTPRoute is reported, never dropped. Source: Gateway API 1.6, HTTPRoute, standard
channel.
"""

from collections.abc import Iterator
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.ambient.waypoint import GATEWAY_API

MATCH_TYPES: Final = {"exact": "Exact", "regex": "RegularExpression"}
PATH_TYPES: Final = {"exact": "Exact", "prefix": "PathPrefix"}
"""Match types of VirtualService -> HTTPRoute."""

ANY_PATH: Final = {"type": "PathPrefix", "value": "/"}
"""API server default, set explicitly like all defaults here: a list without them would differ at every apply."""

SIDECAR_FIELDS: Final = frozenset({"retries", "name"})
"""Ignored fields of a rule: retries are the mesh default (waypoint.py), and only EnvoyFilters need names."""

RULE_FIELDS: Final = frozenset({"match", "route", "rewrite", "mirrors", "timeout", "headers"})
"""Fields of a rule that are translated."""


def unsupported_fields(rules: list[Manifest]) -> list[str]:
    """Fields of the rules without a counterpart in HTTPRoute, each once."""
    unknown = {field for rule in rules for field in rule if field not in RULE_FIELDS | SIDECAR_FIELDS}
    changes = [(side, how) for rule in rules for side, each in rule.get("headers", {}).items() for how in each]
    unknown |= {f"headers.{side}.{how}" for side, how in changes if (side, how) != ("request", "remove")}
    matches = [match for rule in rules for match in rule.get("match", ())]
    unknown |= {f"match.{field}" for match in matches for field in match if field not in {"uri", "headers", "method"}}
    compared = [how for match in matches for values in match.get("headers", {}).values() for how in values]
    unknown |= {f"match.headers.{how}" for how in compared if how not in MATCH_TYPES}
    return sorted(unknown)


def http_route(name: str, namespace: str, rules: list[Manifest], port: int) -> Manifest:
    """HTTPRoute of the Service `name` at its waypoint."""
    parent = {"group": "", "kind": "Service", "name": name, "port": port}
    spec = {"parentRefs": [parent], "rules": [route_rule(rule) for rule in rules]}
    return manifest(GATEWAY_API, "HTTPRoute", metadata(name, namespace), spec)


def route_rule(rule: Manifest) -> Manifest:
    """One rule: matches, filters, time-out, backends."""
    matches = [route_match(match) for match in rule.get("match", ())]
    filters = [*_removals(rule), *_rewrites(rule), *_mirrors(rule)]
    return {
        "matches": matches or [{"path": dict(ANY_PATH)}],
        **({"filters": filters} if filters else {}),
        **({"timeouts": {"request": rule["timeout"]}} if "timeout" in rule else {}),
        "backendRefs": [_backend(target["destination"], target.get("weight")) for target in rule["route"]],
    }


def route_match(match: Manifest) -> Manifest:
    """Path, headers and method of a match."""
    found: Manifest = {"path": dict(ANY_PATH)}
    if "uri" in match:
        ((how, value),) = match["uri"].items()
        found["path"] = {"type": PATH_TYPES[how], "value": value}
    if "headers" in match:
        found["headers"] = [
            {"name": header, "type": MATCH_TYPES[how], "value": value}
            for header, values in match["headers"].items()
            for how, value in values.items()
        ]
    if "method" in match:
        found["method"] = match["method"]["exact"]
    return found


def _removals(rule: Manifest) -> Iterator[Manifest]:
    if names := rule.get("headers", {}).get("request", {}).get("remove"):
        yield {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": list(names)}}


def _rewrites(rule: Manifest) -> Iterator[Manifest]:
    if "rewrite" in rule:
        path = {"type": "ReplaceFullPath", "replaceFullPath": rule["rewrite"]["uri"]}
        yield {"type": "URLRewrite", "urlRewrite": {"path": path}}


def _mirrors(rule: Manifest) -> Iterator[Manifest]:
    for mirror in rule.get("mirrors", ()):
        share = mirror.get("percentage", {}).get("value", 100)
        fraction = {"fraction": {"numerator": round(share * 100), "denominator": 10_000}}
        yield {
            "type": "RequestMirror",
            "requestMirror": {"backendRef": _backend(mirror["destination"], mirrored=True), **fraction},
        }


def _backend(destination: Manifest, weight: int | None = None, *, mirrored: bool = False) -> Manifest:
    """A backend; a subset becomes a Service, because HTTPRoute has no subsets."""
    name, port = destination["host"].split(".")[0], destination["port"]["number"]
    subset = destination.get("subset")
    service = name if subset is None else version_service_name(name, subset)
    share = {} if mirrored else {"weight": 1 if weight is None else weight}
    return {"group": "", "kind": "Service", "name": service, "port": port, **share}


def version_service_name(name: str, version: str) -> str:
    """Name of the Service of one version."""
    return f"{name}-{version}"


def version_services(name: str, service: Manifest, labels: list[str]) -> list[Manifest]:
    """A Service per version, without the waypoint label, which would route its requests to the waypoint again."""
    selector, namespace = service["spec"]["selector"], service["metadata"]["namespace"]
    return [
        {
            **service,
            "metadata": metadata(version_service_name(name, label), namespace, standard_labels(name)),
            "spec": {**service["spec"], "selector": {**selector, contract.LABEL_VERSION: label}},
        }
        for label in labels
    ]
