"""Host names of single services: who may have which, and what the gateway, the routes and the runtime get."""

import json
from typing import Any, Final

import pytest

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster.manifests import mesh_manifests
from meshed_mcp.components.mesh.service.addresses import allowed_hosts, metadata_path, public_urls, resource_url
from meshed_mcp.components.mesh.service.manifests import service_manifests
from meshed_mcp.infra.plan import Plan, planned

AUTH: Final = {"issuers": [{"issuer": "https://login.example.com", "jwks_url": "https://login.example.com/keys"}]}
HOSTS: Final = ["Search.Example.com", {"host": "find.example.com", "tls_secret": "find-cert"}]
EXPOSED: Final = {"image": "a:1", "expose": True, "hosts": HOSTS, "auth": AUTH, "egress_hosts": ["login.example.com"]}


def plan(services: dict[str, Any], mesh: Any = None, domain: str = "mcp.example.com", **keys: Any) -> Plan:
    """The plan of a stack with these services."""
    given = {"services": services, "mesh": mesh or {"tls_secret": "mcp-cert"}, **keys}
    return planned(
        {"meshed-mcp:domain": domain, **{f"meshed-mcp:{key}": json.dumps(value) for key, value in given.items()}}
    )


def lines(*args: Any, **keys: Any) -> list[str]:
    """Issues of a stack, with their codes."""
    with pytest.raises(ConfigurationError) as raised:
        plan(*args, **keys)
    return [issue.line for issue in raised.value.issues]


def routes(found: Plan) -> dict[str, Manifest]:
    """VirtualServices of all services, by name."""
    items = [item for name, args in found.services.items() for item in service_manifests(name, args)]
    return {item["metadata"]["name"]: item for item in items if item["kind"] == "VirtualService"}


def test_gateway_serves_each_host_with_its_certificate() -> None:
    """Requirement CLU-4: hosts with a certificate of their own have servers of their own."""
    gateway, _ = [item for item in mesh_manifests(plan({"mcp-a": EXPOSED}).mesh) if item["kind"] == "Gateway"]
    secured = [server for server in gateway["spec"]["servers"] if server["port"]["protocol"] == "HTTPS"]
    assert {tuple(server["hosts"]): server["tls"]["credentialName"] for server in secured} == {
        ("mcp.example.com", "search.example.com"): "mcp-cert",
        ("find.example.com",): "find-cert",
    }
    names = [server["port"]["name"] for server in gateway["spec"]["servers"]]
    assert len(names) == len(set(names))


def test_host_leads_to_the_endpoint_without_the_name_of_the_service() -> None:
    """Requirement CLU-4: below its own host the service has its own path, and nothing else is served."""
    route = routes(plan({"mcp-a": EXPOSED}))["mcp-a-hosts"]["spec"]
    assert route["hosts"] == ["search.example.com", "find.example.com"]
    paths = [match["uri"] for rule in route["http"] for match in rule.get("match", ())]
    assert {path for uri in paths for path in uri.values()} == {
        "/mcp",
        "/mcp/",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource",
    }


def test_first_host_is_the_resource_of_the_tokens() -> None:
    """RFC 9728, section 3: the metadata is at the host of the resource, so the domain does not serve it."""
    found = plan({"mcp-a": EXPOSED})
    args = found.services["mcp-a"]
    assert resource_url("mcp-a", args) == "https://search.example.com/mcp"
    below_domain = json.dumps(routes(found)["mcp-a-ingress"]["spec"]["http"][-1])
    assert metadata_path("mcp-a", args) not in below_domain


def test_service_without_hosts_is_routed_as_before() -> None:
    """RFC 9728, section 3.1: below the domain the metadata has the path of the service."""
    found = plan({"mcp-a": {**EXPOSED, "hosts": []}})
    assert "mcp-a-hosts" not in routes(found)
    paths = json.dumps(routes(found)["mcp-a-ingress"]["spec"])
    assert "/.well-known/oauth-protected-resource/mcp-a/mcp" in paths


def test_runtime_accepts_the_hosts() -> None:
    """MCP specification, "Security Best Practices", DNS rebinding: the Host header must be a name of the service."""
    args = plan({"mcp-a": EXPOSED}).services["mcp-a"]
    assert {"search.example.com", "find.example.com", "mcp.example.com"} <= set(allowed_hosts("mcp-a", args))


def test_ambient_mode_routes_hosts_to_the_waypoint() -> None:
    """Requirement CLU-4: the gateway routes hosts in ambient mode too, without subsets, which waypoints have."""
    found = plan({"mcp-a": EXPOSED}, mesh={"mode": "ambient", "outbound": "ALLOW_ANY", "tls_secret": "mcp-cert"})
    route = routes(found)["mcp-a-hosts"]
    assert "subset" not in json.dumps(route)


def test_host_of_two_services_is_rejected() -> None:
    """RFC 9110, section 4.2.3: hosts are compared without case."""
    services = {"mcp-a": EXPOSED, "mcp-b": {**EXPOSED, "hosts": ["SEARCH.example.com"]}}
    (line,) = lines(services)
    assert line == (
        "MM0573: service mcp-b: hosts[0]: search.example.com is a host of service mcp-a too; use a host name of its "
        "own for each service"
    )


