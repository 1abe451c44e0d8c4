"""Statistics of a sidecar that its pod's annotations ask for, as Istio's bootstrap configures them. Pure.

Source: Istio 1.31, tools/packaging/common/envoy_bootstrap.json and pkg/bootstrap/config.go.
"""

import json
from collections.abc import Mapping
from typing import Final

import yaml

from meshed_mcp.local.translate.envoy.api import Message
from meshed_mcp.local.translate.objects.fields import PROXY_CONFIG

BUCKETS: Final = "sidecar.istio.io/statsHistogramBuckets"
TAGS: Final = {
    "cluster_name": r"^cluster(\.(.+);)",
    "response_code": r"_rq(_(\d{3}))$",
    "response_code_class": r"_rq(_(\dxx))$",
}
"""Label -> pattern of the part of a name that becomes its value."""

REQUIRED_PREFIXES: Final = ("reporter=", "cluster_manager", "listener_manager", "server", "cluster.xds-grpc", "istio")
"""Statistics that every proxy of Istio exports."""


def statistics(annotations: Mapping[str, str]) -> Message:
    """Bootstrap fields for a pod with annotations for its statistics; empty for others, which keep Envoy's defaults.

    As in Istio, a proxy creates the statistics of a cluster with its first request.
    """
    if PROXY_CONFIG not in annotations:
        return {}
    wanted = yaml.safe_load(annotations[PROXY_CONFIG])["proxyStatsMatcher"]["inclusionRegexps"]
    bounds = json.loads(annotations.get(BUCKETS, "{}"))
    patterns = [{"prefix": each} for each in REQUIRED_PREFIXES] + [{"safe_regex": {"regex": each}} for each in wanted]
    return {
        "cluster_manager": {"enable_deferred_cluster_creation": True},
        "deferred_stat_options": {"enable_deferred_creation_stats": True},
        "stats_config": {
            "use_all_default_tags": False,
            "stats_tags": [{"tag_name": name, "regex": pattern} for name, pattern in TAGS.items()],
            "stats_matcher": {"inclusion_list": {"patterns": patterns}},
            "histogram_bucket_settings": [
                {"match": {"prefix": prefix}, "buckets": buckets} for prefix, buckets in bounds.items()
            ],
        },
    }
