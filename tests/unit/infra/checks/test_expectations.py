"""What existing parts of a cluster must have, as notes of the check."""

import pytest

from meshed_mcp.infra.checks import check
from meshed_mcp.infra.checks.expectations import Expectation, expectations
from tests.stacks import recording

EXISTING = "existing"


@pytest.mark.parametrize(
    "wanted",
    [
        Expectation("istio", "version", "1.31 or newer"),
        Expectation("istio", "revision", "prod-stable, with istiod in istio-control"),
        Expectation("istio", "meshConfig.extensionProviders", "with a provider named otel"),
        Expectation("istio", "meshConfig.extensionProviders", "with a provider named envoy"),
        Expectation("gateway", "TLS Secret", "gateways/find-cert"),
        Expectation("prometheus", "podMonitorSelector", "empty, or matching release: kube-prometheus-stack"),
        Expectation("collector", "receiver", "OTLP over HTTP at http://otel-collector.observability.svc:4318"),
        Expectation("keda", "operator", "in keda, allowed to query Prometheus"),
    ],
)
def test_existing_part_has_an_expectation(wanted: Expectation) -> None:
    """Requirement CLU-6: what a part must have is named before the deployment."""
    assert wanted in expectations(recording(EXISTING))


def test_installed_parts_have_none() -> None:
    """Requirement CLU-6: what the stack installs, it configures itself."""
    assert expectations(recording("dev")) == []


def test_check_lists_expectations_as_notes() -> None:
    """Requirement CMP-15: what must exist and is not created by the stack is named beforehand."""
    report = check(recording(EXISTING))
    assert report.issues == []
    assert [note.code for note in report.notes].count("MM0582") == len(expectations(recording(EXISTING)))
    assert any("Namespace monitoring must exist" in note for note in report.notes)
