"""OTLP export of log lines: valid endpoints, and their effect on egress and environment."""

import pytest

from meshed_mcp import contract
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.mesh.service.environment import environment
from meshed_mcp.components.mesh.service.log_export_args import LogSettings
from meshed_mcp.infra.plan import Plan, planned

INSIDE = "http://collector.monitoring.svc.cluster.local:4318"
OUTSIDE = "https://otlp.example.com"


def plan(**logs: str) -> Plan:
    """The plan of a stack with one service and a registry."""
    return planned(
        {
            "meshed-mcp:services": {"mcp-rag": {"image": "rag:1"}},
            "meshed-mcp:registry": {"image": "rag:1", "replicas": 1},
            "meshed-mcp:logs": logs,
        }
    )


def test_every_service_and_the_registry_get_both_log_endpoints() -> None:
    """Requirement CFG-5: one key of the stack configures the log stores of all services."""
    for name, args in plan(otlp_endpoint=INSIDE, audit_endpoint=OUTSIDE).services.items():
        variables = {item["name"]: item.get("value") for item in environment(name, args)}
        assert variables[contract.ENV_LOGS_ENDPOINT] == INSIDE, name
        assert variables[contract.ENV_AUDIT_ENDPOINT] == OUTSIDE, name


def test_external_log_store_becomes_a_declared_host_and_an_internal_one_does_not() -> None:
    """Istio, REGISTRY_ONLY: an undeclared host is unreachable."""
    found = plan(otlp_endpoint=INSIDE, audit_endpoint=f"{OUTSIDE}:8443/otlp").services
    assert {name: args.egress_hosts for name, args in found.items()} == {
        "mcp-rag": ["otlp.example.com:8443"],
        "mcp-registry": ["otlp.example.com:8443"],
    }


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        (
            "http://otlp.example.com",
            "'http://otlp.example.com' would send log records outside the cluster in plaintext; use https",
        ),
        (
            "otlp.example.com",
            (
                "'otlp.example.com' is not a base URL; use one without user, query or fragment, "
                "such as 'http://collector.monitoring.svc.cluster.local:4318' or "
                "'https://otlp.example.com'"
            ),
        ),
    ],
)
def test_invalid_log_endpoint_is_rejected(url: str, fault: str) -> None:
    """Requirement CFG-2: preview rejects the endpoint and names the field."""
    assert [str(item) for item in model_issues(LogSettings, {"otlp_endpoint": url}, "logs")] == [
        f"logs: otlp_endpoint: {fault}"
    ]
