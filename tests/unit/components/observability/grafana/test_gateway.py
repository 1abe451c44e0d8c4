"""The way to Grafana through the gateway of the mesh."""

from typing import Any

import pytest

from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.core.scraping import GRAFANA_PORT, GRAFANA_SERVICE
from meshed_mcp.components.mesh.cluster.gateway_args import INGRESS_NAMESPACE, INGRESS_SELECTOR
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.grafana.gateway import GrafanaExposure, grafana_route
from meshed_mcp.components.observability.network_policies import metrics_network_policies
from meshed_mcp.local.translate.stack import read_stack
from tests.stacks import recording

EXPOSED = GrafanaExposure(tls_secret="grafana-tls")  # noqa: S106 - a Secret's name
LOGIN = {
    "auth_url": "https://id.example.com/authorize",
    "token_url": "https://id.example.com/token",
    "userinfo_url": "https://id.example.com/userinfo",
    "client_id": "grafana",
}
URL = "https://grafana.example.com"


def test_grafana_is_exposed_by_https_on_its_own_host_only() -> None:
    """Requirement SEC-12: UIs are reachable only through the ingress gateway."""
    gateway, route = grafana_route(EXPOSED, URL, "watch.svc.example.local")
    (server,) = gateway["spec"]["servers"]
    assert (server["port"]["protocol"], server["hosts"]) == ("HTTPS", ["grafana.example.com"])
    assert server["tls"]["credentialName"] == "grafana-tls"
    assert route["spec"]["hosts"] == server["hosts"]
    assert route["spec"]["gateways"] == ["istio-ingress/grafana"]
    (target,) = route["spec"]["http"][0]["route"]
    host = f"{GRAFANA_SERVICE}.watch.svc.example.local"
    assert target["destination"] == {"host": host, "port": {"number": GRAFANA_PORT}}


def test_gateway_defaults_equal_those_of_the_mesh() -> None:
    """Requirement CMP-11: a default that repeats another component's value is compared with it."""
    assert EXPOSED.gateway_namespace == INGRESS_NAMESPACE
    assert EXPOSED.gateway_selector == INGRESS_SELECTOR


def test_network_policy_admits_only_the_gateway() -> None:
    """Requirement SEC-12: the NetworkPolicy names the gateway, without which the route fails."""
    raw = {"grafana": {"url": URL, "login": LOGIN, "expose": {"tls_secret": "grafana-tls"}}}
    policies = {
        item["metadata"]["name"]: item for item in metrics_network_policies(ObservabilityStackArgs.model_validate(raw))
    }
    _, peer = policies["grafana"]["spec"]["ingress"][0]["from"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "istio-ingress"}
    assert peer["podSelector"]["matchLabels"] == {"istio": "ingress"}


def test_without_expose_no_grafana_route_is_rendered() -> None:
    """Requirement SEC-12: Grafana is not exposed by default."""
    assert grafana_route(None, URL, "watch.svc.cluster.local") == []


@pytest.mark.parametrize(
    "raw", [{}, {"url": URL}, {"url": "http://grafana.example.com", "login": LOGIN}], ids=["bare", "no login", "plain"]
)
def test_grafana_without_login_or_https_is_not_exposed(raw: dict[str, Any]) -> None:
    """Requirement SEC-12: an exposed UI needs a login, and a password is never sent in clear text."""
    exposed = {"grafana": {"expose": {"tls_secret": "grafana-tls"}, **raw}}
    (fault,) = model_issues(ObservabilityStackArgs, exposed, "observability")
    assert str(fault) == (
        "observability: grafana: expose is set without login and an https url, so "
        "dashboards would be open or passwords sent in plaintext; set login: and url: "
        "https://"
    )


def test_local_run_lists_the_grafana_route_as_not_run() -> None:
    """Requirement LOC-2: the local run lists objects of software that it does not start."""
    route = grafana_route(EXPOSED, URL, "monitoring.svc.cluster.local")
    assert read_stack([*recording("dev").objects, *route]).not_run[-2:] == (
        "Gateway istio-ingress/grafana",
        "VirtualService istio-ingress/grafana",
    )
