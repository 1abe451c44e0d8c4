"""Egress: valid external hosts, ServiceEntries, egress gateway, network policies."""

from ipaddress import ip_address, ip_network
from typing import Final

import pytest

from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.egress.destinations import METADATA_BLOCKS, METADATA_BLOCKS_IPV4, METADATA_HOSTS
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.infra.checks.schema import schema_issues
from tests.unit.components.mesh.mesh_rendering import Objects, render, render_mesh

SIZE: Final = {"min_replicas": 2, "max_replicas": 3, "cpu": "100m", "memory": "128Mi"}
FRONT: Final = "cluster.local/ns/mcp-system/sa/front"
BACK: Final = "cluster.local/ns/mcp-system/sa/back"


def lines(*hosts: str) -> list[str]:
    """Error messages of a service with these external hosts."""
    given = {"image": "search:1", "egress_hosts": list(hosts)}
    return [str(issue) for issue in model_issues(MeshedMCPServiceArgs, given, "mcp-search")]


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1",
        "169.254.169.254",
        "127.0.0.1:443",
        "::1",
        "[fd00:ec2::254]",
        "[2001:db8::1]:8443",
        "::ffff:169.254.169.254",
        "fe80::1%eth0",
        "2130706433",
        "0x7f000001",
        "127.1",
        "1.2.3.4.",
    ],
)
def test_ip_address_in_any_notation_is_rejected(host: str) -> None:
    """Requirement NET-2: egress hosts are DNS names; WHATWG URL, "ends in a number checker"."""
    assert lines(host) == [
        f"mcp-search: egress_hosts: {host!r} is an IP address, which has no name in TLS; use the host name"
    ]


@pytest.mark.parametrize("host", sorted(METADATA_HOSTS))
def test_metadata_services_are_rejected_by_name(host: str) -> None:
    """Requirement NET-2: metadata endpoints hand out the machine's credentials."""
    assert lines(host) == [
        (
            f"mcp-search: egress_hosts: {host!r} is the metadata service of the machine, which hands out its "
            "credentials; remove it, and set service_account.annotations for workload identity, or use a Secret"
        )
    ]


@pytest.mark.parametrize("host", ["localhost", "kubernetes", "redis.data.svc", "redis.data.svc.cluster.local"])
def test_cluster_names_are_rejected_as_external_hosts(host: str) -> None:
    """Kubernetes, "DNS for Services and Pods"; services of the cluster are declared as cluster dependencies."""
    assert lines(host) == [
        (
            f"mcp-search: egress_hosts: {host!r} is a name inside this cluster or machine, not an external host; "
            "remove it"
        )
    ]


@pytest.mark.parametrize("host", ["a.example.com:", "a.example.com:https", "a.example.com:0", "a.example.com:65536"])
def test_port_outside_1_to_65535_is_rejected(host: str) -> None:
    """RFC 9293: 16 bits."""
    assert lines(host) == [
        (
            f"mcp-search: egress_hosts: {host!r} has no port after ':'; use one such as 'a.example.com:8443', or the "
            "host alone for 443"
        )
    ]


def test_all_errors_of_a_host_list_are_reported_in_one_run() -> None:
    """Requirement CFG-3: each wrong host of a list is reported, each once."""
    found = lines("10.0.0.1", "a.example.com", "a.example.com:443", "*.example.com")
    assert len(found) == 3
    assert found[-1] == "mcp-search: egress_hosts: 'a.example.com' is listed twice; remove one"


def test_hosts_of_one_port_share_an_entry() -> None:
    """Istio API, ServiceEntry: each host has every port of its object."""
    objects = render(egress_hosts=["a.example.com", "b.example.com:8443", "c.example.com"])
    assert objects.one("ServiceEntry", "mcp-search-egress")["spec"]["hosts"] == ["a.example.com", "c.example.com"]
    other = objects.one("ServiceEntry", "mcp-search-egress-8443")["spec"]
    assert other["hosts"] == ["b.example.com"]
    assert other["ports"] == [{"number": 8443, "name": "tls", "protocol": "TLS"}]


def test_host_with_two_ports_is_one_entry_with_both() -> None:
    """Istio API, ServiceEntry: names of ports are unique; of two entries for one host proxies lose one's ports."""
    objects = render(egress_hosts=["a.example.com", "a.example.com:8443", "b.example.com"])
    both = objects.one("ServiceEntry", "mcp-search-egress-443-8443")["spec"]
    assert both["hosts"] == ["a.example.com"]
    assert [(port["number"], port["name"]) for port in both["ports"]] == [(443, "tls-443"), (8443, "tls-8443")]
    assert objects.one("ServiceEntry", "mcp-search-egress")["spec"]["hosts"] == ["b.example.com"]


