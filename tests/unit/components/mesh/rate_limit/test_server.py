"""Rate limit service: its objects and callers, and a rule for each descriptor of the proxies."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml

from meshed_mcp import contract
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster.proxy_filters import unsupported_filters
from meshed_mcp.components.mesh.rate_limit import server
from meshed_mcp.components.mesh.rate_limit.server_args import IMAGE, NAME, FailureMode
from meshed_mcp.components.mesh.rate_limit.shared import FILTER, rate_limit_ref
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.components.observability.metrics.monitors import rate_limit_monitor
from tests.unit.components.mesh.mesh_rendering import render, render_mesh

AUTH: Final = {"issuers": [{"issuer": "https://login.example.com", "jwks_url": "https://login.example.com/keys"}]}
REDIS: Final = {"secret": "redis", "key": "address"}
RATE: Final = {"rate": "20/min"}
LIMITS: Final = {
    "service": {"rate": "1000/s"},
    "tools": {"search": RATE, "*": {"rate": "5/h"}},
    "organization": {"rate": "7/d"},
    "organizations": {"acme": RATE},
}


def mesh(**more: Any) -> Any:
    """Objects of a mesh that counts for `mcp-search`."""
    chosen = {"redis": REDIS, "failure_mode": "open", **more}
    return render_mesh(rate_limiting=chosen, shared_limits={"mcp-search": LIMITS})


def ratelimit_filter(failure_mode: FailureMode = FailureMode.OPEN, **limits: Any) -> Manifest:
    """The filter of a service's proxies."""
    service = rate_limit_ref("mcp-system", "cluster.local", failure_mode)
    item = render(rate_limits={"shared": limits or LIMITS}, auth=AUTH, rate_limit_service=service).one(
        "EnvoyFilter", "mcp-search-rate-limits"
    )
    assert unsupported_filters(item, "1.31.1") == []
    (patch,) = item["spec"]["configPatches"]
    assert patch["patch"]["value"]["name"] == FILTER
    found: Manifest = patch["patch"]["value"]["typed_config"]
    return found


def entries(rate_limit: Manifest) -> tuple[tuple[str, str | None], ...]:
    """Keys and values of a descriptor; the value of an organization depends on the request."""
    found = []
    for action in rate_limit["actions"]:
        (body,) = action.values()
        found.append((body["descriptor_key"], body.get("descriptor_value")))
    return tuple(found)


def rules(file: Manifest) -> Iterator[tuple[tuple[str, str | None], ...]]:
    """Paths in the file that end with a limit."""
    for rule in file["descriptors"]:
        head = (rule["key"], rule["value"])
        if "rate_limit" in rule:
            yield (head,)
        for each in rule["descriptors"]:
            assert "rate_limit" in each
            yield (head, (each["key"], each.get("value")))


def test_each_descriptor_has_a_rule_and_each_rule_a_descriptor() -> None:
    """github.com/envoyproxy/ratelimit: a descriptor without a rule passes, a rule without one limits nothing."""
    config = ratelimit_filter()
    file = yaml.safe_load(mesh().one("ConfigMap", NAME)["data"][server.RULES_FILE])
    sent = {entries(rate_limit) for rate_limit in config["rate_limits"]}
    named = {path for path in rules(file) if path[-1] != ("organization", "acme")}
    assert sent == named
    assert config["domain"] == file["domain"] == "mcp-system.svc.cluster.local"


def test_rules_contain_units_and_numbers_of_the_service() -> None:
    """github.com/envoyproxy/ratelimit, "Rate limit definition"; unnamed requests get the smallest tool limit."""
    file = yaml.safe_load(mesh().one("ConfigMap", NAME)["data"][server.RULES_FILE])
    (service,) = file["descriptors"]
    assert service["rate_limit"] == {"unit": "second", "requests_per_unit": 1000}
    limits = {(each["key"], each.get("value")): each["rate_limit"] for each in service["descriptors"]}
    assert limits["unnamed", "true"] == limits["tool", "*"] == {"unit": "hour", "requests_per_unit": 5}
    assert limits["organization", None] == {"unit": "day", "requests_per_unit": 7}


@pytest.mark.parametrize(
    ("mode", "denies", "status"),
    [(FailureMode.OPEN, False, None), (FailureMode.CLOSED, True, {"code": "ServiceUnavailable"})],
)
def test_stack_chooses_the_failure_mode(mode: FailureMode, denies: bool, status: object) -> None:
    """Envoy, RateLimit, `failure_mode_deny`; the response would be 500 without `status_on_error`."""
    config = ratelimit_filter(mode)
    assert (config["failure_mode_deny"], config.get("status_on_error")) == (denies, status)


