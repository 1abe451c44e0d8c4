"""DestinationRules: stream-friendly defaults, options, error messages."""

from typing import Any, Final

import pytest

from meshed_mcp.components.core.manifest import Manifest
from tests.unit.components.mesh.mesh_rendering import lines, render


def policy(**traffic: Any) -> Manifest:
    """The traffic policy of a service with these settings."""
    found: Manifest = render(traffic=traffic).one("DestinationRule")["spec"]["trafficPolicy"]
    return found


@pytest.mark.parametrize(
    ("balancing", "expected"),
    [
        ({}, {"simple": "LEAST_REQUEST"}),
        ({"policy": "least_request", "warmup_seconds": 60}, {"simple": "LEAST_REQUEST"}),
        ({"policy": "round_robin"}, {"simple": "ROUND_ROBIN"}),
        ({"policy": "random"}, {"simple": "RANDOM"}),
        (
            {"policy": "consistent_hash", "hash_header": "x-organization-id"},
            {"consistentHash": {"httpHeaderName": "x-organization-id"}},
        ),
        ({"policy": "consistent_hash", "hash_header": "mcp-name"}, {"consistentHash": {"httpHeaderName": "mcp-name"}}),
    ],
)
def test_load_balancing_algorithm_is_the_configured_one(balancing: dict[str, Any], expected: Manifest) -> None:
    """Istio API, LoadBalancerSettings; the default counts open requests, as streams make counts uneven."""
    chosen = policy(balancing=balancing)["loadBalancer"]
    warmup = chosen.pop("warmup", None)
    del chosen["localityLbSetting"]
    assert chosen == expected
    assert warmup == ({"duration": "60s", "minimumPercent": 10} if "warmup_seconds" in balancing else None)


def test_connection_pool_limits_allow_for_streams() -> None:
    """Istio API, ConnectionPoolSettings: a listening client holds one connection and one request."""
    pool = policy(connections={"streams": 10000, "pending_requests": 50, "connect_seconds": 1, "idle_seconds": 60})
    assert pool["connectionPool"] == {
        "tcp": {
            "maxConnections": 10000,
            "connectTimeout": "1s",
            "idleTimeout": "60s",
            "tcpKeepalive": {"time": "60s", "interval": "20s", "probes": 3},
        },
        "http": {"http1MaxPendingRequests": 50, "http2MaxRequests": 10000, "idleTimeout": "60s"},
    }


def test_outlier_detection_uses_the_configured_thresholds() -> None:
    """Istio API, OutlierDetection: both counters; minHealthPercent only where it is asked for."""
    asked = {
        "consecutive_5xx_errors": 7, "consecutive_gateway_errors": 3, "interval_seconds": 5, "ejection_seconds": 60,
        "max_ejection_percent": 20, "min_health_percent": 30,
    }  # fmt: skip
    assert policy(outlier_detection=asked)["outlierDetection"] == {
        "consecutive5xxErrors": 7,
        "consecutiveGatewayErrors": 3,
        "interval": "5s",
        "baseEjectionTime": "60s",
        "maxEjectionPercent": 20,
        "minHealthPercent": 30,
    }
    assert "outlierDetection" not in policy(outlier_detection=None)


def test_locality_load_balancing_is_off_by_default() -> None:
    """Istio API, MeshConfig `localityLbSetting`: on by default, so with outlier detection calls stay in a zone."""
    found = policy()
    assert "outlierDetection" in found
    assert found["loadBalancer"]["localityLbSetting"] == {"enabled": False}


def test_localities_get_their_configured_shares() -> None:
    """Istio API, LocalityLoadBalancerSetting `distribute`."""
    shares = {"eu/a/*": {"eu/a/*": 80, "eu/b/*": 20}, "us/*": {"us/*": 100}}
    setting = policy(locality={"distribute": shares})["loadBalancer"]["localityLbSetting"]
    assert setting == {"enabled": True, "distribute": [{"from": place, "to": to} for place, to in shares.items()]}


def test_locality_failover_is_rendered_with_outlier_detection() -> None:
    """Istio API, LocalityLoadBalancerSetting `failover`: without outlier detection it does nothing."""
    found = policy(locality={"failover": {"eu": "us"}})
    assert found["loadBalancer"]["localityLbSetting"] == {"enabled": True, "failover": [{"from": "eu", "to": "us"}]}
    assert "outlierDetection" in found


