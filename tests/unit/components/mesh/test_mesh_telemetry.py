"""What proxies report: access logs by filter, tags with bounded values, one decision about traces."""

import re
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.core.access_log import FIELDS
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.access_log import access_logging, provider
from meshed_mcp.components.mesh.args import ServiceMeshArgs
from meshed_mcp.components.mesh.telemetry import organization_expression
from meshed_mcp.components.mesh.telemetry_args import ACCESS_LOG_PROVIDER, MAX_ORGANIZATIONS, AccessLog, OrganizationTag
from tests.unit.components.mesh.mesh_rendering import TRACING, render, render_mesh

CHOSEN_BY_CLIENTS: Final = re.compile(r"%REQ\((?!:METHOD\))[^)]*\)(?P<bound>:\d+)?%")


def root(**settings: Any) -> Manifest:
    """What holds in the whole mesh."""
    found: Manifest = render_mesh(**settings).one("Telemetry", "mesh-default")["spec"]
    return found


def lines(**settings: Any) -> list[str]:
    """What is wrong with a mesh."""
    return [str(fault) for fault in model_issues(ServiceMeshArgs, {"domain": "mcp.example.com", **settings}, "mesh")]


def test_errors_slow_and_traced_requests_are_logged_in_the_whole_mesh() -> None:
    """Issue rule: access log filtered by CEL; the share of ordinary requests is that of the traces."""
    (log,) = root()["accessLogging"]
    assert log["providers"] == [{"name": ACCESS_LOG_PROVIDER}]
    assert log["filter"]["expression"] == (
        "!has(response.code) || response.code == 0 || response.code >= 400 "
        '|| request.duration >= duration("1000ms") '
        '|| ("traceparent" in request.headers && request.headers["traceparent"].endsWith("-01"))'
    )


def test_a_service_may_log_other_requests_than_the_mesh() -> None:
    """Issue rule: mesh-wide with per-service override. Istio, Telemetry: an object with a selector wins."""
    item = render(access_log={"requests": "all"}).one("Telemetry", "mcp-search")
    assert item["spec"] == {
        "selector": {"matchLabels": {"app": "mcp-search"}},
        "accessLogging": [{"providers": [{"name": ACCESS_LOG_PROVIDER}]}],
    }
    assert "Telemetry" not in render().kinds()


def test_an_override_says_nothing_about_traces() -> None:
    """Issue rule: one sampling decision at the gateway; a service's object inherits the mesh's."""
    assert "tracing" not in render(access_log={"requests": "none"}).one("Telemetry")["spec"]
    objects = [item for item in render_mesh(tracing=TRACING) if item["kind"] == "Telemetry"]
    shares = {item["metadata"]["name"]: item["spec"]["tracing"][0]["randomSamplingPercentage"] for item in objects}
    assert shares == {"mesh-default": 100.0, "istio-ingress": 10.0}


def test_a_log_may_be_off() -> None:
    """Istio API, Telemetry, `accessLogging.disabled`."""
    assert access_logging(AccessLog.model_validate({"requests": "none"}))["accessLogging"][0]["disabled"] is True


def test_the_mesh_has_the_provider_that_is_named() -> None:
    """Istio, Telemetry: a provider that is not found is passed over in silence."""
    assert provider()["name"] == ACCESS_LOG_PROVIDER


def test_no_client_makes_a_line_long() -> None:
    """Envoy, "Access logging", `%REQ(X):Z%`: at most Z characters of what a client chooses."""
    chosen = [found for text in FIELDS.values() if (found := CHOSEN_BY_CLIENTS.fullmatch(text))]
    assert len(chosen) == 8
    assert all(found["bound"] for found in chosen)


def test_correction_10_and_12_tags_name_istios_metrics_and_their_provider() -> None:
    """Istio API, MetricSelector: an enum; Telemetry without a provider has no effect."""
    (metrics,) = root(organization_tag={"values": ["acme"]})["metrics"]
    assert metrics["providers"] == [{"name": "prometheus"}]
    assert {each["match"]["metric"] for each in metrics["overrides"]} == {"REQUEST_COUNT", "REQUEST_DURATION"}


def test_correction_11_and_13_a_tag_is_an_expression_of_verified_claims_with_few_values() -> None:
    """Istio API, TagOverride: CEL; Product rule: a tag has the values that are listed, and `_OTHER`."""
    tag = OrganizationTag(values=["acme", "globex"])
    claim = 'metadata.filter_metadata["envoy.filters.http.jwt_authn"]["payload"]["https://example.com/org"]'
    assert organization_expression(tag, "https://example.com/org") == (
        f'("envoy.filters.http.jwt_authn" in metadata.filter_metadata && {claim} in ["acme", "globex"]) ? {claim} '
        ': "_OTHER"'
    )


@given(name=st.text(max_size=80))
def test_a_name_is_a_labels_value_or_refused(name: str) -> None:
    """Product rule: no text of a stack file changes an expression."""
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
def test_a_tag_that_cannot_be_meant_is_refused_with_the_fix(tag: dict[str, Any], line: str) -> None:
    """Product rule: every fault ends at preview and says what to write instead."""
    assert lines(organization_tag=tag) == [f"mesh: {line}"]


def test_the_claim_of_metrics_cannot_end_its_text_in_an_expression() -> None:
    """Product rule: no text of a stack file changes an expression."""
    assert lines(organization_claim='x"]') == [
        (
            "mesh: organization_claim: 'x\"]' is not a claim name; use a name without spaces "
            "and quotes, such as 'organization'"
        )
    ]


def test_a_tag_has_at_most_fifty_values() -> None:
    """Product rule: series are counted before they are paid for."""
    most = [f"organization-{number}" for number in range(MAX_ORGANIZATIONS)]
    assert lines(organization_tag={"values": most}) == []
    (line,) = lines(organization_tag={"values": [*most, "one-more"]})
    assert line.startswith("mesh: organization_tag.values: ")


@given(seconds=st.floats(-10, 5000))
def test_slow_has_bounds(seconds: float) -> None:
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
