"""Configuration of a real istiod for CORS policies and the redirect to HTTPS at the gateway.

Each test names one rule that we rely on; the local run translates the same objects in local/translate/envoy.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.cluster.gateway_args import INGRESS_RELEASE, INGRESS_SELECTOR
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.local.process.engines import envoy_program
from meshed_mcp.local.translate.envoy.cors import CORS, cors
from meshed_mcp.local.translate.objects.virtual_service import CorsPolicy
from tests.engines import istiod_mesh, local_stack, stock_bootstrap
from tests.engines import proxy_views as views
from tests.engines.api_server import ApiServer
from tests.engines.istiod import Istiod, started
from tests.engines.proxied_pods import configurations

PAGES: Final = {"origins": ["https://app.example.com", "http://localhost:*"], "headers": ["x-organization-id"]}
KEYS: Final = {"keys": [{"kty": "RSA", "kid": "a", "n": "AQAB" * 64, "e": "AQAB"}]}
ALIAS: Final = "old.example.com"
SERVICES: Final[dict[str, dict[str, Any]]] = {
    "open": {"cors": PAGES},
    "guarded": {
        "cors": {**PAGES, "credentials": True},
        "auth": {"issuers": [{"issuer": "https://login.example.com", "jwks": KEYS}]},
        "hosts": ["guarded.example.com"],
    },
    "plain": {},
}


def objects(tls_secret: str | None) -> list[Manifest]:
    """The rendered objects, and the Service of the gateway's chart."""
    place = {"domain": local_stack.HOST, "namespaces": [local_stack.NAMESPACE]}
    hosts = {ALIAS: None, "guarded.example.com": None}
    mesh = ServiceMeshArgs.model_validate({**place, "hosts": hosts, "tls_secret": tls_secret})
    base = local_stack.arguments().ingress
    assert base is not None
    ingress = base.model_copy(update={"aliases": [ALIAS]})
    ports = [{"name": f"p{port}", "port": port, "targetPort": port} for port in (80, 443)]
    gateway = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": INGRESS_RELEASE, "namespace": "istio-ingress"},
        "spec": {"selector": INGRESS_SELECTOR, "ports": ports},
    }
    return [
        *cluster.mesh_manifests(mesh),
        *(
            item
            for name, settings in SERVICES.items()
            for item in service.service_manifests(name, local_stack.arguments(expose=True, ingress=ingress, **settings))
        ),
        gateway,
    ]


@pytest.fixture(scope="module")
def istiod(
    find_engine: Callable[[str], Path], api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Istiod]:
    """An istiod that admits."""
    folder = tmp_path_factory.mktemp("admission")
    with started(find_engine("pilot-discovery"), api_server, istiod_mesh.mesh_config(), folder) as ready:
        yield ready


