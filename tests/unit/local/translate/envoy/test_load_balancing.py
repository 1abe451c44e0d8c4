"""Load balancing, localities and mirrors in Envoy configuration."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from meshed_mcp.components.mesh.cluster.access_log import FIELDS
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.envoy.bootstrap import sidecar
from meshed_mcp.local.translate.envoy.clusters import outbound_clusters
from meshed_mcp.local.translate.envoy.routes import mesh_virtual_hosts
from meshed_mcp.local.translate.envoy.tls import KeyFiles
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import Topology, topology
from tests.unit.local import local_objects

LaidOut = Callable[[list[dict[str, Any]]], Topology]
FILES = KeyFiles(chain=Path("chain"), key=Path("key"), root=Path("root"))
STABLE = f"outbound|8000|stable|{local_objects.BACK}"
PLACES = ("europe/a", "europe/b", "america/a")


def policy(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The traffic policy of `back`."""
    found: dict[str, Any] = local_objects.find(objects, "DestinationRule", "back")["spec"]["trafficPolicy"]
    return found


def route(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The one route of `back`."""
    found: dict[str, Any] = local_objects.find(objects, "VirtualService", "back")["spec"]["http"][0]
    return found


def cluster(laid: Topology, place: str = "") -> dict[str, Any]:
    """The cluster of the stable version for a client in a locality."""
    (found,) = [each for each in outbound_clusters(laid, "mcp-system", FILES, place) if each["name"] == STABLE]
    return found


def action(laid: Topology) -> dict[str, Any]:
    """Action of the route of `back`."""
    (host,) = [each for each in mesh_virtual_hosts(laid, "mcp-system") if each["name"] == f"{local_objects.BACK}:8000"]
    found: dict[str, Any] = host["routes"][0]["route"]
    return found


def spread(objects: list[dict[str, Any]]) -> Topology:
    """Three stable replicas in three localities."""
    local_objects.find(objects, "Deployment", "back")["spec"]["replicas"] = 3
    return topology(read_stack(objects), 16, PLACES)


@pytest.mark.parametrize(
    ("hashed", "expected"),
    [
        ({"httpHeaderName": "x-organization-id"}, {"header": {"header_name": "x-organization-id"}}),
        ({"httpQueryParameterName": "org"}, {"query_parameter": {"name": "org"}}),
        ({"useSourceIp": True}, {"connection_properties": {"source_ip": True}}),
    ],
)
def test_a_consistent_hash_is_a_ring_and_a_policy_of_each_route(
    objects: list[dict[str, Any]], laid_out: LaidOut, hashed: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Istio ConsistentHashLB; istiod: ring of at least 1024, the route's policies once per destination."""
    policy(objects)["loadBalancer"] = {"consistentHash": hashed}
    laid = laid_out(objects)
    found = cluster(laid)
    assert (found["lb_policy"], found["ring_hash_lb_config"]) == ("RING_HASH", {"minimum_ring_size": 1024})
    assert action(laid)["hash_policy"] == [expected, expected]


@pytest.mark.parametrize(
    ("more", "field", "value"),
    [
        ({"ringHash": {"minimumRingSize": 64}}, "ring_hash_lb_config", {"minimum_ring_size": 64}),
        ({"maglev": {"tableSize": 251}}, "maglev_lb_config", {"table_size": 251}),
    ],
)
def test_the_size_of_a_hash_is_kept(
    objects: list[dict[str, Any]], laid_out: LaidOut, more: dict[str, Any], field: str, value: dict[str, int]
) -> None:
    """Istio ConsistentHashLB, `ringHash` and `maglev`."""
    policy(objects)["loadBalancer"] = {"consistentHash": {"httpHeaderName": "x-a", **more}}
    assert cluster(laid_out(objects))[field] == value


@pytest.mark.parametrize("simple", ["LEAST_REQUEST", "ROUND_ROBIN"])
def test_a_new_replica_is_warmed_up(objects: list[dict[str, Any]], laid_out: LaidOut, simple: str) -> None:
    """Istio WarmupConfiguration: aggression is 1 and the floor 10 % where unset."""
    policy(objects)["loadBalancer"] = {"simple": simple, "warmup": {"duration": "30s"}}
    found = cluster(laid_out(objects))[f"{simple.lower()}_lb_config"]["slow_start_config"]
    assert (found["slow_start_window"], found["min_weight_percent"]) == ("30.000s", {"value": 10})
    assert found["aggression"]["default_value"] == 1


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"consistentHash": {}},
            ".consistentHash: needs exactly one of httpHeaderName, httpQueryParameterName and useSourceIp",
        ),
        ({"consistentHash": {"httpCookie": {}}}, ".consistentHash.httpCookie is not run locally"),
        (
            {"simple": "RANDOM", "consistentHash": {"useSourceIp": True}},
            ": simple and consistentHash exclude each other",
        ),
        (
            {"simple": "RANDOM", "warmup": {"duration": "1s"}},
            ": warmup is for LEAST_REQUEST and ROUND_ROBIN; remove it",
        ),
        ({"localityLbSetting": {"failoverPriority": []}}, ".localityLbSetting.failoverPriority is not run locally"),
        ({"simple": "PASSTHROUGH"}, ".simple='PASSTHROUGH' is not run locally; use 'LEAST_REQUEST'"),
    ],
)
def test_an_unsupported_load_balancer_is_rejected(
    objects: list[dict[str, Any]], settings: dict[str, Any], line: str
) -> None:
    """Requirement LOC-2: the error names object and field."""
    policy(objects)["loadBalancer"] = settings
    with pytest.raises(LocalRunError) as error:
        read_stack(objects)
    where = "DestinationRule mcp-system/back: spec.trafficPolicy.loadBalancer"
    assert any(fault.startswith(where + line) for fault in error.value.messages), error.value.messages


