"""Fault injection in routes: rules, their order, and what a copied rule keeps."""

from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from tests.unit.components.mesh.mesh_rendering import CANARY, Objects, render, render_exposed

ABORT: Final = {"abort_status": 503, "percent": 25}
CALL: Final = {
    "mcp-protocol-version": {"exact": "2026-07-28"},
    "mcp-method": {"exact": "tools/call"},
    "mcp-name": {"exact": "search"},
}


def rules(objects: Objects, owner: str = "mcp-search") -> list[Manifest]:
    """The rules of a VirtualService."""
    found: list[Manifest] = objects.one("VirtualService", owner)["spec"]["http"]
    return found


def names(**settings: Any) -> list[str]:
    """Names of the rules of callers' sidecars."""
    return [rule["name"] for rule in rules(render(**settings))]


def test_fault_injection_matches_its_header_before_any_other_rule() -> None:
    """Requirement NET-11: a header requests the fault. Istio, HTTPRoute: the first matching rule decides."""
    fault, plain = rules(render(faults={"broken": ABORT}))
    assert fault["match"] == [{"headers": {contract.FAULT_HEADER: {"exact": "broken"}}}]
    assert fault["fault"] == {"abort": {"httpStatus": 503, "percentage": {"value": 25.0}}}
    assert "fault" not in plain
    assert fault["route"] == plain["route"]


def test_fault_injection_of_a_tool_matches_only_its_calls() -> None:
    """MCP 2026-07-28, "Standard Request Headers": method and name say which tool is called."""
    fault, _ = rules(render(faults={"slow": {"delay_seconds": 1.5, "tool": "search"}}))
    assert fault["match"] == [{"headers": {contract.FAULT_HEADER: {"exact": "slow"}} | CALL}]
    assert fault["fault"] == {"delay": {"fixedDelay": "1500ms", "percentage": {"value": 100.0}}}


def test_experiment_matches_requests_without_a_header_single_tools_first() -> None:
    """Requirement NET-11: the rule for one tool comes before the rule for all."""
    objects = render(experiments={"all": ABORT, "one": {**ABORT, "tool": "search"}})
    assert [rule["name"] for rule in rules(objects)] == ["default-chaos-one", "default-chaos-all", "default"]
    assert [rule.get("match") for rule in rules(objects)] == [[{"headers": CALL}], None, None]


def test_fault_injection_keeps_the_routing_of_a_request() -> None:
    """Requirement NET-5: weights, sessions and the gateway's paths hold for delayed calls too."""
    objects = render_exposed(faults={"slow": {"delay_seconds": 1}}, rollout=CANARY, legacy="sticky")
    for owner in ("mcp-search", "mcp-search-ingress"):
        found = rules(objects, owner)
        half = len(found) // 2
        for copy, rule in zip(found[:half], found[half:], strict=True):
            same = {key: copy[key] for key in copy if key not in {"name", "match", "fault"}}
            assert same == {key: rule[key] for key in rule if key not in {"name", "match"}}
            assert copy["match"][0].get("uri") == rule.get("match", [{}])[0].get("uri")


def test_rules_of_other_tools_get_no_fault_injection() -> None:
    """Istio, HTTPMatchRequest: conditions must all hold, and no call has two names."""
    pools = {"slow": {"tools": ["other"]}}
    found = names(pools=pools, faults={"broken": {**ABORT, "tool": "search"}})
    faulty = [name for name in found if "fault-broken" in name]
    assert faulty == ["default-fault-broken"]


def test_without_fault_injection_no_rule_is_added() -> None:
    """Requirement NET-18: a service without fault injection has no extra rule."""
    assert names() == ["default"]
