"""Kiali: connections to the stack, login, network policy."""

from typing import Any, Final

import pytest
from pydantic import ValidationError

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.manifests import chart_prerequisites
from meshed_mcp.components.observability.releases import observability_releases
from meshed_mcp.infra.parsing import parse_stack
from meshed_mcp.infra.validation.mesh_modes import membership_issues

OPENID: Final = {"strategy": "openid", "issuer": "https://login.example.com", "client_id": "kiali"}


def stack(**kiali: Any) -> ObservabilityStackArgs:
    """Monitoring with Kiali."""
    return ObservabilityStackArgs.model_validate({"kiali": kiali}, by_name=True)


def values(**kiali: Any) -> Manifest:
    """Values of the release of Kiali."""
    return observability_releases(stack(**kiali))[-1].values


def test_kiali_is_installed_only_on_request() -> None:
    """Requirement CMP-8: Kiali shows the whole cluster, so it is off by default."""
    assert "kiali" not in [item.name for item in observability_releases(ObservabilityStackArgs())]
    assert observability_releases(stack())[-1].name == "kiali"


def test_kiali_uses_prometheus_grafana_and_jaeger_of_the_stack() -> None:
    """Chart kiali-server 2.29.0: its guesses are Services beside Istio's control plane."""
    found = values()["external_services"]
    assert found["prometheus"]["url"] == "http://kube-prometheus-stack-prometheus.monitoring.svc:9090"
    assert found["grafana"]["internal_url"] == "http://grafana.monitoring.svc:80"
    assert found["tracing"]["internal_url"].startswith("http://jaeger")
    assert found["istio"]["root_namespace"] == "istio-system"


def test_kiali_users_have_their_own_permissions() -> None:
    """Kiali, "OpenID Connect": with disable_rbac all would have Kiali's own rights."""
    assert values(login=OPENID)["auth"]["openid"]["disable_rbac"] is False
    assert values()["auth"] == {"strategy": "token"}


def test_sessions_survive_an_upgrade() -> None:
    """Chart kiali-server 2.29.0, `_helpers.tpl`: a random key at every render unless one is given."""
    assert values(signing_secret="mine")["login_token"]["signing_key"] == "secret:mine:key"  # noqa: S106 - a name


def test_kiali_is_not_reachable_from_inside_the_cluster() -> None:
    """Requirement SEC-12: our NetworkPolicy replaces the chart's own, which admits every pod."""
    assert values()["deployment"]["network_policy"] == {"enabled": False}
    policy = {item["metadata"]["name"]: item for item in chart_prerequisites(stack())}["kiali"]
    (rule,) = policy["spec"]["ingress"]
    assert [port["port"] for port in rule["ports"]] == [9090]


def test_login_without_https_is_rejected() -> None:
    """Requirement SEC-12: preview rejects an http:// issuer and says what to set instead."""
    with pytest.raises(ValidationError) as caught:
        stack(login=OPENID | {"issuer": "http://login.example.com"})
    assert "'http://login.example.com' would send log-ins in plaintext; use https://" in str(caught.value)


def test_production_rejects_kiali_without_login() -> None:
    """Requirement SEC-12: anonymous login is for development only, and read-only."""
    anonymous = {
        "meshed-mcp:services": {"mcp-x": {"image": "x"}},
        "meshed-mcp:observability": {"kiali": {"login": {"strategy": "anonymous"}}},
    }
    config = parse_stack(anonymous).config
    assert config is not None
    expected = "anonymous shows the cluster to every user who reaches Kiali; set strategy: openid or token"
    assert [str(issue) for issue in membership_issues(config)] == [f"observability: kiali.login: {expected}"]
    allowed = parse_stack(anonymous | {"meshed-mcp:environment": "development"}).config
    assert allowed is not None
    assert not list(membership_issues(allowed))
    assert values(login={"strategy": "anonymous"})["deployment"]["view_only_mode"] is True
