"""Corporate proxy: what a service with hosts behind it gets, and what one without them does not."""

import json
import socket
from typing import Any, Final

import httpx
import httpx2
import pytest
import requests
from requests.utils import should_bypass_proxies

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.mesh.egress.proxy import PROXY_ALIAS
from meshed_mcp.components.mesh.egress.proxy_args import LOCAL_NAMES
from meshed_mcp.infra.plan import planned
from tests.unit.components.mesh.mesh_rendering import Objects, render

PROXY: Final = {"host": "proxy.example.com", "port": 3128, "no_proxy": [".corp.example.com"]}
HOSTS: Final = ["api.example.org", "git.corp.example.com"]
SCOPE: Final = ["data/postgresql", "shop/*"]


def environment(objects: Objects) -> dict[str, Any]:
    """Variables of the server container."""
    container = objects.one("Deployment")["spec"]["template"]["spec"]["containers"][0]
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}


def proxied(**settings: Any) -> Objects:
    """Objects of a service with one host behind the proxy and one in `no_proxy`."""
    given = {"egress_hosts": HOSTS, "egress_proxy": PROXY, "sidecar_egress_hosts": SCOPE}
    return render(**given | settings)


def planned_stack(**keys: Any) -> Any:
    """The plan of a stack with these keys."""
    return planned({f"meshed-mcp:{key}": json.dumps(value) for key, value in keys.items()})


def issues(**keys: Any) -> list[str]:
    """The lines of an invalid stack."""
    with pytest.raises(ConfigurationError) as caught:
        planned_stack(**keys)
    return [issue.line for issue in caught.value.issues]


def test_service_entry_of_the_proxy_is_tcp_because_connect_is_plain_text() -> None:
    """Istio, "Using an External HTTPS Proxy": the port of the ServiceEntry has the protocol TCP, not TLS or HTTPS."""
    spec = proxied().one("ServiceEntry", "mcp-search-egress-proxy")["spec"]
    assert spec["hosts"] == ["proxy.example.com"]
    assert spec["ports"] == [{"number": 3128, "name": "tcp-proxy", "protocol": "TCP"}]
    assert (spec["resolution"], spec["location"], spec["exportTo"]) == ("DNS", "MESH_EXTERNAL", ["."])


def test_proxy_with_an_address_is_routed_by_its_address() -> None:
    """Istio API, ServiceEntry `addresses`: a TCP port is matched by its address; `hosts` is a name all the same."""
    objects = proxied(egress_proxy={"host": "192.0.2.10"})
    spec = objects.one("ServiceEntry", "mcp-search-egress-proxy")["spec"]
    assert (spec["hosts"], spec["addresses"], spec["resolution"]) == ([PROXY_ALIAS], ["192.0.2.10"], "NONE")
    rule = objects.one("NetworkPolicy")["spec"]["egress"][-1]
    assert rule == {"to": [{"ipBlock": {"cidr": "192.0.2.10/32"}}], "ports": [{"protocol": "TCP", "port": 3128}]}
    assert environment(objects)["HTTPS_PROXY"] == "http://192.0.2.10:3128"


def test_proxy_with_an_ipv6_address_has_brackets_in_its_url_only() -> None:
    """RFC 3986, section 3.2.2: an IPv6 address in a URL is in brackets; in an ipBlock it has 128 bits."""
    objects = proxied(egress_proxy={"host": "2001:db8::10"})
    assert environment(objects)["https_proxy"] == "http://[2001:db8::10]:3128"
    rule = objects.one("NetworkPolicy")["spec"]["egress"][-1]
    assert rule["to"] == [{"ipBlock": {"cidr": "2001:db8::10/128"}}]


def test_hosts_behind_the_proxy_stay_closed_and_direct_hosts_stay_open() -> None:
    """Requirement NET-19: a host behind the proxy has no direct way; one in `no_proxy` has no other."""
    objects = proxied()
    hosts = [host for item in objects if item["kind"] == "ServiceEntry" for host in item["spec"]["hosts"]]
    assert hosts == ["git.corp.example.com", "proxy.example.com"]
    (listener,) = objects.one("Sidecar")["spec"]["egress"]
    assert [host for host in listener["hosts"] if "example" in host] == [
        "./git.corp.example.com",
        "./proxy.example.com",
    ]
    ports = [rule["ports"] for rule in objects.one("NetworkPolicy")["spec"]["egress"] if "ipBlock" in rule["to"][0]]
    assert ports == [[{"protocol": "TCP", "port": 443}], [{"protocol": "TCP", "port": 3128}]]


@pytest.mark.parametrize("hosts", [[], ["git.corp.example.com"]], ids=["no host", "direct hosts"])
def test_service_without_a_host_behind_the_proxy_gets_no_way_to_it(hosts: list[str]) -> None:
    """Requirement NET-19: the mesh cannot see what clients ask the proxy for, so only those that need it reach it."""
    objects = proxied(egress_hosts=hosts)
    assert "mcp-search-egress-proxy" not in [item["metadata"]["name"] for item in objects]
    assert not {"HTTPS_PROXY", "NO_PROXY", "NODE_USE_ENV_PROXY"} & environment(objects).keys()
    assert "3128" not in json.dumps(objects.one("NetworkPolicy"))


def test_proxy_bypasses_the_egress_gateway() -> None:
    """Requirement NET-19: the gateway authorizes by SNI, and CONNECT has none, so sidecars connect to the proxy."""
    objects = proxied(egress_gateway=True)
    blocks = [rule for rule in objects.one("NetworkPolicy")["spec"]["egress"] if "ipBlock" in rule["to"][0]]
    assert [rule["ports"][0]["port"] for rule in blocks if rule["to"][0]["ipBlock"]["cidr"] == "0.0.0.0/0"] == [3128]


