"""Validation of mesh mode and multicluster against the rest of a stack."""

import json
from typing import Any, Final

import pytest

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.error_codes.mesh import AMBIENT_FAULT_INJECTION
from meshed_mcp.infra.plan import Plan, planned

AUTH: Final = {"issuers": [{"issuer": "https://login.example.com", "jwks_url": "https://login.example.com/keys"}]}
TENANT: Final = {"issuers": [AUTH["issuers"][0] | {"claims": {"organization": "tenant"}}]}
TAGGED: Final = {"organization_tag": {"values": ["acme"]}}
ISSUED: Final[dict[str, Any]] = {
    "multi_cluster": {
        "topology": "multi-primary",
        "mesh_id": "mcp",
        "cluster": "east",
        "network": "network-east",
        "root": {"issuer": {"name": "mesh-root"}},
    }
}


def plan(services: dict[str, Any], **keys: Any) -> Plan:
    """The plan of a stack."""
    full = {name: {"image": "a:1", **item} for name, item in services.items()}
    return planned({f"meshed-mcp:{key}": json.dumps(value) for key, value in {"services": full, **keys}.items()})


def lines(services: dict[str, Any], **keys: Any) -> list[str]:
    """Issues of the stack, as lines."""
    with pytest.raises(ConfigurationError) as refusal:
        plan(services, **keys)
    return [str(issue) for issue in refusal.value.issues]


def test_experiments_in_ambient_mode_are_rejected() -> None:
    """Requirement NET-16: ambient mode rejects by name what it cannot carry."""
    experiment = {
        "service": "mcp-a",
        "delay_seconds": 1,
        "percent": 10,
        "window": {"start": "2026-11-21T10:00:00Z", "end": "2026-11-21T11:00:00Z"},
    }
    assert lines({"mcp-a": {}}, mesh={"mode": "ambient", "outbound": "ALLOW_ANY"}, chaos={"slow": experiment}) == [
        f"stack: chaos: its experiments {AMBIENT_FAULT_INJECTION.message()}"
    ]


def test_a_root_from_an_issuer_needs_cert_manager_before_the_mesh() -> None:
    """Istio, "Plug in CA Certificates": istiod reads the Secret at its start."""
    assert lines({"mcp-a": {}}, mesh=ISSUED) == [
        (
            "observability: cert_manager.install: installs cert-manager after the mesh, whose "
            "root it issues (mesh.multi_cluster.root.issuer); install it before this stack and "
            "set install: existing"
        )
    ]
    assert plan({"mcp-a": {}}, mesh=ISSUED, observability={"cert_manager": {"install": "existing"}})


def test_the_mesh_and_the_services_read_one_claim() -> None:
    """Requirement CFG-5: `claims.organization` of the issuers is the one source; the proxies' metrics follow it."""
    assert plan({"mcp-a": {}, "mcp-b": {"auth": TENANT}}, mesh=TAGGED).mesh.organization_claims == {
        "https://login.example.com": "tenant"
    }
    assert plan({"mcp-a": {}}, mesh=TAGGED).mesh.organization_claims == {}


def test_services_that_read_two_claims_are_rejected_where_metrics_take_one() -> None:
    """Istio API, Telemetry: an object of the mesh has one expression for all proxies."""
    services = {"mcp-a": {"auth": AUTH}, "mcp-b": {"auth": TENANT}}
    assert lines(services, mesh=TAGGED) == [
        (
            "service mcp-b: auth.issuers[0].claims.organization: is 'tenant' here and 'organization' at "
            "mcp-a, and metrics distinguish organizations by one claim "
            "(meshed-mcp:mesh.organization_tag); set the same claim, or remove organization_tag"
        )
    ]
    assert plan(services)


def test_the_claim_has_no_second_source_in_a_stack() -> None:
    """Requirement CFG-5: a second source could contradict the first."""
    assert lines({"mcp-a": {}}, mesh={"organization_claims": {"https://a": "tenant"}}) == [
        "mesh: organization_claims: follows from meshed-mcp:services; remove it and set meshed-mcp:services"
    ]
