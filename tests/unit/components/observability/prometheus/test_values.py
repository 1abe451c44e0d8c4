"""Values of kube-prometheus-stack."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.observability.args import (
    AlertmanagerSettings,
    ObservabilityStackArgs,
    Platform,
    PrometheusSettings,
)
from meshed_mcp.components.observability.manifests import prometheus_rules
from meshed_mcp.components.observability.prometheus.values import (
    kube_prometheus_stack_values,
    prometheus_spec,
    prometheus_url,
    retention_size,
)

CHART_ONLY = ("storageSpec", "SelectorNilUsesHelmValues")
"""Values that the chart translates; the others go into the operator's object under the same name."""

DEFAULTS = ObservabilityStackArgs()


def spec(**settings: Any) -> dict[str, Any]:
    """Values of Prometheus itself."""
    return prometheus_spec(PrometheusSettings(**settings), "fast")


def test_every_monitor_and_rule_of_the_cluster_is_selected() -> None:
    """Chart: with these values true, only objects labeled with the release's name are seen (helm-charts#430)."""
    kinds = ("rule", "serviceMonitor", "podMonitor", "probe", "scrapeConfig")
    assert [spec()[f"{kind}SelectorNilUsesHelmValues"] for kind in kinds] == [False] * 5


def test_samples_are_on_a_volume_that_survives_the_release() -> None:
    """Chart: without storageSpec the samples are deleted with the pod."""
    claim = spec(storage_gib=80)["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert claim["resources"]["requests"]["storage"] == "80Gi"
    assert claim["storageClassName"] == "fast"
    assert spec()["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


@given(st.integers(1, 65536))
def test_retention_size_leaves_a_fifth_of_the_volume_to_the_wal(storage_gib: int) -> None:
    """Prometheus, "Storage": retention.size at 80 to 85 % of the allocated space."""
    mebibytes = int(retention_size(storage_gib).removesuffix("MiB"))
    assert 0.79 <= mebibytes / (storage_gib * 1024) <= 0.85


def test_retention_is_bounded_by_age_too() -> None:
    """Prometheus: whichever of age and size is reached first removes a block."""
    assert spec(retention_days=30)["retention"] == "30d"


def test_gogc_is_below_the_default() -> None:
    """Prometheus, configuration, `runtime.gogc`: 75 unless set; less is less memory."""
    assert 0 < spec()["runtime"]["goGC"] < 75


def test_exemplars_are_kept() -> None:
    """Prometheus 3: exemplar storage needs the feature and a size."""
    assert "exemplar-storage" in spec()["enableFeatures"]
    assert spec()["exemplars"]["maxSize"] > 0


def test_monitors_cannot_exceed_the_enforced_limits() -> None:
    """Operator: only the enforced limits bind monitors; the chart sets none."""
    enforced = {key: value for key, value in spec().items() if key.startswith("enforced")}
    assert {"enforcedSampleLimit", "enforcedTargetLimit", "enforcedLabelLimit", "enforcedBodySizeLimit"} <= set(
        enforced
    )
    assert all(enforced.values())


def test_every_prometheus_field_exists_in_the_crd(prometheus_schema: dict[str, Any]) -> None:
    """Prometheus operator 0.93.1, CRD Prometheus: the chart passes the values on under the same names."""
    passed_on = {key: value for key, value in spec().items() if not key.endswith(CHART_ONLY)}
    required: dict[str, list[str]] = {"required": []}
    Draft202012Validator(prometheus_schema | required).validate(passed_on)


def test_no_helm_hook_is_rendered() -> None:
    """Chart: every hook template is gated off by cert-manager's certificate or belongs to the CRD upgrade job."""
    values = kube_prometheus_stack_values(DEFAULTS)
    assert values["prometheusOperator"]["admissionWebhooks"]["certManager"] == {"enabled": True}
    assert values["crds"] == {"enabled": False}


def test_managed_clusters_have_no_rules_for_hidden_components() -> None:
    """helm-charts#4106: scheduler, controller manager, etcd and kube-proxy cannot be scraped there."""
    values = kube_prometheus_stack_values(DEFAULTS)
    assert [values[part]["enabled"] for part in ("kubeControllerManager", "kubeScheduler", "kubeEtcd")] == [False] * 3
    assert not any(values["defaultRules"]["rules"].values())


def test_self_managed_clusters_monitor_their_control_plane() -> None:
    """Requirement OBS-1: platform self-managed scrapes the control plane and keeps its rules."""
    values = kube_prometheus_stack_values(ObservabilityStackArgs(platform=Platform.SELF_MANAGED))
    assert values["kubeEtcd"]["enabled"] is True
    assert all(values["defaultRules"]["rules"].values())


@pytest.mark.parametrize(("replicas", "budget"), [(1, False), (2, True)])
def test_disruption_budget_exists_only_with_a_second_replica(replicas: int, *, budget: bool) -> None:
    """Kubernetes: a budget over a single replica blocks every drain of its node."""
    args = ObservabilityStackArgs(
        prometheus=PrometheusSettings(replicas=replicas), alertmanager=AlertmanagerSettings(replicas=replicas)
    )
    values = kube_prometheus_stack_values(args)
    assert values["prometheus"]["podDisruptionBudget"]["enabled"] is budget
    assert values["alertmanager"]["podDisruptionBudget"]["enabled"] is budget


def test_prometheus_url_is_the_service_of_the_chart() -> None:
    """Chart, template prometheus/service.yaml: `<fullname>-prometheus`; the fullname is cut at 26 characters."""
    name = kube_prometheus_stack_values(DEFAULTS)["fullnameOverride"]
    assert len(name) <= 26
    assert prometheus_url(ObservabilityStackArgs(namespace="watch")) == f"http://{name}-prometheus.watch.svc:9090"


def test_remote_write_sends_the_selected_series_by_name(prometheus_schema: dict[str, Any]) -> None:
    """Prometheus operator, RemoteWriteSpec; Requirement OBS-8: only the servers' series by default."""
    token = {"secret": "metrics", "key": "token"}
    settings = {"url": "https://metrics.example.com/write", "token": token, "labels": {"cluster": "europe"}}
    found = spec(remote_write=settings)
    (target,) = found["remoteWrite"]
    assert target["authorization"]["credentials"] == {"name": "metrics", "key": "token"}
    assert found["externalLabels"] == {"cluster": "europe"}
    kept = re.compile(target["writeRelabelConfigs"][0]["regex"])
    assert kept.fullmatch("mcp_server_operation_duration_seconds_count")
    assert not kept.fullmatch("container_memory_working_set_bytes")
    recorded = [
        rule for item in prometheus_rules(DEFAULTS) for group in item["spec"]["groups"] for rule in group["rules"]
    ]
    lost = [rule["record"] for rule in recorded if "record" in rule and not kept.fullmatch(rule["record"])]
    assert lost == []
    Draft202012Validator({"properties": prometheus_schema["properties"]}).validate(
        {key: found[key] for key in ("remoteWrite", "externalLabels")}
    )
    (everything,) = spec(remote_write={"url": "http://metrics", "series": "all"})["remoteWrite"]
    assert "writeRelabelConfigs" not in everything
    assert "remoteWrite" not in spec()


def test_remote_write_url_without_a_scheme_is_rejected() -> None:
    """Requirement CFG-2: preview rejects it by field, with the fix."""
    settings = {"prometheus": {"remote_write": {"url": "metrics:9090"}}}
    (fault,) = model_issues(ObservabilityStackArgs, settings, "observability")
    assert str(fault) == (
        "observability: prometheus.remote_write.url: 'metrics:9090' is not a web address; "
        "use an http or https URL, such as 'https://metrics.example.com/api/v1/write'"
    )