@pytest.fixture(scope="module")
def gateway(
    find_engine: Callable[[str], Path], api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[views.Config]:
    """The configuration of the gateway without certificates."""
    program, folder = find_engine("pilot-discovery"), tmp_path_factory.mktemp("istiod")
    with configurations(program, api_server, folder, objects(None)) as found:
        yield found["gateway"]


def routes(gateway: views.Config, name: str, host: str = local_stack.HOST) -> dict[str, views.Config]:
    """Routes of a service at a host, by name."""
    found = by_domain(gateway, "http.80")[host]
    return {route["name"]: route for route in found if route["name"].startswith(name)}


def by_domain(gateway: views.Config, table: str) -> dict[str, list[views.Config]]:
    """Routes of a table by host name; istiod joins hosts with the same routes."""
    (found,) = [each for each in views.route_tables(gateway) if each["name"] == table]
    return {domain: host["routes"] for host in found["virtualHosts"] for domain in host["domains"] if ":" not in domain}


def test_every_object_is_admitted_without_a_warning(istiod: Istiod) -> None:
    """Istio's own validation: a warning means a rule without effect."""
    for item in objects("mcp-tls"):
        if item["kind"] in {"VirtualService", "Gateway"}:
            verdict = istiod.admit(item)
            assert (verdict.allowed, verdict.warnings) == (True, []), f"{item['metadata']['name']}: {verdict}"


def test_a_policy_is_what_the_local_run_makes_of_it(gateway: views.Config) -> None:
    """Requirement LOC-2: one translation of CorsPolicy, compared with istiod's."""
    (route,) = [item for item in objects(None) if item["metadata"]["name"] == "open-ingress"]
    ours = cors(CorsPolicy.model_validate(route["spec"]["http"][0]["corsPolicy"]))
    found = routes(gateway, "open")
    for name in ("open-endpoint", "open-beneath"):
        theirs = found[name]["typedPerFilterConfig"][CORS]
        assert theirs["allowOriginStringMatch"] == [
            {"exact": "https://app.example.com"},
            {"safeRegex": {"regex": "http://localhost(:[0-9]+)?"}},
        ]
        assert theirs["allowHeaders"] == ours["allow_headers"]
        assert theirs["exposeHeaders"] == ours["expose_headers"]
        assert theirs["allowMethods"] == ours["allow_methods"]
        assert theirs["maxAge"] == ours["max_age"] == f"{contract.PREFLIGHT_SECONDS}"
        assert theirs["allowCredentials"] is ours["allow_credentials"] is False
        assert theirs["forwardNotMatchingPreflights"] is ours["forward_not_matching_preflights"] is False


@pytest.mark.parametrize("host", [local_stack.HOST, ALIAS])
def test_preflights_precede_the_challenge_which_pages_can_read(gateway: views.Config, host: str) -> None:
    """Requirement WEB-1, at every name of the gateway: Envoy uses the first route that matches."""
    names = list(routes(gateway, "guarded", host))
    preflight, page, challenge = (
        names.index(f"guarded-{each}") for each in ("preflight", "needs-token-page", "needs-token")
    )
    assert preflight < page < challenge < names.index("guarded-endpoint")
    found = routes(gateway, "guarded", host)
    assert found["guarded-preflight"]["typedPerFilterConfig"][CORS]["allowCredentials"] is True
    added = {
        each["header"]["key"]: each["header"]["value"]
        for each in found["guarded-needs-token-page"]["responseHeadersToAdd"]
    }
    assert added["access-control-allow-origin"] == "%REQ(origin)%"


def test_a_service_without_pages_has_no_policy(gateway: views.Config) -> None:
    """Requirement CMP-8."""
    assert all(CORS not in route.get("typedPerFilterConfig", {}) for route in routes(gateway, "plain").values())


def test_the_gateway_responds_to_preflights_in_the_order_of_the_local_run(gateway: views.Config) -> None:
    """Requirement LOC-2: the order of filters is istiod's, and nothing authenticates before the CORS filter."""
    fault, router = "envoy.filters.http.fault", "envoy.filters.http.router"
    names = [
        views.filter_names(manager) for each in views.listeners(gateway).values() for manager in views.managers(each)
    ]
    assert names
    for filters in names:
        assert [name for name in filters if name in {fault, CORS, router}] == [fault, CORS, router]
        assert not [name for name in filters[: filters.index(CORS)] if "rbac" in name or "jwt" in name]


def test_envoy_loads_istiods_configuration(gateway: views.Config, tmp_path: Path) -> None:
    """Envoy, `--mode validate`."""
    done = stock_bootstrap.loaded(envoy_program(), gateway, tmp_path)
    assert done.returncode == 0, done.stderr


def test_plain_http_has_no_route_but_the_redirect(
    find_engine: Callable[[str], Path], api_server: ApiServer, tmp_path: Path
) -> None:
    """Requirement WEB-8: 308 for every name with a certificate; the routes of services are on 443 alone."""
    program = find_engine("pilot-discovery")
    with configurations(program, api_server, tmp_path, objects("mcp-tls")) as found:
        served = by_domain(found["gateway"], "http.80")
        secured = [each for each in views.route_tables(found["gateway"]) if each["name"].startswith("https.443")]
    assert set(served) == {local_stack.HOST, ALIAS, "guarded.example.com"}
    for found_routes in served.values():
        (route,) = found_routes
        assert route["redirect"]["responseCode"] == "PERMANENT_REDIRECT"
        assert route["redirect"]["schemeRedirect"] == "https"
    names = {route["name"] for table in secured for host in table["virtualHosts"] for route in host.get("routes", [])}
    assert {"open-endpoint", "guarded-endpoint", "plain-endpoint"} <= names
