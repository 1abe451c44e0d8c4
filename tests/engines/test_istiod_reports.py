"""Proxy configuration of a real istiod for limits by organization, faults, access logs and tags.

Filters in order and limits at 100 percent, in every example stack: test_stack_proxies.py.
"""

import copy
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from meshed_mcp import contract
from meshed_mcp.components.mesh.authorization.organization import JWT_METADATA, organization_expression
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.cluster.access_log import FIELDS, notable_expression
from meshed_mcp.components.mesh.cluster.telemetry_args import OrganizationTag
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.local.process.engines import envoy_program
from tests.engines import istiod_mesh, local_stack, stock_bootstrap
from tests.engines import proxy_views as views
from tests.engines.api_server import ApiServer
from tests.engines.proxied_pods import configurations

TAG: Final = OrganizationTag(values=["acme", "globex"])
EXPRESSION: Final = organization_expression({}, TAG.values)
KEY: Final = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}
"""Source: RFC 7517, appendix A.1."""

VAULT: Final[dict[str, Any]] = {
    "callers": ["front"],
    "auth": {"issuers": [{"issuer": "https://login.example.com", "jwks": {"keys": [KEY]}}]},
    "rate_limits": {"pod": {"rate": "9/s"}, "organization": {"rate": "5/s"}},
    "faults": {"slow": {"delay_seconds": 1.5, "percent": 50, "tool": "search"}},
    "experiments": {"no-search": {"abort_status": 503, "percent": 12.5, "tool": "search"}},
}


@pytest.fixture(scope="module")
def proxies(
    find_engine: Callable[[str], Path], api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """The configuration of every pod's proxy, by pod."""
    program, folder = find_engine("pilot-discovery"), tmp_path_factory.mktemp("istiod-reports")
    objects = [
        *cluster.mesh_manifests(istiod_mesh.MESH.model_copy(update={"organization_tag": TAG})),
        *service.service_manifests("front", local_stack.arguments(access_log={"requests": "all"})),
        *service.service_manifests("vault", local_stack.arguments(**VAULT)),
        istiod_mesh.gateway_service(),
    ]
    with configurations(program, api_server, folder, objects) as found:
        yield found


def inbound(proxies: dict[str, Any], pod: str) -> list[views.Config]:
    """What the sidecar of `pod` does with HTTP that arrives."""
    found = list(views.managers(views.listeners(proxies[pod])["virtualInbound"]))
    assert found
    return found


def configs(manager: views.Config, name: str) -> views.Config:
    """The configuration of one of its filters."""
    (found,) = [entry["typedConfig"] for entry in manager["httpFilters"] if entry["name"] == name]
    return dict(found)


def test_claims_are_stored_where_rate_limits_read_them(proxies: dict[str, Any]) -> None:
    """Envoy, JwtProvider, `payload_in_metadata`: elsewhere every organization would count as one."""
    name, payload = JWT_METADATA
    for manager in inbound(proxies, "vault"):
        (provider,) = configs(manager, name)["providers"].values()
        assert provider["payloadInMetadata"] == payload
        limits = configs(manager, "envoy.filters.http.local_ratelimit")
        (action,) = limits["rateLimits"][0]["actions"]
        assert action["metadata"]["metadataKey"]["key"] == name


def test_selected_requests_are_logged_with_product_fields_and_service_overrides(proxies: dict[str, Any]) -> None:
    """Istio, Telemetry, `accessLogging`: the object with a selector wins; the provider gives the format."""
    for pod, expression in (("vault", notable_expression(1.0)), ("front", None)):
        for manager in inbound(proxies, pod):
            (log,) = manager["accessLog"]
            assert log["typedConfig"]["logFormat"]["jsonFormat"] == dict(FIELDS)
            found = log.get("filter", {}).get("extensionFilter", {}).get("typedConfig", {}).get("expression")
            assert found == expression


def test_metrics_get_the_tag_on_the_server_side_only(proxies: dict[str, Any]) -> None:
    """Istio API, MetricsOverrides, `mode: SERVER`; the expression reaches the proxy unchanged."""
    expression = EXPRESSION
    for manager in inbound(proxies, "vault"):
        assert expression in set(views.texts(configs(manager, "istio.stats")))
    outbound = [
        manager
        for name, listener in views.listeners(proxies["front"]).items()
        if name != "virtualInbound"
        for manager in views.managers(listener)
    ]
    assert outbound
    for manager in outbound:
        assert expression not in set(views.texts(manager))


def test_fault_injection_applies_to_opted_in_requests_and_experiments(
    proxies: dict[str, Any],
) -> None:
    """Istio API, HTTPFaultInjection: percentages in millionths; the last route has none."""
    host = f"vault.{local_stack.NAMESPACE}.svc.cluster.local:8000"
    routes = {route["name"]: route for route in views.routes(proxies["front"], "8000")[host]}

    def fault(name: str) -> Any:
        per_filter = routes[name].get("typedPerFilterConfig", {})
        return per_filter.get("envoy.filters.http.fault")

    asked, met = fault("default-fault-slow"), fault("default-chaos-no-search")
    assert asked["delay"] == {"fixedDelay": "1.500s", "percentage": {"numerator": 500000, "denominator": "MILLION"}}
    assert met["abort"] == {"httpStatus": 503, "percentage": {"numerator": 125000, "denominator": "MILLION"}}
    assert fault("default") is None
    headers = {match["name"] for match in routes["default-fault-slow"]["match"]["headers"]}
    assert contract.FAULT_HEADER in headers
    assert contract.FAULT_HEADER not in {
        match["name"] for match in routes["default-chaos-no-search"]["match"]["headers"]
    }


def loaded(dump: views.Config, folder: Path) -> subprocess.CompletedProcess[str]:
    """Validation output of a stock Envoy."""
    file = folder / "envoy.json"
    file.write_text(json.dumps(stock_bootstrap.bootstrap(dump)))
    command = [str(envoy_program()), "--mode", "validate", "--config-path", str(file), "--log-level", "warning"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("pod", ["front", "vault", "gateway"])
def test_envoy_loads_limits_and_faults_from_istiod(proxies: dict[str, Any], pod: str, tmp_path: Path) -> None:
    """Envoy, `--mode validate`: limits, faults and expressions."""
    done = loaded(proxies[pod], tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("expression", ["response.code >= ", EXPRESSION])
def test_envoy_rejects_an_invalid_expression(proxies: dict[str, Any], expression: str, tmp_path: Path) -> None:
    """Negative control; the tag's expression is parsed here too, as a stock Envoy lacks Istio's metrics."""
    wrong = copy.deepcopy(proxies["vault"])
    for manager in inbound({"vault": wrong}, "vault"):
        manager["accessLog"][0]["filter"]["extensionFilter"]["typedConfig"]["expression"] = expression
    done = loaded(wrong, tmp_path)
    assert (done.returncode == 0) == (expression == EXPRESSION), done.stderr
