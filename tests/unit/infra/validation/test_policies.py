"""Validation of policies across services: egress gateway, authorizers, role groups."""

import json
from typing import Any, Final

import pytest

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.infra.plan import Plan, planned

GATEWAY: Final = {"min_replicas": 2, "max_replicas": 3, "cpu": "100m", "memory": "128Mi"}
OPA: Final = {"service": "opa.policy.svc.cluster.local", "port": 9191}


def plan(services: dict[str, Any], mesh: dict[str, Any] | None = None, **more: Any) -> Plan:
    """The plan of a stack."""
    full = {name: {"image": "a:1", **item} for name, item in services.items()}
    values = {"services": full, "mesh": mesh or {}, **more}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    return planned({f"meshed-mcp:{key}": text for key, text in texts.items()})


def lines(*args: Any, **more: Any) -> list[str]:
    """Issues of the stack, as lines."""
    with pytest.raises(ConfigurationError) as refusal:
        plan(*args, **more)
    return [str(issue) for issue in refusal.value.issues]


def test_a_service_that_declares_a_host_may_use_it_through_the_egress_gateway() -> None:
    """Requirement NET-1: identities per host follow from the services; hosts of token keys count, too."""
    auth = {"issuers": [{"issuer": "https://login.example.com", "jwks_url": "https://login.example.com/keys"}]}
    services = {
        "mcp-a": {"egress_hosts": ["api.example.com:8443"]},
        "mcp-b": {"egress_hosts": ["api.example.com:8443"]},
    }
    made = plan({**services, "mcp-c": {"auth": auth}}, {"egress_gateway": GATEWAY})
    identity = "cluster.local/ns/mcp-system/sa/mcp-"
    assert made.mesh.egress == {
        "api.example.com:8443": [f"{identity}a", f"{identity}b"],
        "login.example.com": [f"{identity}c"],
    }
    assert all(args.egress_gateway for args in made.services.values())


def test_without_an_egress_gateway_sidecars_connect_directly() -> None:
    """Requirement NET-1: `egress_gateway` of the mesh decides."""
    made = plan({"mcp-a": {"egress_hosts": ["api.example.com"]}})
    assert (made.mesh.egress, made.services["mcp-a"].egress_gateway) == ({}, False)


def test_a_host_at_two_ports_is_rejected_with_an_egress_gateway() -> None:
    """TLS, RFC 6066, section 3: the server name of a handshake has no port."""
    services = {"mcp-a": {"egress_hosts": ["api.example.com"]}, "mcp-b": {"egress_hosts": ["api.example.com:8443"]}}
    assert lines(services, {"egress_gateway": GATEWAY}) == [
        (
            "service mcp-b: egress_hosts: api.example.com is used at port 8443 here and at port "
            "443 by mcp-a, and the egress gateway distinguishes hosts by name alone; set one "
            "port"
        )
    ]
    alone = {"mcp-a": {"egress_hosts": ["api.example.com", "api.example.com:8443"]}}
    assert lines(alone, {"egress_gateway": GATEWAY}) == [
        (
            "service mcp-a: egress_hosts: api.example.com is used at ports 443 and 8443, and "
            "the egress gateway distinguishes hosts by name alone; set one port"
        )
    ]


def test_a_host_at_other_ports_in_another_service_is_rejected() -> None:
    """Istio API, ServiceEntry, as istiod was seen to read it: of two entries for a host proxies lose one's ports."""
    services = {"mcp-a": {"egress_hosts": ["api.example.com"]}, "mcp-b": {"egress_hosts": ["api.example.com:8443"]}}
    assert lines(services) == [
        (
            "service mcp-b: egress_hosts: api.example.com is used at port 8443 here and at port "
            "443 by mcp-a, and proxies of a namespace use the ports of one entry for a host; "
            "set the same ports in both"
        )
    ]
    both = {"egress_hosts": ["api.example.com", "api.example.com:8443"]}
    assert plan({"mcp-a": both, "mcp-b": both})


def test_the_stacks_own_gateway_is_not_an_external_host() -> None:
    """Requirement CFG-7: a call that leaves the mesh and returns has lost its identity."""
    assert lines({"mcp-a": {"egress_hosts": ["mcp.example.com"]}}, domain="mcp.example.com") == [
        (
            "service mcp-a: egress_hosts: mcp.example.com is the gateway of this stack, and the "
            "call would arrive there without the identity of the service; remove it, and add "
            "this service to the callers of its destination"
        )
    ]


def test_log_stores_are_reached_through_the_egress_gateway_by_every_service() -> None:
    """Requirement NET-1: with an egress gateway, an undeclared log store would be cut off."""
    registry = {"image": "a:1", "replicas": 1}
    logs = {"otlp_endpoint": "https://otlp.example.com:4318"}
    made = plan({"mcp-a": {}}, {"egress_gateway": GATEWAY}, registry=registry, logs=logs)
    identities = [f"cluster.local/ns/mcp-system/sa/{name}" for name in ("mcp-registry", "mcp-a")]
    assert made.mesh.egress == {"otlp.example.com:4318": identities}
    assert made.services["mcp-registry"].egress_gateway


def test_an_authorizer_is_defined_in_the_mesh_and_knows_its_callers() -> None:
    """Istio, "External Authorization": a provider that is not configured denies, or is ignored silently."""
    assert lines({"mcp-a": {"external_authorization": "oppa"}}, {"external_authorizers": {"opa": OPA}}) == [
        "service mcp-a: external_authorization: mesh.external_authorizers has no oppa; did you mean opa?"
    ]
    made = plan({"mcp-a": {"external_authorization": "opa"}}, {"external_authorizers": {"opa": OPA}})
    assert made.services["mcp-a"].sidecar_egress_hosts == ["policy/opa"]


def test_groups_of_people_are_a_key_of_the_stack_and_reach_the_mesh() -> None:
    """Requirement SEC-13: the groups of each role are set once."""
    made = plan({"mcp-a": {}}, access={"viewer": ["mcp-readers"]})
    assert made.mesh.access.viewer == ["mcp-readers"]
    assert lines({"mcp-a": {}}, {"access": {"viewer": ["mcp-readers"]}}) == [
        "mesh: access: follows from meshed-mcp:access; remove it and set meshed-mcp:access"
    ]
    assert lines({"mcp-a": {}}, {"egress": {}}) == [
        ("mesh: egress: follows from meshed-mcp:services; remove it and set meshed-mcp:services")
    ]
