"""Rollouts: versions, request splitting, error messages."""

from typing import Any, Final

import pytest

from tests.unit.components.mesh.mesh_rendering import BLUE_GREEN, CANARY, lines, render, render_exposed, rules, subsets

AB: Final = {"strategy": "ab", "image": "search:2", "regex": ".*Mobile.*"}
READ_ONLY: Final = {"search": {"read_only": True}}


@pytest.mark.parametrize(("active", "preview"), [("blue", "green"), ("green", "blue")])
def test_header_selects_the_inactive_version(active: str, preview: str) -> None:
    """Requirement NET-9: one key switches; the inactive version can be tried before and after."""
    labels = {"blue": "stable", "green": "green"}
    picked, default = rules(render(rollout=BLUE_GREEN | {"active": active}))
    assert picked["match"] == [{"headers": {"x-deployment-stage": {"exact": preview}}}]
    assert (subsets(picked), subsets(default)) == ([labels[preview]], [labels[active]])
    assert "match" not in default


def test_blue_green_switch_changes_routes_and_no_deployment() -> None:
    """Requirement NET-9: a switch takes effect at once, because no pod has to start."""
    blue, green = (render(rollout=BLUE_GREEN | {"active": active}) for active in ("blue", "green"))
    changed = {old["kind"] for old, new in zip(blue, green, strict=True) if old != new}
    assert changed == {"VirtualService"}


@pytest.mark.parametrize("rollout", [CANARY, BLUE_GREEN, AB], ids=lambda rollout: rollout["strategy"])
def test_every_subset_has_a_deployment_with_its_image(rollout: dict[str, Any]) -> None:
    """Istio message IST0101: a subset without pods is answered with 503; blue keeps the service's Deployment."""
    objects = render_exposed(rollout=rollout, pools={"slow": {"tools": ["report"]}})
    pods = {
        item["spec"]["template"]["metadata"]["labels"]["version"]: item["spec"]["template"]["spec"]["containers"][0]
        for item in objects
        if item["kind"] == "Deployment"
    }
    defined = {subset["labels"]["version"] for subset in objects.one("DestinationRule")["spec"]["subsets"]}
    named = {
        label
        for route in ("mcp-search", "mcp-search-ingress")
        for rule in rules(objects, route)
        for label in subsets(rule)
    }
    assert named <= defined == set(pods)
    assert {label: pod["image"] for label, pod in pods.items()} == {
        "stable": "search:1", {"ab": "variant", "blue_green": "green"}.get(rollout["strategy"], "canary"): "search:2",
        "pool-slow": "search:1",
    }  # fmt: skip


