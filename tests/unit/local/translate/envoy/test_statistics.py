"""Statistics of a sidecar as Istio's bootstrap configures them."""

import json
import os
from pathlib import Path
from re import findall

import pytest

from meshed_mcp.local.translate.envoy.statistics import REQUIRED_PREFIXES, TAGS, statistics

TEMPLATE = "istio.io/istio@*/tools/packaging/common/envoy_bootstrap.json"


def test_pods_without_the_annotation_keep_the_defaults_of_envoy() -> None:
    """Requirement LOC-2: only what a pod's annotations ask for is configured."""
    assert statistics({}) == {}


def test_annotations_select_statistics_and_buckets() -> None:
    """Istio, ProxyConfig `proxyStatsMatcher`, and "Resource Annotations"."""
    config = statistics(
        {
            "proxy.istio.io/config": "proxyStatsMatcher:\n  inclusionRegexps: [a.*]\n",
            "sidecar.istio.io/statsHistogramBuckets": '{"cluster.a": [1, 2]}',
        }
    )["stats_config"]
    assert {"safe_regex": {"regex": "a.*"}} in config["stats_matcher"]["inclusion_list"]["patterns"]
    assert config["histogram_bucket_settings"] == [{"match": {"prefix": "cluster.a"}, "buckets": [1, 2]}]


@pytest.fixture(scope="module")
def template() -> str:
    """Istio's template of a proxy's bootstrap, in Go's module cache once istiod was built."""
    cache = Path(os.environ.get("GOMODCACHE") or Path.home() / "go" / "pkg" / "mod")
    found = sorted(cache.glob(TEMPLATE))
    if not found:
        pytest.skip("Istio's sources are not in Go's module cache; run: make engines")
    return found[-1].read_text(encoding="utf-8")


def test_labels_are_taken_from_names_as_in_istios_proxy(template: str) -> None:
    """Istio, tools/packaging/common/envoy_bootstrap.json, `stats_tags`."""
    pairs = findall(r'"tag_name": "(\w+)",\s*"regex": ("[^\n]+")', template)
    pairs += [(name, regex) for regex, name in findall(r'"regex": ("[^\n]+"),\s*"tag_name": "(\w+)"', template)]
    known = {name: json.loads(regex) for name, regex in pairs}
    assert {name: known[name] for name in TAGS} == TAGS


def test_proxy_defers_statistics_of_requests_and_exports_none_by_itself(template: str) -> None:
    """Istio, bootstrap: why an idle sidecar has no gauge, and why pods need an annotation."""
    assert findall(r'"deferred_stat_options": {\s*"enable_deferred_creation_stats": true', template)
    assert findall(r'"stats_matcher": {\s*"inclusion_list"', template)
    assert "upstream_rq" not in template
    assert not any("cluster.inbound|8000||;.upstream_rq_active".startswith(prefix) for prefix in REQUIRED_PREFIXES)
