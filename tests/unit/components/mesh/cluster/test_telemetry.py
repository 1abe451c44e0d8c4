"""Telemetry of the mesh: access log filters, bounded metric labels, head sampling."""

import re
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.authorization.organization import organization_expression
from meshed_mcp.components.mesh.cluster.access_log import FIELDS, access_log_provider, access_logging
from meshed_mcp.components.mesh.cluster.telemetry_args import (
    ACCESS_LOG_PROVIDER,
    MAX_ORGANIZATIONS,
    AccessLog,
)
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from tests.unit.components.mesh.mesh_rendering import TRACING, render, render_mesh

CHOSEN_BY_CLIENTS: Final = re.compile(r"%REQ(_WITHOUT_QUERY)?\((?!:METHOD\))[^)]*\)(?P<bound>:\d+)?%")


def root(**settings: Any) -> Manifest:
    """What holds in the whole mesh."""
    found: Manifest = render_mesh(**settings).one("Telemetry", "mesh-default")["spec"]
    return found


def lines(**settings: Any) -> list[str]:
    """What is wrong with a mesh."""
    return [str(fault) for fault in model_issues(ServiceMeshArgs, {"domain": "mcp.example.com", **settings}, "mesh")]


def test_errors_slow_and_traced_requests_are_logged_in_the_whole_mesh() -> None:
    """Requirement OBS-10: a CEL filter bounds the access log; ordinary requests follow trace sampling."""
    (log,) = root()["accessLogging"]
    assert log["providers"] == [{"name": ACCESS_LOG_PROVIDER}]
    assert log["filter"]["expression"] == (
        "!has(response.code) || response.code == 0 || response.code >= 400 "
        '|| request.duration >= duration("1000ms") '
        '|| ("traceparent" in request.headers && request.headers["traceparent"].endsWith("-01"))'
    )


def test_service_may_override_the_access_log_of_the_mesh() -> None:
    """Requirement OBS-10: a service may log other requests. Istio, Telemetry: an object with a selector wins."""
    item = render(access_log={"requests": "all"}).one("Telemetry", "mcp-search")
    assert item["spec"] == {
        "selector": {"matchLabels": {"app": "mcp-search"}},
        "accessLogging": [{"providers": [{"name": ACCESS_LOG_PROVIDER}]}],
    }
    assert "Telemetry" not in render().kinds()


def test_access_log_override_leaves_tracing_unchanged() -> None:
    """Requirement OBS-9: the gateway decides sampling once; a service's object inherits the mesh's."""
    assert "tracing" not in render(access_log={"requests": "none"}).one("Telemetry")["spec"]
    objects = [item for item in render_mesh(tracing=TRACING) if item["kind"] == "Telemetry"]
    shares = {item["metadata"]["name"]: item["spec"]["tracing"][0]["randomSamplingPercentage"] for item in objects}
    assert shares == {"mesh-default": 100.0, "istio-ingress": 10.0}


def test_access_log_may_be_disabled() -> None:
    """Istio API, Telemetry, `accessLogging.disabled`."""
    assert access_logging(AccessLog.model_validate({"requests": "none"}))["accessLogging"][0]["disabled"] is True


def test_access_log_provider_is_defined_in_the_mesh() -> None:
    """Istio, Telemetry: a provider that is not found is ignored silently."""
    assert access_log_provider()["name"] == ACCESS_LOG_PROVIDER


def test_client_values_in_access_logs_are_truncated() -> None:
    """Envoy, "Access logging", `%REQ(X):Z%`: at most Z characters of what a client chooses."""
    chosen = [found for text in FIELDS.values() if (found := CHOSEN_BY_CLIENTS.fullmatch(text))]
    assert len(chosen) == 8
    assert all(found["bound"] for found in chosen)


def test_correction_10_and_12_tags_name_istios_metrics_and_their_provider() -> None:
    """Istio API, MetricSelector: an enum; Telemetry without a provider has no effect."""
    (metrics,) = root(organization_tag={"values": ["acme"]})["metrics"]
    assert metrics["providers"] == [{"name": "prometheus"}]
    assert {each["match"]["metric"] for each in metrics["overrides"]} == {"REQUEST_COUNT", "REQUEST_DURATION"}


def test_correction_11_and_13_tag_is_an_expression_of_verified_claims() -> None:
    """Istio API, TagOverride: CEL; Requirement OBS-2: a tag has the listed values and `_OTHER`."""
    claims = {"https://login.example.com": "https://example.com/org"}
    payload = 'metadata.filter_metadata["envoy.filters.http.jwt_authn"]["payload"]'
    claim = f'{payload}["https://example.com/org"]'
    assert organization_expression(claims, ["acme", "globex"]) == (
        f'("envoy.filters.http.jwt_authn" in metadata.filter_metadata && "https://example.com/org" in {payload} && '
        f'{claim} in ["acme", "globex"]) ? {claim} : "_OTHER"'
    )


@given(name=st.text(max_size=80))
def test_organization_name_is_a_valid_label_value_or_rejected(name: str) -> None:
    """Requirement CFG-15: no text of a stack file changes an expression."""
    found = lines(organization_tag={"values": [name]})
    if re.fullmatch(r"[A-Za-z0-9_.:/@-]{1,64}", name):
        assert found == []
    else:
        (line,) = found
        assert line.endswith(" cannot be a label value; use at most 64 letters, digits and '_.:/@-'")


@pytest.mark.parametrize(
    ("tag", "line"),
    [
        ({"values": ["a", "a"]}, "organization_tag.values: 'a' is listed twice; remove one"),
        (
            {"values": ["a", "b c"]},
            "organization_tag.values: 'b c' cannot be a label value; use at most 64 letters, digits and '_.:/@-'",
        ),
    ],
)  # fmt: skip
def test_invalid_tag_is_rejected_with_the_fix(tag: dict[str, Any], line: str) -> None:
    """Requirement CFG-2: each error ends at preview and says what to set instead."""
    assert lines(organization_tag=tag) == [f"mesh: {line}"]


def test_claim_of_metrics_cannot_break_out_of_its_string() -> None:
    """Requirement CFG-15: no text of a stack file changes an expression."""
    assert lines(organization_claims={"https://a": 'x"]'}) == [
        (
            "mesh: organization_claims.https://a: 'x\"]' is not a claim name; use a name without spaces "
            "and quotes, such as 'organization'"
        )
    ]


def test_tag_has_at_most_fifty_values() -> None:
    """Requirement OBS-2: the number of series of a tag is bounded."""
    most = [f"organization-{number}" for number in range(MAX_ORGANIZATIONS)]
    assert lines(organization_tag={"values": most}) == []
    (line,) = lines(organization_tag={"values": [*most, "one-more"]})
    assert line.startswith("mesh: organization_tag.values: ")


@given(seconds=st.floats(-10, 5000))
def test_slow_threshold_is_bounded(seconds: float) -> None:
    """Common Expression Language, `duration`: whole milliseconds are written."""
    found = lines(access_log={"slow_seconds": seconds})
    if 0.001 <= seconds <= 3600:
        assert found == []
        log = AccessLog(slow_seconds=seconds)
        (part,) = access_logging(log)["accessLogging"]
        assert f'duration("{round(seconds * 1000)}ms")' in part["filter"]["expression"]
    else:
        (line,) = found
        assert line.startswith("mesh: access_log.slow_seconds: ")
