"""Grafana's part of the values."""

import json
import re

import pulumi

from meshed_mcp.components.observability.args import GrafanaSettings, ObservabilityStackArgs
from meshed_mcp.components.observability.grafana.values import admin_secrets, grafana_values

VALUES = grafana_values(ObservabilityStackArgs(namespace="watch", storage_class="fast"))


def test_volume_is_never_attached_to_two_pods() -> None:
    """helm-charts#3612: a Deployment with a volume hangs in Multi-Attach at every upgrade."""
    assert VALUES["persistence"] == {"enabled": True, "type": "sts", "size": "5Gi", "storageClassName": "fast"}


def test_administrator_password_comes_from_a_secret() -> None:
    """grafana/helm-charts#1184: otherwise each upgrade makes another password."""
    assert VALUES["admin"] == {
        "existingSecret": "grafana-admin",
        "userKey": "admin-user",
        "passwordKey": "admin-password",
    }


def test_configured_password_is_written_to_the_secret() -> None:
    """Requirement CMP-15: the namespace is the stack's own, so the Secret cannot exist before it."""
    password = pulumi.Output.secret("s3cret")
    settings = GrafanaSettings.model_validate({"admin_secret": "admin", "admin_password": password})
    (secret,) = admin_secrets(settings, "watch")
    assert (secret["kind"], secret["metadata"]["name"], secret["metadata"]["namespace"]) == ("Secret", "admin", "watch")
    assert secret["stringData"] == {"admin-user": "admin", "admin-password": password}


def test_without_a_password_no_secret_is_rendered() -> None:
    """Requirement CMP-7: an existing Secret is not overwritten."""
    assert admin_secrets(GrafanaSettings(), "watch") == []


def test_data_sources_have_fixed_uids_and_exemplars_link_to_traces() -> None:
    """Grafana: dashboards and exemplar links name a data source by uid."""
    sources = VALUES["sidecar"]["datasources"]
    (jaeger,) = VALUES["additionalDataSources"]
    assert (sources["uid"], sources["alertmanager"]["uid"], jaeger["uid"]) == ("prometheus", "alertmanager", "jaeger")
    assert sources["exemplarTraceIdDestinations"]["datasourceUid"] == jaeger["uid"]
    assert jaeger["url"] == "http://jaeger.watch.svc:16686"


def test_dashboards_are_found_in_every_namespace_and_are_read_only_in_the_browser() -> None:
    """Chart, sidecar: label grafana_dashboard "1"; a change in the browser would be undone by the next deployment."""
    sidecar = VALUES["sidecar"]["dashboards"]
    assert (sidecar["label"], sidecar["labelValue"], sidecar["searchNamespace"]) == ("grafana_dashboard", "1", "ALL")
    assert sidecar["provider"]["allowUiUpdates"] is False


def test_span_links_to_the_metrics_of_its_service() -> None:
    """Grafana, "Trace to metrics": `$__tags` is filled from the span; a file of data sources wants its $ doubled."""
    (jaeger,) = VALUES["additionalDataSources"]
    link = jaeger["jsonData"]["tracesToMetrics"]
    assert link["datasourceUid"] == VALUES["sidecar"]["datasources"]["uid"]
    assert link["tags"] == [{"key": "service.name", "value": "mcp_server_name"}]
    assert all("{$$__tags" in each["query"] for each in link["queries"])


def test_logs_and_traces_link_to_each_other_with_loki() -> None:
    """Grafana, Loki `derivedFields`: the expression finds the trace in a line as the runtime writes it."""
    settings = {"loki_url": "http://loki.logs.svc:3100"}
    values = grafana_values(ObservabilityStackArgs.model_validate({"grafana": settings}))
    jaeger, loki = values["additionalDataSources"]
    assert (loki["uid"], loki["url"]) == ("loki", "http://loki.logs.svc:3100")
    assert jaeger["jsonData"]["tracesToLogsV2"]["datasourceUid"] == loki["uid"]
    (field,) = loki["jsonData"]["derivedFields"]
    assert field["datasourceUid"] == jaeger["uid"]
    found = re.search(field["matcherRegex"], json.dumps({"message": "x", "trace_id": "0af7" * 8}))
    assert found is not None
    assert found.group(1) == "0af7" * 8
