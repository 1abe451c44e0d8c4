"""Validates a proxy's configuration from istiod with a stock Envoy.

Left out is what only Istio's own build of Envoy has and Istio adds by itself: filters named `istio.*`.
"""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

from tests.engines import proxy_views as views

HTTP_OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
ISTIO_AGENT: Final = ("sds-grpc", "xds-grpc")
"""Clusters of Istio's bootstrap: certificates and configuration."""


def loaded(envoy: Path, dump: views.Config, folder: Path) -> subprocess.CompletedProcess[str]:
    """Validation output of a stock Envoy."""
    file = folder / "envoy.json"
    file.write_text(json.dumps(bootstrap(dump)))
    command = [str(envoy), "--mode", "validate", "--config-path", str(file), "--log-level", "warning"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def bootstrap(dump: views.Config) -> views.Config:
    """Bootstrap with clusters, and listeners with inline routes."""
    tables = {table["name"]: table for table in views.route_tables(dump)}
    clusters = [*map(untyped, views.clusters(dump).values()), *map(_agent, ISTIO_AGENT)]
    listeners = list(map(untyped, views.listeners(dump).values()))
    services = [{"envoyGrpc": {"clusterName": "xds-grpc"}}]
    ads = {"apiType": "GRPC", "transportApiVersion": "V3", "grpcServices": services}
    return {
        "node": {"id": "judged", "cluster": "judged"},
        "staticResources": {"clusters": stock(clusters, tables), "listeners": stock(listeners, tables)},
        "dynamicResources": {"adsConfig": ads},
    }


def stock(value: Any, tables: dict[str, views.Config]) -> Any:
    """`value` without Istio's filters and with inline routes."""
    if isinstance(value, list):
        return [stock(part, tables) for part in value if not _is_istios(part)]
    if not isinstance(value, dict):
        return value
    if "rds" in value:
        rest = {key: part for key, part in value.items() if key != "rds"}
        return stock({**rest, "routeConfig": untyped(tables[value["rds"]["routeConfigName"]])}, tables)
    return {key: stock(part, tables) for key, part in value.items()}


def untyped(resource: views.Config) -> views.Config:
    """A resource without its type URL."""
    return {key: part for key, part in resource.items() if key != "@type"}


def _is_istios(part: Any) -> bool:
    return isinstance(part, dict) and str(part.get("name", "")).startswith("istio.")


def _agent(name: str) -> views.Config:
    options = {"@type": f"type.googleapis.com/{HTTP_OPTIONS}", "explicitHttpConfig": {"http2ProtocolOptions": {}}}
    return {"name": name, "type": "STATIC", "typedExtensionProtocolOptions": {HTTP_OPTIONS: options}}