def priorities(found: dict[str, Any]) -> dict[str, int]:
    """Priority of each locality."""
    groups = found["load_assignment"]["endpoints"]
    return {f"{each['locality']['region']}/{each['locality']['zone']}": each["priority"] for each in groups}


def test_near_replicas_come_first(objects: list[dict[str, Any]]) -> None:
    """Istio LocalityLoadBalancerSetting: on in the mesh's default, and counts where outlier detection is set."""
    laid = spread(objects)
    assert priorities(cluster(laid, "europe/b")) == {"europe/b": 0, "europe/a": 1, "america/a": 2}
    del policy(objects)["outlierDetection"]
    assert set(priorities(cluster(spread(objects), "europe/b")).values()) == {0}


def test_locality_does_not_count_where_it_is_disabled(objects: list[dict[str, Any]]) -> None:
    """Istio LocalityLoadBalancerSetting, `enabled: false`."""
    policy(objects)["loadBalancer"] = {"localityLbSetting": {"enabled": False}}
    (group,) = cluster(spread(objects), "europe/a")["load_assignment"]["endpoints"]
    assert len(group["lb_endpoints"]) == 3


def test_a_failover_region_comes_before_others(objects: list[dict[str, Any]]) -> None:
    """Istio LocalityLoadBalancerSetting, `failover`; istiod leaves no gap between priorities."""
    policy(objects)["loadBalancer"] = {
        "localityLbSetting": {"enabled": True, "failover": [{"from": "asia", "to": "america"}]}
    }
    assert priorities(cluster(spread(objects), "asia/a")) == {"america/a": 0, "europe/a": 1, "europe/b": 1}


def test_locality_shares_are_weights(objects: list[dict[str, Any]]) -> None:
    """Istio LocalityLoadBalancerSetting, `distribute`: localities that are not named get nothing."""
    shares = [{"from": "europe/*", "to": {"europe/a": 80, "america/*": 20}}]
    policy(objects)["loadBalancer"] = {"localityLbSetting": {"enabled": True, "distribute": shares}}
    found = cluster(spread(objects), "europe/b")
    weights = {
        each["locality"]["region"]: each["load_balancing_weight"] for each in found["load_assignment"]["endpoints"]
    }
    assert weights == {"europe": 80, "america": 20}
    assert "locality_weighted_lb_config" in found["common_lb_config"]
    elsewhere = cluster(spread(objects), "america/a")
    assert "locality_weighted_lb_config" not in elsewhere["common_lb_config"]


@pytest.mark.parametrize(
    "fields",
    [
        {"mirrors": [{"destination": {"host": "back", "subset": "canary"}, "percentage": {"value": 12.5}}]},
        {"mirror": {"host": "back", "subset": "canary"}, "mirrorPercentage": {"value": 12.5}},
    ],
)
def test_a_mirror_gets_requests_under_the_same_host(
    objects: list[dict[str, Any]], laid_out: LaidOut, fields: dict[str, Any]
) -> None:
    """Istio HTTPRoute, `mirrors` and the older `mirror`; istiod adds no `-shadow` to the host."""
    route(objects).update(fields)
    (copied,) = action(laid_out(objects))["request_mirror_policies"]
    assert copied == {
        "cluster": f"outbound|8000|canary|{local_objects.BACK}",
        "runtime_fraction": {"default_value": {"numerator": 125_000, "denominator": "MILLION"}},
        "trace_sampled": False,
        "disable_shadow_host_suffix_append": True,
    }


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {"mirror": {"host": "back"}, "mirrors": [{"destination": {"host": "back"}}]},
            "mirror and mirrors exclude each",
        ),
        ({"mirrorPercentage": {"value": 5}}, "mirrorPercentage without mirror has no effect; set mirrors"),
    ],
)
def test_an_invalid_mirror_is_rejected(objects: list[dict[str, Any]], fields: dict[str, Any], line: str) -> None:
    """Istio HTTPRoute, `mirrors`."""
    route(objects).update(fields)
    with pytest.raises(LocalRunError, match=rf"VirtualService mcp-system/back: spec\.http\[0\]: {line}"):
        read_stack(objects)


def test_a_mirror_to_an_unknown_host_is_rejected(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Requirement CFG-8: an unknown mirror destination is rejected."""
    route(objects)["mirrors"] = [{"destination": {"host": "back", "subset": "green"}}]
    with pytest.raises(
        LocalRunError, match=r"spec\.http\[0\]\.mirrors\[0\]\.destination\.subset='green' is not a subset"
    ):
        action(laid_out(objects))


def test_every_request_is_logged_as_the_mesh_logs_it(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio MeshConfig, `accessLogFile: /dev/stdout`, `accessLogEncoding: JSON`, as rendered."""
    laid = laid_out(objects)
    for listener in sidecar(laid, laid.pods[0], FILES)["static_resources"]["listeners"]:
        for chain in listener["filter_chains"]:
            (log,) = chain["filters"][0]["typed_config"]["access_log"]
            assert log["typed_config"]["path"] == "/dev/stdout"
            assert log["typed_config"]["log_format"]["json_format"] == FIELDS
