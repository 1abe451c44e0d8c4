"""Faults in routes: which rules a service gets, in which order, and what they keep of the rule they copy."""

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


def test_a_fault_is_met_by_those_who_ask_for_it_before_any_other_rule() -> None:
    """Istio, HTTPRoute: the first rule that matches decides. Issue rule: gated by a header."""
    fault, plain = rules(render(faults={"broken": ABORT}))
    assert fault["match"] == [{"headers": {contract.FAULT_HEADER: {"exact": "broken"}}}]
    assert fault["fault"] == {"abort": {"httpStatus": 503, "percentage": {"value": 25.0}}}
    assert "fault" not in plain
    assert fault["route"] == plain["route"]


def test_a_fault_of_a_tool_is_met_by_calls_of_it() -> None:
    """MCP 2026-07-28, "Standard Request Headers": method and name say which tool is called."""
    fault, _ = rules(render(faults={"slow": {"delay_seconds": 1.5, "tool": "search"}}))
    assert fault["match"] == [{"headers": {contract.FAULT_HEADER: {"exact": "slow"}} | CALL}]
    assert fault["fault"] == {"delay": {"fixedDelay": "1500ms", "percentage": {"value": 100.0}}}


def test_an_experiment_meets_requests_without_a_header_single_tools_first() -> None:
    """Product rule: the narrower experiment is not hidden by the wider one."""
    objects = render(experiments={"all": ABORT, "one": {**ABORT, "tool": "search"}})
    assert [rule["name"] for rule in rules(objects)] == ["default-chaos-one", "default-chaos-all", "default"]
    assert [rule.get("match") for rule in rules(objects)] == [[{"headers": CALL}], None, None]


def test_a_faulty_call_goes_where_it_would_have_gone() -> None:
    """Product rule: weights, sessions and the gateway's paths hold for calls with a delay too."""
    objects = render_exposed(faults={"slow": {"delay_seconds": 1}}, rollout=CANARY, legacy="sticky")
    for owner in ("mcp-search", "mcp-search-ingress"):
        found = rules(objects, owner)
        half = len(found) // 2
        for copy, rule in zip(found[:half], found[half:], strict=True):
            same = {key: copy[key] for key in copy if key not in {"name", "match", "fault"}}
            assert same == {key: rule[key] for key in rule if key not in {"name", "match"}}
            assert copy["match"][0].get("uri") == rule.get("match", [{}])[0].get("uri")


def test_rules_about_other_tools_have_no_copy() -> None:
    """Istio, HTTPMatchRequest: conditions must all hold, and no call has two names."""
    pools = {"slow": {"tools": ["other"]}}
    found = names(pools=pools, faults={"broken": {**ABORT, "tool": "search"}})
    faulty = [name for name in found if "fault-broken" in name]
    assert faulty == ["default-fault-broken"]


def test_without_faults_the_rules_are_as_before() -> None:
    """Product rule: a service pays nothing for what it does not use."""
    assert names() == ["default"]