def test_proxies_call_the_rate_limit_service_of_the_mesh() -> None:
    """Istiod names clusters `outbound|PORT|SUBSET|HOST`; a port named grpc is spoken to by HTTP/2."""
    cluster = ratelimit_filter()["rate_limit_service"]["grpc_service"]["envoy_grpc"]
    (port,) = mesh().one("Service", NAME)["spec"]["ports"]
    assert cluster["cluster_name"] == f"outbound|{port['port']}||{NAME}.mcp-system.svc.cluster.local"
    assert port["name"] == "grpc"


def test_only_services_with_limits_may_call_the_rate_limit_service() -> None:
    """Requirement SEC-6: another caller could use up the limits of others."""
    (rule,) = mesh().one("AuthorizationPolicy", NAME)["spec"]["rules"]
    assert rule["from"] == [{"source": {"principals": ["cluster.local/ns/mcp-system/sa/mcp-search"]}}]
    assert rule["to"] == [{"operation": {"ports": ["8081"]}}]


def test_sidecar_with_limited_imports_knows_the_rate_limit_service() -> None:
    """Istio, Sidecar: a host that is not imported has no cluster, and the filter would never get a response."""
    service = rate_limit_ref("mcp-system", "cluster.local", FailureMode.OPEN)
    objects = render(rate_limits={"shared": {"service": RATE}}, rate_limit_service=service, sidecar_egress_hosts=[])
    (egress,) = objects.one("Sidecar")["spec"]["egress"]
    assert f"./{NAME}.mcp-system.svc.cluster.local" in egress["hosts"]


def test_rate_limit_pods_are_replaced_when_the_rules_change() -> None:
    """Requirement NET-14: pods read the rules at start."""
    template = mesh().one("Deployment", NAME)["spec"]["template"]
    other = render_mesh(rate_limiting={"redis": REDIS, "failure_mode": "open"}, shared_limits={})
    assert template != other.one("Deployment", NAME)["spec"]["template"]


def test_image_is_pinned_and_redis_settings_come_from_secrets() -> None:
    """Requirement CFG-11: no moving tag, no address or password in clear text."""
    (container,) = mesh(redis_password={"secret": "redis", "key": "password"}).one("Deployment", NAME)["spec"][
        "template"
    ]["spec"]["containers"]
    assert container["image"] == IMAGE
    secrets = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in container["env"] if "valueFrom" in each}
    assert secrets == {
        "REDIS_URL": {"name": "redis", "key": "address"},
        "REDIS_AUTH": {"name": "redis", "key": "password"},
    }


def test_prometheus_scrapes_the_rate_limit_service_outside_the_mesh() -> None:
    """Requirement RUN-7: metrics are on the management port, which the sidecar excludes."""
    args = ServiceMeshArgs.model_validate(
        {"domain": "mcp.example.com", "rate_limiting": {"redis": REDIS, "failure_mode": "open"}}, by_name=True
    )
    monitor = rate_limit_monitor("monitoring")
    (deployment,) = [item for item in server.rate_limit_manifests(args) if item["kind"] == "Deployment"]
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    template = deployment["spec"]["template"]
    assert monitor["spec"]["namespaceSelector"] == {"any": True}
    assert monitor["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    ports = {port["name"]: port["containerPort"] for port in template["spec"]["containers"][0]["ports"]}
    assert ports[endpoint["port"]] == contract.MANAGEMENT_PORT
    excluded = template["metadata"]["annotations"]["traffic.sidecar.istio.io/excludeInboundPorts"].split(",")
    assert str(contract.MANAGEMENT_PORT) in excluded


def test_mesh_without_shared_limits_renders_no_rate_limit_service() -> None:
    """Requirement NET-18: without shared limits there is no extra object."""
    assert NAME not in {item["metadata"]["name"] for item in render_mesh()}


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"failure_mode": "open"}, "rate_limiting.redis: is missing; set redis: with a value"),
        ({"redis": REDIS}, "rate_limiting.failure_mode: is missing; set failure_mode: with a value"),
    ],
)
def test_rate_limit_service_without_redis_or_failure_mode_is_rejected(settings: dict[str, Any], line: str) -> None:
    """Requirement NET-14: counts of all pods need a shared store and an explicit failure mode."""
    found = model_issues(ServiceMeshArgs, {"domain": "mcp.example.com", "rate_limiting": settings}, "mesh")
    assert [str(fault) for fault in found] == [f"mesh: {line}"]


def test_shared_limits_without_a_service_are_rejected() -> None:
    """Requirement NET-14: a limit without a counting service is rejected, in other programs too."""
    with pytest.raises(
        ValueError, match=r"rate_limits\.shared: there is no service that counts over all pods; set rate_limit_service"
    ):
        render(rate_limits={"shared": {"service": RATE}})
