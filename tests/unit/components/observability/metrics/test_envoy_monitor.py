"""The scrapes of the mesh's proxies."""

from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.manifests import monitors

(MONITOR,) = [each for each in monitors(ObservabilityStackArgs()) if each["metadata"]["name"] == "envoy-stats"]
(ENDPOINT,) = MONITOR["spec"]["podMetricsEndpoints"]


def test_proxies_of_every_namespace_are_scraped() -> None:
    """Istio, "Prometheus": proxies show their series on the port http-envoy-prom, wherever they run."""
    assert MONITOR["spec"]["namespaceSelector"] == {"any": True}
    assert (ENDPOINT["port"], ENDPOINT["path"]) == ("http-envoy-prom", "/stats/prometheus")


def test_only_istio_series_of_the_proxies_are_stored() -> None:
    """Requirement OBS-8: Envoy exports hundreds of series per proxy that nothing reads."""
    (rule,) = ENDPOINT["metricRelabelings"]
    assert (rule["action"], rule["sourceLabels"]) == ("keep", ["__name__"])
    assert rule["regex"].startswith("istio_(")
