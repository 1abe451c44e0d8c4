"""Jaeger by our own manifests."""

from typing import Any

import yaml

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.args import JaegerSettings, ObservabilityStackArgs
from meshed_mcp.components.observability.jaeger import collector_host, manifests, otlp_endpoint


def objects(**settings: Any) -> dict[str, Manifest]:
    """Kind -> object."""
    return {item["kind"]: item for item in manifests(JaegerSettings(**settings), "watch", "fast")}


def config(**settings: Any) -> Manifest:
    """The configuration, as Jaeger reads it."""
    return dict(yaml.safe_load(objects(**settings)["ConfigMap"]["data"]["config.yaml"]))


def pod(**settings: Any) -> Manifest:
    """The pod's template."""
    return dict(objects(**settings)["StatefulSet"]["spec"]["template"])


def test_traces_are_kept_on_a_volume_and_expire() -> None:
    """Jaeger, Badger: `ephemeral` is true by default and would keep them in a temporary folder."""
    badger = config(retention_hours=24)["extensions"]["jaeger_storage"]["backends"]["badger"]["badger"]
    assert badger["ephemeral"] is False
    assert badger["ttl"] == {"spans": "24h"}
    (mount,) = [item for item in pod()["spec"]["containers"][0]["volumeMounts"] if item["name"] == "data"]
    assert all(path.startswith(f"{mount['mountPath']}/") for path in badger["directories"].values())
    (claim,) = objects(storage_gib=7)["StatefulSet"]["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == mount["name"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "7Gi"


def test_everything_the_pipeline_names_is_configured() -> None:
    """OpenTelemetry Collector: a part that is named but not configured ends the process at start."""
    parts = config()
    traces = parts["service"]["pipelines"]["traces"]
    assert {*traces["receivers"]} == set(parts["receivers"])
    assert {*traces["processors"]} == set(parts["processors"])
    assert {*traces["exporters"]} == set(parts["exporters"])
    assert {*parts["service"]["extensions"]} == set(parts["extensions"])
    storage = parts["exporters"]["jaeger_storage_exporter"]["trace_storage"]
    assert storage in parts["extensions"]["jaeger_storage"]["backends"]
    assert storage == parts["extensions"]["jaeger_query"]["storage"]["traces"]


def test_receivers_are_reachable_from_outside_the_pod() -> None:
    """OpenTelemetry Collector: receivers listen on localhost unless told otherwise."""
    protocols = config()["receivers"]["otlp"]["protocols"]
    assert {name: item["endpoint"] for name, item in protocols.items()} == {
        "grpc": "0.0.0.0:4317",
        "http": "0.0.0.0:4318",
    }


def test_probes_ask_the_health_check_that_is_configured() -> None:
    """Jaeger 2: /status on 13133 answers only with healthcheckv2 and use_v2."""
    health = config()["extensions"]["healthcheckv2"]
    assert health == {"use_v2": True, "http": {"endpoint": "0.0.0.0:13133"}}
    container = pod()["spec"]["containers"][0]
    ports = {item["name"]: item["containerPort"] for item in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/status", "port": "health"}
    assert ports["health"] == 13133


def test_a_changed_configuration_restarts_the_pod() -> None:
    """Jaeger reads its file once; the official chart does not restart it."""
    assert pod(retention_hours=24)["metadata"] != pod(retention_hours=48)["metadata"]
    assert pod(storage_gib=1)["metadata"] == pod(storage_gib=2)["metadata"]


def test_one_process_opens_the_volume() -> None:
    """Badger allows one process; a StatefulSet ends the old pod before it starts the new one."""
    assert objects()["StatefulSet"]["spec"]["replicas"] == 1


def test_the_pod_meets_the_restricted_standard() -> None:
    """Kubernetes, Pod Security Standards, "restricted"; the image's user is 10001 and must own the volume."""
    spec = pod()["spec"]
    security = spec["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] == security["fsGroup"] == 10001
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False


def test_the_service_leads_to_the_pods_ports_under_names_that_istio_reads() -> None:
    """Istio, "Protocol Selection": <protocol>[-<suffix>]."""
    service = objects()["Service"]["spec"]
    ports = {item["name"]: item["port"] for item in service["ports"]}
    assert ports == {"grpc-otlp": 4317, "http-otlp": 4318, "http-query": 16686, "http-metrics": 8888}
    assert service["selector"].items() <= pod()["metadata"]["labels"].items()
    named = {item["name"] for item in pod()["spec"]["containers"][0]["ports"]}
    assert {item["targetPort"] for item in service["ports"]} <= named


def test_addresses_name_the_service() -> None:
    """Kubernetes, "DNS for Services and Pods"."""
    service = objects()["Service"]["metadata"]
    assert otlp_endpoint("watch") == f"http://{service['name']}.{service['namespace']}.svc:4317"
    host = collector_host(ObservabilityStackArgs(namespace="watch"), "cluster.local")
    assert host == f"{service['name']}.watch.svc.cluster.local"