def egress(objects: Objects, name: str = "mcp-search-egress") -> list[Manifest]:
    """Egress rules of the NetworkPolicy."""
    rules: list[Manifest] = objects.one("NetworkPolicy", name)["spec"]["egress"]
    return rules


def namespaces(rules: list[Manifest]) -> list[list[str]]:
    """Namespaces that rules without ports allow."""
    peers = [peer for rule in rules if "ports" not in rule for peer in rule["to"]]
    return [peer["namespaceSelector"]["matchExpressions"][0]["values"] for peer in peers]


def test_network_policy_allows_dns_control_plane_and_destinations_only() -> None:
    """Requirement NET-1: a NetworkPolicy restricts egress; Kubernetes, "Network Policies"."""
    objects = render(sidecar_egress_hosts=["mcp-system/mcp-rag", "data/postgresql"])
    dns, istiod, destinations = egress(objects)
    assert {port["port"] for port in dns["ports"]} == {53}
    assert istiod["ports"] == [{"protocol": "TCP", "port": 15012}]
    assert namespaces([destinations]) == [["data", "mcp-system"]]
    assert objects.one("NetworkPolicy")["spec"]["policyTypes"] == ["Egress"]


def test_service_without_destinations_reaches_dns_and_control_plane_only() -> None:
    """Requirement NET-1: without a declared destination no namespace is reachable."""
    assert len(egress(render(sidecar_egress_hosts=[]))) == 2


def test_without_known_destinations_no_network_policy_is_rendered() -> None:
    """Requirement NET-3: a guessed NetworkPolicy could cut off a database."""
    assert "NetworkPolicy" not in render().kinds()


def test_with_an_egress_gateway_no_other_external_route_exists() -> None:
    """Istio, "Egress Gateways": the mesh alone cannot keep a pod from going past its sidecar."""
    objects = render(sidecar_egress_hosts=[], egress_hosts=["a.example.com"], egress_gateway=True)
    assert namespaces(egress(objects)[2:]) == [["istio-egress"]]
    assert "ipBlock" not in str(egress(objects)[2:])
    assert "istio-egress/istio-egress.istio-egress.svc.cluster.local" in str(objects.one("Sidecar"))


@pytest.mark.parametrize("gateway", [False, True])
def test_metadata_services_are_unreachable_for_service_and_gateway(gateway: bool) -> None:
    """AWS, Google Cloud, Azure, Alibaba: addresses that hand out credentials, by both versions of IP."""
    if gateway:
        objects = render_mesh(egress_gateway=SIZE, egress={"a.example.com": [FRONT]})
        (rule,) = [each for each in egress(objects, "outside") if "ports" not in each]
    else:
        (rule,) = egress(render(sidecar_egress_hosts=[], egress_hosts=["a.example.com:8443"]))[2:]
        assert rule["ports"] == [{"protocol": "TCP", "port": 8443}]
    excepted = [block for peer in rule["to"] for block in peer["ipBlock"]["except"]]
    assert sorted(excepted) == sorted(METADATA_BLOCKS)
    assert {peer["ipBlock"]["cidr"] for peer in rule["to"]} == {"0.0.0.0/0", "::/0"}


@pytest.mark.parametrize("block", METADATA_BLOCKS_IPV4)
def test_metadata_services_are_unreachable_through_a_translator(block: str) -> None:
    """Requirement IP6-6: RFC 6052, section 2.1: the network forwards 64:ff9b::a9fe:a9fe to 169.254.169.254."""
    network = ip_network(block)
    behind = [ip_address(f"64:ff9b::{address}") for address in (network[0], network[-1])]
    assert any(all(address in ip_network(each) for address in behind) for each in METADATA_BLOCKS)


def test_dns_over_ipv6_is_open_and_metadata_services_are_not() -> None:
    """Kubernetes, "Using NodeLocal DNSCache": over IPv6 the operator chooses an address of fd00::/8; NET-2."""
    (rule,) = [each for each in egress(render(sidecar_egress_hosts=[])) if each.get("ports", [{}])[0].get("port") == 53]
    (block,) = [peer["ipBlock"] for peer in rule["to"] if peer.get("ipBlock", {}).get("cidr") == "fd00::/8"]
    assert {"fd00:ec2::/32", "fd20:ce::254/128"} <= set(block["except"])
    assert all(ip_network(each).version == 6 for each in block["except"])


