"""Kubernetes objects and configuration of Jaeger."""

import json
from typing import Any

import pytest
import yaml

from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.tracing.jaeger import jaeger_objects
from meshed_mcp.components.observability.tracing.jaeger_args import JaegerSettings


def objects(**settings: Any) -> dict[str, Manifest]:
    """Kind -> object."""
    return {item["kind"]: item for item in jaeger_objects(JaegerSettings.model_validate(settings), "watch", "fast")}


def config(**settings: Any) -> Manifest:
    """The configuration, as Jaeger reads it."""
    return dict(yaml.safe_load(objects(**settings)["ConfigMap"]["data"]["config.yaml"]))


def pod(**settings: Any) -> Manifest:
    """The pod's template."""
    return dict(objects(**settings)["StatefulSet"]["spec"]["template"])


def test_traces_are_kept_on_a_volume_and_expire() -> None:
    """Jaeger, Badger: `ephemeral` is true by default and would keep them in a temporary folder."""
    badger = config(retention_hours=24)["extensions"]["jaeger_storage"]["backends"]["traces"]["badger"]
    assert badger["ephemeral"] is False
    assert badger["ttl"] == {"spans": "24h"}
    (mount,) = [item for item in pod()["spec"]["containers"][0]["volumeMounts"] if item["name"] == "data"]
    assert all(path.startswith(f"{mount['mountPath']}/") for path in badger["directories"].values())
    (claim,) = objects(storage_gib=7)["StatefulSet"]["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == mount["name"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "7Gi"


def test_every_component_of_the_pipeline_is_configured() -> None:
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


def test_receivers_listen_outside_the_pod() -> None:
    """OpenTelemetry Collector: receivers listen on localhost unless configured otherwise."""
    protocols = config()["receivers"]["otlp"]["protocols"]
    assert {name: item["endpoint"] for name, item in protocols.items()} == {
        "grpc": "0.0.0.0:4317",
        "http": "0.0.0.0:4318",
    }


def test_probes_use_the_configured_health_check() -> None:
    """Jaeger 2: /status on 13133 answers only with healthcheckv2 and use_v2."""
    health = config()["extensions"]["healthcheckv2"]
    assert health == {"use_v2": True, "http": {"endpoint": "0.0.0.0:13133"}}
    container = pod()["spec"]["containers"][0]
    ports = {item["name"]: item["containerPort"] for item in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/status", "port": "health"}
    assert ports["health"] == 13133


def test_changed_configuration_restarts_the_pod() -> None:
    """Jaeger reads its file once; the official chart does not restart it."""
    assert pod(retention_hours=24)["metadata"] != pod(retention_hours=48)["metadata"]
    assert pod(storage_gib=1)["metadata"] == pod(storage_gib=2)["metadata"]


def test_single_process_opens_the_volume() -> None:
    """Badger allows one process; a StatefulSet ends the old pod before it starts the new one."""
    assert objects()["StatefulSet"]["spec"]["replicas"] == 1


def test_pod_meets_the_restricted_standard() -> None:
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


def test_service_ports_have_names_that_istio_reads() -> None:
    """Istio, "Protocol Selection": <protocol>[-<suffix>]."""
    service = objects()["Service"]["spec"]
    ports = {item["name"]: item["port"] for item in service["ports"]}
    assert ports == {"grpc-otlp": 4317, "http-otlp": 4318, "http-query": 16686, "http-metrics": 8888}
    assert service["selector"].items() <= pod()["metadata"]["labels"].items()
    named = {item["name"] for item in pod()["spec"]["containers"][0]["ports"]}
    assert {item["targetPort"] for item in service["ports"]} <= named


SEARCH = {"kind": "opensearch", "url": "https://search.data.svc:9200", "secret": "traces-login"}


def test_search_storage_keeps_traces_outside_and_a_job_expires_them() -> None:
    """Jaeger, "Elasticsearch": retention is not automatic; the cleaner's arguments are the days and the address."""
    found = objects(storage=SEARCH, retention_hours=73)
    assert "StatefulSet" not in found
    assert found["Deployment"]["spec"]["replicas"] == 2
    job = found["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert job["args"] == ["4", "https://search.data.svc:9200"]
    env = {item["name"]: item for item in job["env"]}
    assert env["INDEX_PREFIX"]["value"] == "jaeger"
    assert env["ES_PASSWORD"]["valueFrom"]["secretKeyRef"] == {"name": "traces-login", "key": "password"}


def test_storage_credentials_are_in_no_file() -> None:
    """Requirement CFG-11: a ConfigMap names variables, whose values come from the Secret."""
    backend = config(storage=SEARCH)["extensions"]["jaeger_storage"]["backends"]["traces"]["opensearch"]
    assert backend["auth"] == {"basic": {"username": "${env:STORAGE_USERNAME}", "password": "${env:STORAGE_PASSWORD}"}}
    assert {item["date_layout"] for item in backend["indices"].values() if isinstance(item, dict)} == {"2006-01-02"}
    container = objects(storage=SEARCH)["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert {item["name"] for item in container["env"]} == {"STORAGE_USERNAME", "STORAGE_PASSWORD"}
    assert "data" not in {mount["name"] for mount in container["volumeMounts"]}


def test_without_a_secret_no_credentials_are_rendered() -> None:
    """Jaeger: empty names would be sent."""
    found = objects(storage={"kind": "elasticsearch", "url": "http://search:9200"})
    config_file = yaml.safe_load(found["ConfigMap"]["data"]["config.yaml"])
    assert "auth" not in config_file["extensions"]["jaeger_storage"]["backends"]["traces"]["elasticsearch"]
    assert "env" not in found["Deployment"]["spec"]["template"]["spec"]["containers"][0]


def test_sampling_strategies_are_served_to_sdks() -> None:
    """Jaeger, "Sampling": a file of probabilities as shares, asked for on 5778 (HTTP) and 5779 (gRPC)."""
    found = objects(sampling={"default_percent": 5, "services": {"mcp-plain": 50}})
    strategies = json.loads(found["ConfigMap"]["data"]["sampling.json"])
    assert strategies["default_strategy"] == {"type": "probabilistic", "param": 0.05}
    assert strategies["service_strategies"] == [{"service": "mcp-plain", "type": "probabilistic", "param": 0.5}]
    parts = yaml.safe_load(found["ConfigMap"]["data"]["config.yaml"])
    assert "remote_sampling" in parts["service"]["extensions"]
    assert parts["extensions"]["remote_sampling"]["file"]["path"] == "/etc/jaeger/sampling.json"
    ports = {item["name"]: item["port"] for item in found["Service"]["spec"]["ports"]}
    assert (ports["http-sampling"], ports["grpc-sampling"]) == (5778, 5779)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"storage": SEARCH | {"url": "search:9200"}},
            "is not a web address; use an http or https URL, such as 'https://opensearch.data",
        ),
        ({"sampling": {"default_percent": 101}}, "101 is not a percentage; use 0 to 100"),
        ({"sampling": {"services": {"a": -1}}}, "-1 is not a percentage; use 0 to 100"),
    ],
)
def test_impossible_settings_are_rejected_with_the_fix(settings: dict[str, Any], text: str) -> None:
    """Requirement CFG-7: preview rejects them by field."""
    (fault,) = model_issues(JaegerSettings, settings, "observability")
    assert text in str(fault)