IN_CLUSTER: Final = (
    "localhost", "mcp-registry", "postgresql.data", "postgresql.data.svc", "cart.shop",
    "postgresql.data.svc.cluster.local", "mcp-rag.mcp-system", "collector.observability.svc.cluster.local",
)  # fmt: skip


@pytest.fixture
def bypass() -> str:
    """`NO_PROXY` of a service that calls the registry, a collector, a database and a namespace."""
    objects = proxied(
        registry_url="http://mcp-registry:8000", otlp_endpoint="http://collector.observability.svc.cluster.local:4318"
    )
    found: str = environment(objects)["NO_PROXY"]
    return found


@pytest.fixture
def asked(bypass: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that clients of this process look up, with the rendered variables; no lookup succeeds."""
    found = list[str]()

    def lookup(host: str, *_: object, **__: object) -> None:
        found.append(host)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://proxy.example.com:3128")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, bypass)
    return found


@pytest.mark.parametrize("client", [httpx, httpx2, requests], ids=lambda module: module.__name__)
@pytest.mark.parametrize("host", IN_CLUSTER)
def test_calls_inside_the_cluster_never_go_through_the_proxy(asked: list[str], client: Any, host: str) -> None:
    """Requirement NET-20: clients look up the cluster's names themselves, and leave external names to the proxy."""
    for url in (f"http://{host}:8000/", "http://api.example.org:8000/"):
        with pytest.raises((httpx.ConnectError, httpx2.ConnectError, requests.ConnectionError)):
            client.get(url)
    assert asked == [host, "proxy.example.com"]


def test_direct_hosts_are_the_same_for_clients_and_for_the_mesh(bypass: str) -> None:
    """Requirement NET-19: what clients reach directly is what the mesh opens."""
    assert should_bypass_proxies("https://git.corp.example.com", bypass)
    assert not should_bypass_proxies("https://api.example.org", bypass)
    assert {*LOCAL_NAMES, ".corp.example.com"} <= {*bypass.split(",")}


def test_url_with_credentials_comes_from_its_secret() -> None:
    """Requirement CFG-11: a password is in no object."""
    found = environment(proxied(egress_proxy=PROXY | {"url_secret": {"secret": "proxy", "key": "url"}}))
    reference = {"secretKeyRef": {"name": "proxy", "key": "url"}}
    assert [found[name] for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")] == [reference] * 4


def test_stack_proxy_is_bypassed_by_calls_to_its_own_services() -> None:
    """Requirement NET-20: short names of the stack's services resolve in the namespace."""
    services = {"mcp-a": {"image": "a:1", "egress_hosts": HOSTS}, "mcp-b": {"image": "b:1"}}
    plan = planned_stack(services=services, egress_proxy=PROXY, registry={"image": "r:1", "replicas": 1})
    proxy = plan.services["mcp-a"].egress_proxy
    assert proxy is not None
    assert {"mcp-a", "mcp-b", "mcp-registry"} <= {*proxy.no_proxy}


PROXY_URL: Final = "http://proxy.example.com:3128"


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("url", [PROXY_URL, "proxy.example.com:3128"])
def test_proxy_variable_with_a_host_declared_as_tls_is_rejected(variable: str, url: str) -> None:
    """Requirement CFG-7: the sidecar passes TLS only to egress hosts, and CONNECT is plain text."""
    service = {"image": "a:1", "egress_hosts": ["proxy.example.com:3128"], "env": {variable: url}}
    (line,) = issues(services={"mcp-a": service})
    assert line.startswith(f"MM0684: service mcp-a: {variable}: proxy.example.com:3128 is declared as TLS")
    assert "egress_proxy: {host: proxy.example.com, port: 3128}" in line


@pytest.mark.parametrize(
    "url", [PROXY_URL, "https://proxy.example.com:3128", "http://192.0.2.7:3128", "socks5://s.example.com"]
)
def test_proxy_variable_with_a_host_that_is_declared_nowhere_is_rejected(url: str) -> None:
    """Requirement CFG-7: no key opens the way to that proxy."""
    (line,) = issues(services={"mcp-a": {"image": "a:1", "egress_hosts": HOSTS, "env": {"HTTPS_PROXY": url}}})
    assert line.startswith("MM0685: service mcp-a: HTTPS_PROXY: no key opens the way to")


def test_proxy_over_tls_in_egress_hosts_is_accepted() -> None:
    """Requirement CFG-7, silent case: a proxy that speaks TLS from the first byte is an egress host like others."""
    env = {"HTTPS_PROXY": "https://proxy.example.com:3128"}
    service = {"image": "a:1", "egress_hosts": ["proxy.example.com:3128"], "env": env}
    assert planned_stack(services={"mcp-a": service}).services["mcp-a"].env == env


def test_proxy_in_the_cluster_needs_a_declared_dependency() -> None:
    """Requirement CFG-7: `cluster_dependencies` opens the way to a proxy of the cluster, and nothing else does."""
    service = {"image": "a:1", "env": {"HTTPS_PROXY": "http://squid.infra.svc:3128"}}
    (line,) = issues(services={"mcp-a": service})
    assert "MM0690: service mcp-a: env: HTTPS_PROXY: no key opens the way to infra/squid" in line
    planned_stack(services={"mcp-a": service | {"cluster_dependencies": ["infra/squid"]}})
    planned_stack(services={"mcp-a": service}, mesh={"cluster_dependencies": ["infra/*"]})
