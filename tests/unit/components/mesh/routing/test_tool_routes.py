"""Routing of single tools: pools, retries, time-outs, error messages."""

from typing import Any, Final

import pytest

from meshed_mcp.components.core.manifest import Manifest
from tests.unit.components.mesh.mesh_rendering import BLUE_GREEN, Objects, lines, render, render_exposed, rules, subsets

POOLS: Final = {"slow": {"tools": ["report", "export"]}}


def of_tools(objects: Objects, route: str = "mcp-search") -> list[Manifest]:
    """Rules for calls of single tools."""
    return [
        rule
        for rule in rules(objects, route)
        if all("mcp-name" in match.get("headers", {}) for match in rule.get("match", [{}]))
    ]


def test_only_tools_of_a_pool_go_to_its_pods() -> None:
    """Requirement NET-17: a slow tool does not hold the replicas of fast ones."""
    pooled, default = rules(render(pools=POOLS))
    assert [match["headers"]["mcp-name"]["exact"] for match in pooled["match"]] == ["report", "export"]
    assert (subsets(pooled), subsets(default)) == (["pool-slow"], ["stable"])


def test_pool_is_the_same_service_with_its_own_resources_and_deadline() -> None:
    """Requirement NET-17: a pool shares image, identity, policy and monitoring of its service."""
    pool = {"tools": ["report"], "resources": {"memory_limit": "2Gi"}, "call_seconds": 100}
    objects = render(pools={"slow": pool}, drain={"grace_seconds": 120})
    main, slow = (objects.one("Deployment", name)["spec"] for name in ("mcp-search", "mcp-search-slow"))
    one, other = (item["template"]["spec"]["containers"][0] for item in (main, slow))
    assert (one["image"], one.get("command")) == (other["image"], other.get("command"))
    assert other["resources"]["limits"]["memory"] == "2Gi"
    assert one["resources"]["limits"]["memory"] != "2Gi"
    assert {"name": "MESHED_MCP_CALL_SECONDS", "value": "100"} in other["env"]
    assert "MESHED_MCP_CALL_SECONDS" not in {variable["name"] for variable in one["env"]}
    assert main["template"]["spec"]["serviceAccountName"] == slow["template"]["spec"]["serviceAccountName"]
    for kind in ("Service", "AuthorizationPolicy", "PodDisruptionBudget", "PodMonitor"):
        spec = objects.one(kind)["spec"]
        selector = spec["selector"].get("matchLabels", spec["selector"])
        assert selector.items() <= slow["template"]["metadata"]["labels"].items()


def test_tools_are_matched_by_the_three_headers_that_servers_verify() -> None:
    """MCP 2026-07-28, "Server Validation": headers of earlier revisions are unverified, so no tool rule matches."""
    objects = render_exposed(
        pools=POOLS, tools={"search": {"read_only": True}}, legacy="sticky", callers=["mcp-chat"], rollout=BLUE_GREEN
    )
    found = of_tools(objects) + of_tools(objects, "mcp-search-ingress")
    assert len(found) == 6
    for rule in found:
        for match in rule["match"]:
            assert match["headers"]["mcp-method"] == {"exact": "tools/call"}
            assert match["headers"]["mcp-protocol-version"] == {"exact": "2026-07-28"}
            assert "exact" in match["headers"]["mcp-name"]


def test_tools_are_matched_at_the_endpoint_only() -> None:
    """MCP 2026-07-28, "Streamable HTTP": calls are POSTs to the endpoint itself; beneath it there are none."""
    objects = render_exposed(pools=POOLS)
    assert [match["uri"] for rule in of_tools(objects, "mcp-search-ingress") for match in rule["match"]] == [
        {"exact": "/mcp-search/mcp"},
        {"exact": "/mcp-search/mcp/"},
    ] * 2


def test_preview_header_precedes_pools() -> None:
    """Requirement NET-9: a request for the other version gets it for every tool; it has no pools."""
    objects = render(pools=POOLS, rollout=BLUE_GREEN)
    assert [(rule["name"], subsets(rule)) for rule in rules(objects)] == [
        ("default-preview", ["green"]),
        ("default-pool-slow", ["pool-slow"]),
        ("default", ["stable"]),
    ]


@pytest.mark.parametrize("annotation", ["read_only", "idempotent"])
def test_only_declared_tools_are_retried_after_a_possible_execution(annotation: str) -> None:
    """Envoy, `retry_on`: reset and gateway-error ran a POST three times; MCP, `readOnlyHint` and `idempotentHint`."""
    repeated, default = rules(render(tools={"search": {annotation: True}}))
    assert set(repeated["retries"]["retryOn"].split(",")) == {
        "connect-failure", "refused-stream", "retriable-headers", "reset", "gateway-error",
    }  # fmt: skip
    assert set(default["retries"]["retryOn"].split(",")) == {"connect-failure", "refused-stream", "retriable-headers"}


