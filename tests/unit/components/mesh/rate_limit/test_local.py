"""Local rate limits: settings, rejected settings, and the EnvoyFilter of the sidecars."""

import math
import re
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster.proxy_config import CONNECTION_STATS
from meshed_mcp.components.mesh.cluster.proxy_filters import unsupported_filters
from meshed_mcp.components.mesh.rate_limit import descriptors, local
from meshed_mcp.components.mesh.rate_limit.args import SECONDS_PER_UNIT, TokenBucket, with_default_limits
from meshed_mcp.components.mesh.service.args import ServiceSettings
from tests.unit.components.mesh.mesh_rendering import render, render_exposed

AUTH: Final = {"issuers": [{"issuer": "https://login.example.com", "jwks_url": "https://login.example.com/keys"}]}

LIMITS_FILTER: Final = "mcp-search-rate-limits"


def lines(**limits: Any) -> list[str]:
    """What is wrong with a service that has these limits, and no tokens unless `auth` is given."""
    auth = {"auth": limits.pop("auth")} if "auth" in limits else {}
    raw = {"image": "search:1", "rate_limits": limits, **auth}
    return [str(fault) for fault in model_issues(ServiceSettings, raw, "service mcp-search")]


def config(item: Manifest) -> Manifest:
    """The configuration of the filter."""
    (patch,) = item["spec"]["configPatches"]
    found: Manifest = patch["patch"]["value"]["typed_config"]
    return found


def limited(**limits: Any) -> Manifest:
    """The filter's configuration of a service with tokens."""
    return config(render(rate_limits=limits, auth=AUTH).one("EnvoyFilter", LIMITS_FILTER))


@pytest.mark.parametrize(
    ("limits", "line"),
    [
        (
            {"pod": {"rate": "0/s"}},
            (
                "rate_limits.pod.rate: '0/s' would reject every request; use 1 or more, or remove "
                "the service from callers"
            ),
        ),
        (
            {"tools": {"search": {"rate": "20 per second"}}},
            (
                "rate_limits.tools.search.rate: '20 per second' is not a rate; use requests per s, "
                "min, h or d, such as '20/s'"
            ),
        ),
        (
            {"tools": {"a tool": {"rate": "20/s"}}},
            (
                "rate_limits.tools: 'a tool' is not a tool name; use at most 128 letters, digits, "
                "'_', '-', '.' and '/', or '*' for every other tool"
            ),
        ),
        (
            {"organization": {"rate": "20/s"}},
            (
                "rate_limits.organization: a caller's organization is known by its token, and the "
                "service does not ask for one; set auth, or limit by pod or tools"
            ),
        ),
        (
            {"shared": {"organizations": {"acme": {"rate": "20/s"}}}},
            (
                "rate_limits.shared.organizations: a caller's organization is known by its token, "
                "and the service does not ask for one; set auth, or limit by pod or tools"
            ),
        ),
        (
            {"pod": {"rate": "1/s"}, "tools": {"search": {"rate": "2/s"}}},
            (
                "rate_limits.tools.search: 2/s is never reached, because the pod is limited to 1/s; "
                "set a smaller rate, or raise rate_limits.pod"
            ),
        ),
        (
            {"unnamed": {"rate": "1/s"}},
            (
                "rate_limits: unnamed limits requests that could call a limited tool, and there is "
                "no limited tool; set tools or pod, or remove unnamed"
            ),
        ),
    ],
)
def test_invalid_rate_limit_is_rejected_with_the_fix(limits: dict[str, Any], line: str) -> None:
    """Requirement CFG-2: each error ends at preview and says what to set instead."""
    assert lines(**limits) == [f"service mcp-search: {line}"]


def test_burst_of_zero_is_rejected() -> None:
    """Envoy, TokenBucket, `max_tokens`: greater than 0."""
    (line,) = lines(pod={"rate": "5/s", "burst": 0})
    assert line.startswith("service mcp-search: rate_limits.pod.burst: ")


@given(requests=st.integers(1, 10**9 - 1), unit=st.sampled_from(sorted(SECONDS_PER_UNIT)))
def test_every_rate_becomes_its_token_bucket(requests: int, unit: str) -> None:
    """Envoy, TokenBucket: so many tokens in each interval, and as many at once unless a burst is given."""
    bucket = TokenBucket(rate=f"{requests}/{unit}")
    assert (bucket.requests, bucket.period_seconds) == (requests, SECONDS_PER_UNIT[unit])
    tokens = limited(pod={"rate": f"{requests}/{unit}"})["token_bucket"]
    assert tokens == {
        "max_tokens": requests, "tokens_per_fill": requests, "fill_interval": f"{SECONDS_PER_UNIT[unit]}s",
    }  # fmt: skip


@given(text=st.text(max_size=12).filter(lambda text: not text[:1].isascii() or not text[:1].isdigit()))
def test_text_without_a_leading_number_is_no_rate(text: str) -> None:
    """Requirement CFG-2: an invalid rate is rejected in one line."""
    (line,) = lines(pod={"rate": text})
    assert "is not a rate; use requests per s, min, h or d, such as '20/s'" in line