def test_pools_run_the_image_of_the_active_version() -> None:
    """Requirement NET-9: calls without the preview header get one version, whichever pod serves them."""
    objects = render(rollout=BLUE_GREEN | {"active": "green"}, pools={"slow": {"tools": ["report"]}})
    pod = objects.one("Deployment", "mcp-search-slow")["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "search:2"


def test_matching_header_gets_the_variant_and_all_other_requests_the_default() -> None:
    """Istio API, VirtualService: without a default route all other calls get 404."""
    variant, default = rules(render(rollout=AB))
    assert variant["match"] == [{"headers": {"user-agent": {"regex": ".*Mobile.*"}}}]
    assert (subsets(variant), subsets(default), "match" in default) == (["variant"], ["stable"], False)


@pytest.mark.parametrize("rollout", [{}, CANARY, BLUE_GREEN, AB], ids=["none", "canary", "blue_green", "ab"])
@pytest.mark.parametrize("legacy", ["stateless", "sticky"])
def test_last_rule_of_every_route_matches_all_remaining_requests(rollout: dict[str, Any], legacy: str) -> None:
    """Istio API, VirtualService: what no rule matches gets 404."""
    objects = render_exposed(rollout=rollout, legacy=legacy, tools={"report": {"idempotent": True}})
    assert "match" not in rules(objects)[-1]
    last = {str(rule["match"][0]["uri"]): rule["match"] for rule in rules(objects, "mcp-search-ingress")}
    assert list(last.values()) == [
        [{"uri": {"exact": "/mcp-search/mcp"}}, {"uri": {"exact": "/mcp-search/mcp/"}}],
        [{"uri": {"prefix": "/mcp-search/mcp/"}}],
    ]


@pytest.mark.parametrize("rollout", [CANARY, BLUE_GREEN, AB], ids=lambda rollout: rollout["strategy"])
def test_session_rule_precedes_the_choice_of_a_version(rollout: dict[str, Any]) -> None:
    """Requirement NET-7: a session stays on its version, also after a blue-green switch."""
    first, *others = rules(render_exposed(rollout=rollout, legacy="sticky", callers=["mcp-chat"]))
    assert (first["match"], subsets(first)) == ([{"headers": {"mcp-session-id": {}}}], [None])
    assert all(None not in subsets(rule) for rule in others)
    assert all("x-mcp-upstream" in rule["headers"]["response"]["set"] for rule in others)


def test_mirror_copies_calls_of_the_named_tools_to_the_other_version() -> None:
    """Istio API, HTTPMirrorPolicy; MCP 2026-07-28: the three headers that a server compares with the body."""
    rollout = BLUE_GREEN | {"mirror": {"tools": ["search"], "percent": 5}}
    mirrored, default = rules(render(rollout=rollout, tools=READ_ONLY))[-2:]
    assert [(copy["destination"]["subset"], copy["percentage"]) for copy in mirrored["mirrors"]] == [
        ("green", {"value": 5})
    ]
    assert mirrored["match"] == [
        {
            "headers": {
                "mcp-method": {"exact": "tools/call"},
                "mcp-name": {"exact": "search"},
                "mcp-protocol-version": {"exact": "2026-07-28"},
            }
        }
    ]
    assert subsets(mirrored) == ["stable"]
    assert "mirrors" not in default


def test_only_single_tool_rules_of_the_new_revision_are_mirrored() -> None:
    """Requirement NET-12: a legacy request's header could name another tool than its body."""
    rollout = CANARY | {"mirror": {"tools": ["search"]}}
    objects = render_exposed(rollout=rollout, tools=READ_ONLY, legacy="sticky", callers=["mcp-chat"])
    found = [rule for route in ("mcp-search", "mcp-search-ingress") for rule in rules(objects, route)]
    mirrored = [match["headers"] for rule in found if "mirrors" in rule for match in rule["match"]]
    assert len(mirrored) == 3  # of the mesh, and of the gateway with and without a slash at the end
    assert all(headers["mcp-protocol-version"] == {"exact": "2026-07-28"} for headers in mirrored)
    assert all(headers["mcp-name"] == {"exact": "search"} for headers in mirrored)


def test_mirrored_traffic_of_blue_green_follows_the_switch() -> None:
    """Requirement NET-12: mirrored requests go to the inactive version."""
    rollout = BLUE_GREEN | {"active": "green", "mirror": {"tools": ["search"]}}
    (copy,) = rules(render(rollout=rollout, tools=READ_ONLY))[-2]["mirrors"]
    assert copy["destination"]["subset"] == "stable"


BAD: Final[dict[str, tuple[dict[str, Any], list[str]]]] = {
    "a strategy that is none": (
        {"rollout": {"strategy": "canari"}},
        ["rollout.strategy: 'canari' is not a choice; did you mean canary?"],
    ),
    "weights of no strategy": (
        {"rollout": {"weights": {"stable": 90, "canary": 10}}},
        ["rollout: strategy none does not use weights; remove it, or set strategy: canary"],
    ),
    "a color of no strategy": (
        {"rollout": {"image": "search:2", "active": "green"}},
        ["rollout: strategy none does not use image and active; remove it, or set strategy: blue_green"],
    ),
    "a field of another strategy": (
        {"rollout": BLUE_GREEN | {"weights": {"stable": 90, "canary": 10}}},
        ["rollout.weights: unknown field; known here: active, header, image, mirror, preview_replicas, strategy"],
    ),
    "weights that are not all": (
        {"rollout": CANARY | {"weights": {"stable": 60, "canary": 10}}},
        ["rollout.weights: stable 60 and canary 10 sum to 70, not 100; set stable: 90 or canary: 40"],
    ),
    "a color that is none": (
        {"rollout": BLUE_GREEN | {"active": "red"}},
        ["rollout.active: 'red' is not a choice; known here: blue, green"],
    ),
    "a look-ahead": (
        {"rollout": AB | {"regex": "(?=Mobile).*"}},
        [
            (
                "rollout.regex: '(?=Mobile).*' is not an RE2 pattern (invalid perl operator: (?=); "
                "use one without look-aheads, look-behinds and back references, such as '.*Mobile.*'"
            )
        ],
    ),
    "a back reference": (
        {"rollout": AB | {"regex": r"(a)\1"}},
        [
            (
                "rollout.regex: '(a)\\\\1' is not an RE2 pattern (invalid escape sequence: \\1); "
                "use one without look-aheads, look-behinds and back references, such as '.*Mobile.*'"
            )
        ],
    ),
    "a pattern that no proxy takes": (
        {"rollout": AB | {"regex": "a{500}"}},
        [
            (
                "rollout.regex: the pattern of 6 characters compiles to 504 steps, and a proxy "
                "takes at most 100; use a shorter one, without large repetitions"
            )
        ],
    ),
    "an empty pattern": (
        {"rollout": AB | {"regex": ""}},
        ["rollout.regex: the pattern is empty and matches an empty header only; use a pattern such as '.*Mobile.*'"],
    ),
    "a header that is none": (
        {"rollout": AB | {"header": "User Agent"}},
        [
            (
                "rollout.header: 'User Agent' is not a header name; use lower-case letters, digits "
                "and '-', such as 'x-stage'"
            )
        ],
    ),
    "a header of MCP": (
        {"rollout": BLUE_GREEN | {"header": "mcp-session-id"}},
        [
            (
                "rollout.header: 'mcp-session-id' has a meaning of its own and cannot choose a "
                "version; use one such as 'x-stage'"
            )
        ],
    ),
    "a mirror of a tool that writes": (
        {"rollout": CANARY | {"mirror": {"tools": ["ingest"]}}, "tools": {"ingest": {"idempotent": True}}},
        [
            (
                "rollout.mirror.tools[0]: 'ingest' is not declared read-only, and a mirrored call "
                "would do its work twice; set tools: {ingest: {read_only: true}} if it changes "
                "nothing, or remove it"
            )
        ],
    ),
    "a mirror of an unknown tool": (
        {"rollout": CANARY | {"mirror": {"tools": ["search"]}}},
        [
            (
                "rollout.mirror.tools[0]: 'search' is not declared read-only, and a mirrored call "
                "would do its work twice; set tools: {search: {read_only: true}} if it changes "
                "nothing, or remove it"
            )
        ],
    ),
    "a tool mirrored twice": (
        {"rollout": CANARY | {"mirror": {"tools": ["search", "search"]}}, "tools": READ_ONLY},
        ["rollout.mirror.tools: 'search' is listed twice; remove one"],
    ),
}


@pytest.mark.parametrize(("settings", "expected"), BAD.values(), ids=BAD)
def test_impossible_rollout_is_rejected_with_the_fix(settings: dict[str, Any], expected: list[str]) -> None:
    """Requirement CFG-7: preview rejects what could never work."""
    assert lines(**settings) == expected


def test_rollout_without_a_strategy_is_one_version() -> None:
    """Requirement NET-9: an older stack file stays valid; without a strategy there is one version."""
    assert lines(rollout=CANARY) == lines(rollout={}) == lines(rollout={"strategy": "none"}) == []
    assert render(rollout={}) == render()