def test_route_timeout_applies_to_its_tools_and_to_no_stream() -> None:
    """Envoy, `RouteAction.timeout`: it ends the whole response, and a stream's response never ends."""
    objects = render_exposed(tools={"search": {"read_only": True, "timeout_seconds": 9}})
    for route in ("mcp-search", "mcp-search-ingress"):
        timed = [rule for rule in rules(objects, route) if "timeout" in rule]
        assert timed == of_tools(objects, route)
        assert [rule["timeout"] for rule in timed] == ["9s"]


def test_tools_with_equal_settings_share_a_rule_with_a_unique_name() -> None:
    """Requirement CMP-9: a hundred read-only tools are one rule; filters and logs refer to rule names."""
    tools = {f"t{number}": {"read_only": True} for number in range(5)} | {"w": {"idempotent": True}}
    objects = render_exposed(tools=tools, pools=POOLS | {"gpu": {"tools": ["w"]}})
    names = [rule["name"] for rule in rules(objects)]
    assert names == ["default-repeatable", "default-pool-gpu-repeatable", "default-pool-slow", "default"]
    inside = [rule["name"] for rule in rules(objects, "mcp-search-ingress")]
    assert len(set(inside)) == len(inside)


def test_tool_declaration_does_not_open_a_closed_tool() -> None:
    """Requirement SEC-3: naming a tool for its retries does not exempt it from a "*" rule."""
    rules_of_tools = {"search": {"read_only": True}, "*": {"allow": []}}
    container = render(tools=rules_of_tools).one("Deployment")["spec"]["template"]["spec"]["containers"][0]
    policy = {item["name"]: item.get("value") for item in container["env"]}["MESHED_MCP_TOOL_POLICY"]
    assert policy == '{"*": {"allow": []}}'


BAD: Final[dict[str, tuple[dict[str, Any], list[str]]]] = {
    "a time-out on a tool that writes": (
        {"tools": {"ingest": {"timeout_seconds": 5}}},
        [
            (
                "tools.ingest.timeout_seconds: after a time-out the caller does not know whether "
                "the tool ran; set read_only: true or idempotent: true if it is, or use "
                "limits.call_seconds, at which the server itself ends a call"
            )
        ],
    ),
    "an annotation for every tool": (
        {"tools": {"*": {"read_only": True}}},
        [
            (
                "tools.*: read_only, idempotent and timeout_seconds are properties of a single "
                "tool; set them for each tool by name"
            )
        ],
    ),
    "a tool in two pools": (
        {"pools": {"slow": {"tools": ["a"]}, "gpu": {"tools": ["b", "a"]}}},
        ["pools.gpu.tools[1]: 'a' is in pool slow too; remove it from one of them"],
    ),
    "every tool in a pool": (
        {"pools": {"slow": {"tools": ["*"]}}},
        ["pools.slow.tools[0]: '*' leaves no tools to the service's own pods; name the tools"],
    ),
    "a tool twice in a pool": (
        {"pools": {"slow": {"tools": ["a", "a"]}}},
        ["pools.slow.tools: 'a' is listed twice; remove one"],
    ),
    "a pool without tools": (
        {"pools": {"slow": {"tools": []}}},
        ["pools.slow.tools: list should have at least 1 item after validation, not 0; got []"],
    ),
    "a pool that cannot be named so": (
        {"pools": {"Slow_one": {"tools": ["a"]}}},
        [
            (
                "pools.Slow_one: is not a pool name, and its Deployment is <service>-<pool>; use "
                "lower-case letters, digits and '-', such as 'slow'"
            )
        ],
    ),
    "a pool named as a version": (
        {"pools": {"canary": {"tools": ["a"]}}},
        ["pools.canary: is the name of the second version of a rollout; use another, such as 'slow'"],
    ),
    "a pool whose calls outlast its stop": (
        {"pools": {"slow": {"tools": ["a"], "call_seconds": 600}}, "drain": {"grace_seconds": 30}},
        [
            (
                "pools.slow: limits.call_seconds 600 is longer than the 23 s that a stopping pod "
                "waits for calls, so every rollout would interrupt some; set drain.grace_seconds to "
                "607 or more, or remove call_seconds"
            )
        ],
    ),
}


@pytest.mark.parametrize(("settings", "expected"), BAD.values(), ids=BAD)
def test_impossible_tool_settings_are_rejected_with_the_fix(settings: dict[str, Any], expected: list[str]) -> None:
    """Requirement CFG-7: preview rejects what could never work."""
    assert lines(**settings) == expected