def test_egress_gateway_admits_only_services_that_declare_the_host() -> None:
    """Istio API, AuthorizationPolicy, `connection.sni`."""
    objects = render_mesh(egress_gateway=SIZE, egress={"b.example.com": [FRONT], "a.example.com:8443": [FRONT, BACK]})
    rules = objects.one("AuthorizationPolicy", "mcp-egress")["spec"]["rules"]
    assert [(rule["from"][0]["source"]["principals"], rule["when"][0]["values"]) for rule in rules] == [
        ([FRONT], ["b.example.com"]),
        ([BACK, FRONT], ["a.example.com"]),
    ]
    routes = [item for item in objects if item["metadata"]["name"] == "egress-a.example.com"]
    assert [item["metadata"]["namespace"] for item in routes] == ["istio-egress", "mcp-system"]
    assert routes[0]["spec"]["tcp"][0]["route"][0]["destination"]["port"] == {"number": 8443}
    assert routes[1]["spec"]["tls"][0]["match"] == [{"port": 8443, "sniHosts": ["a.example.com"]}]


def test_external_host_without_callers_is_closed() -> None:
    """Istio API, Source: an empty list of principals would not restrict; a policy without rules allows nothing."""
    objects = render_mesh(egress_gateway=SIZE, egress={"a.example.com": []})
    policy = objects.one("AuthorizationPolicy", "mcp-egress")["spec"]
    assert policy["action"] == "ALLOW"
    assert "rules" not in policy


def test_without_egress_gateway_or_hosts_no_egress_route_is_rendered() -> None:
    """Requirement NET-18: the route exists only with an egress gateway and declared hosts."""
    for settings in ({"egress": {"a.example.com": [FRONT]}}, {"egress_gateway": SIZE}):
        assert "mcp-egress" not in {item["metadata"]["name"] for item in render_mesh(**settings)}


def test_egress_objects_match_the_published_schemas() -> None:
    """Istio 1.31 CRDs, closed: a field that is not in them would be pruned silently."""
    objects = [
        *render_mesh(egress_gateway=SIZE, egress={"b.example.com": [FRONT]}),
        *render(sidecar_egress_hosts=[], egress_hosts=["b.example.com"], egress_gateway=True),
    ]
    assert [issue for item in objects for issue in schema_issues(item)] == []


@pytest.mark.parametrize(
    ("source", "hosts", "port", "protocol"),
    [
        ({"url": "https://mcp.example.com/mcp"}, ["mcp.example.com"], 443, "TLS"),
        ({"url": "https://mcp.example.com:8443/mcp"}, ["mcp.example.com"], 8443, "TLS"),
        ({"url": "http://mcp.example.com:8080/mcp"}, ["mcp.example.com"], 8080, "HTTP"),
        ({"package": "npm:a@1.0.0"}, ["registry.npmjs.org"], 443, "TLS"),
        ({"package": "pypi:a==1.0"}, ["pypi.org", "files.pythonhosted.org"], 443, "TLS"),
    ],
)
def test_the_way_to_a_remote_server_or_registry_is_open(
    source: dict[str, str], hosts: list[str], port: int, protocol: str
) -> None:
    """Requirement SRV-7: ServiceEntry, scope of the sidecar and NetworkPolicy follow from the source."""
    objects = render(image=None, bridge_image="bridge:1", sidecar_egress_hosts=[], **source)
    entry = objects.one("ServiceEntry")["spec"]
    assert entry["hosts"] == hosts
    assert [(each["number"], each["protocol"]) for each in entry["ports"]] == [(port, protocol)]
    assert objects.one("Sidecar")["spec"]["egress"] == [{"hosts": [f"./{host}" for host in hosts]}]
    assert egress(objects)[-1]["ports"] == [{"protocol": "TCP", "port": port}]
    assert [fault for item in objects for fault in schema_issues(item)] == []


def test_a_host_of_egress_hosts_and_url_is_in_one_entry() -> None:
    """Istio API, ServiceEntry: of two entries for one host proxies lose one's ports."""
    source = {"image": None, "bridge_image": "bridge:1", "url": "http://a.example.com/mcp"}
    objects = render(**source, egress_hosts=["a.example.com", "b.example.com"])
    mixed = objects.one("ServiceEntry", "mcp-search-egress-http-80-443")["spec"]
    assert [(each["name"], each["protocol"]) for each in mixed["ports"]] == [("http-80", "HTTP"), ("tls-443", "TLS")]
    assert objects.one("ServiceEntry", "mcp-search-egress")["spec"]["hosts"] == ["b.example.com"]


def test_a_mirror_of_a_registry_is_the_only_host_of_a_package() -> None:
    """Requirement SRV-6: `env` names the mirror, `egress_hosts` opens the way to it."""
    env = {"npm_config_registry": "https://npm.example.com"}
    source = {"image": None, "bridge_image": "bridge:1", "package": "npm:a@1.0.0"}
    objects = render(**source, env=env, egress_hosts=["npm.example.com"])
    assert objects.one("ServiceEntry")["spec"]["hosts"] == ["npm.example.com"]