def test_limit_is_enforced_for_all_requests() -> None:
    """Envoy, LocalRateLimit: `filter_enabled` and `filter_enforced` are 0 percent unless set."""
    found = limited(pod={"rate": "5/s"})
    for field in ("filter_enabled", "filter_enforced"):
        assert found[field]["default_value"] == {"numerator": 100, "denominator": "HUNDRED"}
    assert found["stat_prefix"] == local.STAT_PREFIX
    assert found["status"] == {"code": "TooManyRequests"}


def test_filter_is_in_the_pods_of_the_service_only_and_last_before_the_router() -> None:
    """Istio, EnvoyFilter: behind jwt_authn and rbac, which istiod puts first; a proxy that lacks it would drop all."""
    item = render(rate_limits={"pod": {"rate": "5/s"}}).one("EnvoyFilter", LIMITS_FILTER)
    assert item["spec"]["workloadSelector"] == {"labels": {"app": "mcp-search"}}
    (patch,) = item["spec"]["configPatches"]
    assert patch["match"]["context"] == "SIDECAR_INBOUND"
    assert patch["match"]["listener"]["filterChain"]["filter"]["subFilter"] == {"name": "envoy.filters.http.router"}
    assert patch["patch"]["operation"] == "INSERT_BEFORE"
    assert unsupported_filters(item, "1.31.1") == []


def test_only_exposed_services_have_a_default_limit() -> None:
    """Requirement CFG-10: external traffic is limited by default; inside, callers are known by name."""
    tokens = config(render_exposed().one("EnvoyFilter", LIMITS_FILTER))["token_bucket"]
    assert tokens == {"max_tokens": 2000, "tokens_per_fill": 1000, "fill_interval": "1s"}
    assert LIMITS_FILTER not in [item["metadata"]["name"] for item in render()]


def test_stack_may_override_the_limit_of_an_exposed_service() -> None:
    """Requirement CFG-5: an explicit value overrides the default."""
    item = render_exposed(rate_limits={"pod": {"rate": "5/s"}}).one("EnvoyFilter", LIMITS_FILTER)
    assert config(item)["token_bucket"]["max_tokens"] == 5


def test_unnamed_requests_get_the_smallest_tool_limit() -> None:
    """Requirement NET-13: leaving out the tool name never raises the limit."""
    limits = ServiceSettings.model_validate(
        {"image": "a", "rate_limits": {"tools": {"a": {"rate": "5/s"}, "b": {"rate": "100/h"}}}}
    ).rate_limits
    assert with_default_limits(limits, expose=False).unnamed == limits.tools["b"]


def test_organization_is_read_from_the_verified_token() -> None:
    """Requirement SEC-2: never a client's header. Source of the field: istiod, `payload_in_metadata`."""
    found = limited(organization={"rate": "5/s"}, organizations={"acme": {"rate": "9/s"}})
    (action,) = found["rate_limits"][0]["actions"]
    assert action["metadata"]["metadata_key"] == {
        "key": "envoy.filters.http.jwt_authn",
        "path": [{"key": "payload"}, {"key": "organization"}],
    }
    assert action["metadata"]["source"] == "DYNAMIC"
    entries = [descriptor["entries"] for descriptor in found["descriptors"]]
    assert entries == [[{"key": "organization", "value": "acme"}], [{"key": "organization"}]]
    assert found["max_dynamic_descriptors"] == local.MAX_ORGANIZATIONS


def test_every_descriptor_has_an_action_that_makes_it() -> None:
    """Envoy, LocalRateLimit: a descriptor that no action makes limits nothing, without any error."""
    found = limited(tools={"a": {"rate": "5/s"}, "*": {"rate": "9/s"}}, organization={"rate": "7/s"})
    made = set()
    for each in found["rate_limits"]:
        (action,) = each["actions"]
        (entry,) = action.values()
        made.add((entry["descriptor_key"], entry.get("descriptor_value")))
    wanted = {(entry["key"], entry.get("value")) for each in found["descriptors"] for entry in each["entries"]}
    assert wanted == made == {("tool", "a"), ("tool", "*"), ("unnamed", "true"), ("organization", None)}


@given(seconds=st.floats(0.001, 10**6))
def test_retry_after_is_whole_seconds_up_to_a_minute(seconds: float) -> None:
    """RFC 9110, section 10.2.3, Retry-After: a whole number of seconds."""
    value = int(descriptors.retry_after_header(seconds)["header"]["value"])
    assert value == min(max(1, math.ceil(seconds)), 60)


def test_absent_header_never_counts_as_a_named_tool() -> None:
    """Envoy, HeaderMatcher, `treat_missing_header_as_empty`: without it an inverted match fails on absent headers."""
    for action in descriptors.tool_actions(["a", "*"]):
        for header in action["actions"][0]["header_value_match"]["headers"]:
            assert bool(header.get("invert_match")) == bool(header.get("treat_missing_header_as_empty"))


@pytest.mark.parametrize(
    "statistic",
    ["mcp_rate_limits.http_local_rate_limit.rate_limited", "cluster.inbound|8000||.ratelimit.mcp_shared.over_limit"],
)
def test_rate_limited_requests_are_reported_by_the_proxies(statistic: str) -> None:
    """Istio, `proxyStatsMatcher`: other statistics of Envoy are dropped; names as test_shared_rate_limits.py finds."""
    assert any(re.fullmatch(regex, statistic) for regex in CONNECTION_STATS)