@pytest.mark.parametrize("domain", ["search.example.com", "Search.EXAMPLE.com"])
def test_domain_as_host_is_rejected(domain: str) -> None:
    """Requirement CLU-4: the domain serves every exposed service by its path."""
    (line,) = lines({"mcp-a": EXPOSED}, domain=domain)
    assert line.startswith("MM0574: service mcp-a: hosts[0]: search.example.com is the domain of the gateway")


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ({"image": "a:1", "callers": ["agents/bot"], "hosts": ["a.example.com"]}, "MM0580"),
        ({**EXPOSED, "hosts": ["a.example.com", "A.example.com"]}, "MM0581"),
        ({**EXPOSED, "hosts": ["localhost"]}, "MM0024"),
        ({**EXPOSED, "hosts": ["https://a.example.com"]}, "MM0023"),
        ({**EXPOSED, "hosts": [{"tls_secret": "cert"}]}, "MM0001"),
    ],
)
def test_host_that_no_gateway_can_serve_is_rejected(service: dict[str, Any], code: str) -> None:
    """Requirement CFG-7: each host is one name that the gateway serves for the service."""
    (line,) = lines({"mcp-a": service})
    assert line.startswith(f"{code}: service mcp-a: hosts")


def test_certificate_for_a_gateway_of_another_team_is_rejected() -> None:
    """Requirement CMP-7: the stack does not change an existing Gateway object."""
    mesh = {"gateway": {"install": "existing", "name": "gateways/shared"}}
    (line,) = lines({"mcp-a": EXPOSED}, mesh=mesh)
    assert line.startswith("MM0576: service mcp-a: hosts[1].tls_secret: names a certificate")


def test_an_alias_has_the_paths_of_the_domain_and_the_server_accepts_it() -> None:
    """Requirement WEB-9: Gateway, route, Host allow-list and public URLs have the same names, in lower case."""
    aliases = ["Old.Example.com", {"host": "cdn.example.com", "tls_secret": "cdn-cert"}]
    found = plan({"mcp-a": EXPOSED}, domain_aliases=aliases)
    args = found.services["mcp-a"]
    names = ["mcp.example.com", "old.example.com", "cdn.example.com"]
    gateway, redirect = [item["spec"] for item in mesh_manifests(found.mesh) if item["kind"] == "Gateway"]
    served = [host for server in gateway["servers"] for host in server["hosts"]]
    assert set(names) < set(served)
    assert set(redirect["servers"][0]["hosts"]) == set(served)
    assert routes(found)["mcp-a-ingress"]["spec"]["hosts"] == names
    assert set(names) < set(allowed_hosts("mcp-a", args))
    own = ["https://search.example.com", "https://find.example.com"]
    assert public_urls("mcp-a", args) == [*(f"https://{name}/mcp-a" for name in names), *own]


def test_the_scheme_of_public_urls_is_a_setting() -> None:
    """Requirement WEB-5: without a certificate the URLs are https, as a load balancer may have one, or http."""
    plain = plan({"mcp-a": {"image": "a:1", "expose": True}}, mesh={"public_scheme": "http"})
    assert public_urls("mcp-a", plain.services["mcp-a"]) == ["http://mcp.example.com/mcp-a"]
    assert resource_url("mcp-a", plain.services["mcp-a"]) == "http://mcp.example.com/mcp-a/mcp"
    (line,) = lines({"mcp-a": {"image": "a:1"}}, mesh={"public_scheme": "http", "tls_secret": "tls"})
    assert line.startswith("MM0966")


def test_urls_of_other_ingresses_reach_the_server() -> None:
    """Requirement WEB-9: a service behind an ingress of its own, in any case."""
    service = {"image": "a:1", "public_urls": ["HTTPS://Tools.example.com:443/Search/"]}
    assert public_urls("mcp-a", plan({"mcp-a": service}).services["mcp-a"]) == ["https://tools.example.com/Search"]


@pytest.mark.parametrize(
    "value",
    ["tools.example.com", "ftp://tools.example.com", "https://tools.example.com?x=1", "https://u@tools.example.com",
     "https://tools.example.com/a/../b", "https://tools.example.com/a%2fb", "https://tools.example.com/a//b", "https://*"],
)  # fmt: skip
def test_a_text_that_is_no_base_url_is_rejected(value: str) -> None:
    """Requirement CFG-7: no request could have such a URL, or its links would lead elsewhere."""
    (line,) = lines({"mcp-a": {"image": "a:1", "public_urls": [value]}})
    assert line.startswith("MM0962")


@pytest.mark.parametrize("alias", ["mcp.example.com", "search.example.com"])
def test_a_name_of_the_gateway_has_one_use(alias: str) -> None:
    """Requirement CFG-5: the domain, an alias and the host of a service exclude each other."""
    (line,) = lines(
        {"mcp-a": {"image": "a:1", "expose": True, "hosts": ["search.example.com"]}}, domain_aliases=[alias]
    )
    assert "MM0967" in line
