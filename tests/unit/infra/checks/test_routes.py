"""Rules on VirtualServices: overlapping hosts, and version routes of services with sessions."""

import copy
import json
from typing import Any, Final

import pytest

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.infra.checks.rules import rule_issues
from meshed_mcp.infra.plan import planned

HOST: Final = "mcp-a.mcp-system.svc.cluster.local"
INGRESS: Final = {"gateway": "istio-ingress/mcp", "host": "mcp.example.com", "principal": "c.l/ns/istio-ingress/sa/g"}
ROLLOUTS: Final[dict[str, dict[str, Any]]] = {
    "canary": {"strategy": "canary", "image": "b:2", "weights": {"stable": 90, "canary": 10}},
    "blue_green": {"strategy": "blue_green", "image": "b:2"},
    "ab": {"strategy": "ab", "image": "b:2", "regex": ".*Mobile.*"},
}


def rendered(**settings: Any) -> list[Manifest]:
    """Routes of the exposed service mcp-a."""
    args = {"image": "a:1", "expose": True, "ingress": INGRESS, "callers": ["mcp-b"], **settings}
    return routes(service.service_manifests("mcp-a", MeshedMCPServiceArgs.model_validate(args)))


def routes(objects: list[Manifest]) -> list[Manifest]:
    """VirtualServices among the objects."""
    return [item for item in objects if item["kind"] == "VirtualService"]


def lines(objects: list[Manifest]) -> list[str]:
    """Findings of all rules."""
    return [str(fault) for fault in rule_issues(objects)]


def own_route(name: str, **spec: Any) -> Manifest:
    """A VirtualService that a user adds."""
    metadata = {"name": name, "namespace": "mcp-system"}
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata, "spec": spec}


def weighted(*shares: int, **match: Any) -> Manifest:
    """A rule that divides calls of mcp-a."""
    targets = [
        {"destination": {"host": HOST, "subset": f"v{number}"}, "weight": share} for number, share in enumerate(shares)
    ]
    return {**({"match": [match]} if match else {}), "route": targets}


@pytest.mark.parametrize("rollout", ROLLOUTS)
@pytest.mark.parametrize("legacy", ["stateless", "sticky"])
def test_rendered_routes_have_no_error(rollout: str, legacy: str) -> None:
    """Requirement PRJ-1: the product's own pattern for sessions passes; no two services share a route."""
    tools = {"search": {"read_only": True, "timeout_seconds": 5}, "w": {"idempotent": True}}
    settings = {"tools": tools, "pools": {"slow": {"tools": ["report"]}}, "rollout": ROLLOUTS[rollout]}
    assert lines(rendered(legacy=legacy, **settings)) == []


def test_weights_before_session_routes_are_rejected() -> None:
    """Measured: behind weights, 21 of 72 calls of sessions succeeded."""
    objects = rendered(legacy="sticky", rollout=ROLLOUTS["canary"])
    inside = objects[0]["spec"]["http"]
    inside.reverse()
    assert lines(objects) == [
        (
            f"VirtualService mcp-system/mcp-a: spec.http[0].route: chooses a version of {HOST}, which has sessions, "
            "so the requests of a session would reach both versions; set a rule before it that matches the header "
            "mcp-session-id and "
            "has no subset"
        )
    ]


def test_a_users_own_weights_over_a_service_with_sessions_are_rejected() -> None:
    """Requirement NET-7: sticky sessions with weighted subsets outside the product's pattern lose their replica."""
    extra = own_route("mine", hosts=["other.example.com"], gateways=["istio-ingress/mcp"], http=[weighted(50, 50)])
    assert lines([*rendered(legacy="sticky"), extra]) == [
        (
            f"VirtualService mcp-system/mine: spec.http[0].route: chooses a version of {HOST}, which has sessions, "
            "so the requests of a session would reach both versions; set a rule before it that matches the header "
            "mcp-session-id and "
            "has no subset"
        )
    ]
    assert lines([*rendered(), extra]) == []


def test_two_routes_of_sidecars_to_one_host_are_rejected() -> None:
    """Istio message IST0109: a sidecar uses one of both, and the choice is undefined."""
    extra = own_route("mine", hosts=[HOST], http=[weighted(50, 50)])
    assert lines([*rendered(), extra]) == [
        (
            f"VirtualService mcp-system/mine: spec.hosts: '{HOST}' is routed by VirtualService mcp-system/mcp-a too, "
            "and a proxy uses one of the two; set another host or path in one of them"
        )
    ]


OVERLAPS: Final[dict[str, tuple[dict[str, Any], str | None]]] = {
    "the same path": ({"uri": {"exact": "/mcp-a/mcp"}}, "/mcp-a/mcp"),
    "a prefix of it": ({"uri": {"prefix": "/mcp-a"}}, "/mcp-a/mcp"),
    "any path": ({}, "/mcp-a/mcp"),
    "a path beneath it": ({"uri": {"exact": "/mcp-a/mcp/x"}}, "/mcp-a/mcp/x"),
    "another path": ({"uri": {"exact": "/mine/mcp"}}, None),
    "a pattern": ({"uri": {"regex": "/mine/.*"}}, None),
}


@pytest.mark.parametrize(("match", "path"), OVERLAPS.values(), ids=OVERLAPS)
@pytest.mark.parametrize("host", ["mcp.example.com", "*.example.com"])
def test_two_routes_of_a_gateway_to_one_path_are_rejected(host: str, match: dict[str, Any], path: str | None) -> None:
    """Istio, "Traffic Management Best Practices": VirtualServices of one host are merged in no certain order."""
    extra = own_route("mine", hosts=[host], gateways=["istio-ingress/mcp"], http=[weighted(100, **match)])
    message = (
        f"VirtualService mcp-system/mine: spec.hosts: '{host}' with '{path}' is routed by VirtualService "
        "mcp-system/mcp-a-ingress too, and a proxy uses one of the two; set another host or path in one of them"
    )
    assert lines([*rendered(), extra]) == ([] if path is None else [message])


def test_routes_of_different_gateways_do_not_conflict() -> None:
    """Istio API, VirtualService `gateways`: a name without a namespace is of the route's own."""
    extra = own_route("mine", hosts=["mcp.example.com"], gateways=["mcp"], http=[weighted(100)])
    assert lines([*rendered(), extra]) == []


def test_two_services_with_one_metadata_path_are_rejected() -> None:
    """RFC 9728, section 3.1: the path follows from the resource's path, and the gateway has one route for it."""
    auth = {"issuers": [{"issuer": "https://login.example.com", "jwks_url": "https://login.example.com/keys"}]}
    shared = {"auth": auth | {"resource": "https://mcp.localhost"}, "expose": True, "image": "a:1"}
    services: dict[str, dict[str, Any]] = {"mcp-a": copy.deepcopy(shared), "mcp-b": copy.deepcopy(shared)}
    with pytest.raises(ConfigurationError) as raised:
        planned({"meshed-mcp:services": json.dumps(services)})
    assert [str(issue) for issue in raised.value.issues] == [
        (
            "service mcp-b: auth.resource: clients would look for its token metadata at "
            "/.well-known/oauth-protected-resource, which is that of service mcp-a; remove resource"
        )
    ]
    del services["mcp-b"]["auth"]["resource"]
    assert planned({"meshed-mcp:services": json.dumps(services)}).services["mcp-b"].expose