BAD: Final[dict[str, tuple[dict[str, Any], list[str]]]] = {
    "failover without outlier detection": (
        {"outlier_detection": None, "locality": {"failover": {"eu": "us"}}},
        [
            (
                "traffic: locality.failover needs outlier_detection, which finds the unhealthy "
                "replicas of a region; remove outlier_detection: null, or remove the failover"
            )
        ],
    ),
    "distribute with failover": (
        {"locality": {"failover": {"eu": "us"}, "distribute": {"eu/*": {"eu/*": 100}}}},
        ["traffic.locality: distribute and failover exclude each other, and Istio takes one; remove one of them"],
    ),
    "a locality of nothing": (
        {"locality": {}},
        ["traffic.locality: has neither distribute nor failover; set one of them, or remove locality"],
    ),
    "a place that is none": (
        {"locality": {"distribute": {"eu/*/x": {"eu//a": 100}}}},
        [
            (
                "traffic.locality.distribute: 'eu/*/x' is not a locality; use region, region/zone "
                "or region/zone/subzone, with '*' only at the end, such as 'europe-west1/b/*'"
            ),
            (
                "traffic.locality.distribute: 'eu//a' is not a locality; use region, region/zone or "
                "region/zone/subzone, with '*' only at the end, such as 'europe-west1/b/*'"
            ),
        ],
    ),
    "shares that are not all": (
        {"locality": {"distribute": {"eu/*": {"eu/*": 80, "us/*": 10}}}},
        ["traffic.locality.distribute: from 'eu/*': the shares sum to 90, not 100; change one of [80, 10]"],
    ),
    "a share of nothing": (
        {"locality": {"distribute": {"eu/*": {"eu/*": 100, "us/*": 0}}}},
        [
            (
                "traffic.locality.distribute: from 'eu/*': a share below 1 percent has no effect; "
                "remove it, or set 1 or more"
            )
        ],
    ),
    "a place within another": (
        {"locality": {"distribute": {"eu/*": {"eu/*": 50, "eu/a/*": 50}}}},
        [
            (
                "traffic.locality.distribute: from 'eu/*' to 'eu/*' contains 'eu/a/*' too; use "
                "localities that do not overlap"
            )
        ],
    ),
    "a zone in a failover": (
        {"locality": {"failover": {"eu/a": "us"}}},
        [
            (
                "traffic.locality.failover: 'eu/a' is not a region; use its name alone, without "
                "zone and '*', such as 'europe-west1'"
            )
        ],
    ),
    "a region as its own substitute": (
        {"locality": {"failover": {"eu": "eu"}}},
        ["traffic.locality.failover: 'eu' fails over to itself; name another region"],
    ),
    "a hash of the session": (
        {"balancing": {"policy": "consistent_hash", "hash_header": "mcp-session-id"}},
        [
            (
                "traffic.balancing.hash_header: 'mcp-session-id' is missing in the first request of "
                "a session, so that half of the sessions would change their replica after it; set "
                "legacy: sticky, which keeps sessions on their replica, and use another header here"
            )
        ],
    ),
    "a hash of nothing": (
        {"balancing": {"policy": "consistent_hash"}},
        ["traffic.balancing: policy consistent_hash needs hash_header; set it, or set policy: least_request"],
    ),
    "a header that is not hashed": (
        {"balancing": {"hash_header": "x-tenant"}},
        [
            (
                "traffic.balancing: policy least_request does not use hash_header; remove it, or "
                "set policy: consistent_hash"
            )
        ],
    ),
    "a slow start that is not known": (
        {"balancing": {"policy": "random", "warmup_seconds": 30}},
        ["traffic.balancing: policy random does not use warmup_seconds; remove it, or set policy: least_request"],
    ),
    "a counter that is never reached": (
        {"outlier_detection": {"consecutive_gateway_errors": 9}},
        [
            (
                "traffic.outlier_detection: consecutive_gateway_errors 9 is never reached, because "
                "the same responses count as consecutive_5xx_errors 5; set it to 5 or less"
            )
        ],
    ),
    "ejections that bring all back": (
        {"outlier_detection": {"max_ejection_percent": 80, "min_health_percent": 50}},
        [
            (
                "traffic.outlier_detection: max_ejection_percent 80 leaves less than "
                "min_health_percent 50, which brings all ejected replicas back; set "
                "max_ejection_percent to 50 or less, or min_health_percent: 0"
            )
        ],
    ),
}


@pytest.mark.parametrize(("traffic", "expected"), BAD.values(), ids=BAD)
def test_invalid_connection_settings_are_rejected_with_the_fix(traffic: dict[str, Any], expected: list[str]) -> None:
    """Requirement CFG-7: preview rejects what could never work."""
    assert lines(traffic=traffic) == expected


def test_sticky_sessions_without_outlier_detection_are_rejected() -> None:
    """Measured: the sessions of a replica that died get 503 until it is ejected."""
    assert lines(legacy="sticky", traffic={"outlier_detection": None}) == [
        (
            "traffic.outlier_detection: null with legacy: sticky leaves sessions on a replica "
            "that is down, and each of their requests gets 503; remove the null, or set legacy: "
            "stateless"
        )
    ]


def test_sessions_in_redis_are_hashed_and_all_other_requests_are_balanced_as_configured() -> None:
    """Requirement STR-5: a session whose replica is gone always reaches the same other replica.

    Istio API, Subset: a `trafficPolicy` of a subset overrides the fields that it sets.
    """
    stored = render(legacy="sticky", sessions={"store": "redis"}, redis={"secret": "redis", "key": "url"})
    plain = render(legacy="sticky")
    rule, usual = (found.one("DestinationRule")["spec"] for found in (stored, plain))
    balanced = usual["trafficPolicy"]["loadBalancer"]
    assert rule["trafficPolicy"]["loadBalancer"] == {
        "consistentHash": {"httpHeaderName": "mcp-session-id"},
        "localityLbSetting": {"enabled": False},
    }
    assert rule["subsets"] == [{**each, "trafficPolicy": {"loadBalancer": balanced}} for each in usual["subsets"]]
    for found in (rule, usual):
        del found["trafficPolicy"]["loadBalancer"]
    assert rule["trafficPolicy"] == usual["trafficPolicy"]
