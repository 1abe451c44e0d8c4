"""Scopes of service level objectives."""

from meshed_mcp.components.observability.prometheus.slo import SloSettings, server_scopes, tool_scopes

SETTINGS = SloSettings.model_validate(
    {
        "default": {"latency_seconds": 5},
        "services": {"mcp-rag": {"availability_percent": 99.9, "tools": {"deep.search": {"latency_seconds": 60}}}},
    }
)


def test_tool_objective_inherits_from_its_service_and_then_the_default() -> None:
    """Requirement OBS-11: an override contains only what differs."""
    objectives = [
        (scope.objective.availability_percent, scope.objective.latency_seconds) for scope in tool_scopes(SETTINGS)
    ]
    assert objectives == [(99.9, 60), (99.9, 5), (99.5, 5)]


def test_scopes_do_not_overlap_and_names_are_no_patterns() -> None:
    """Prometheus: two results with the same labels fail the rule; RE2: "." means any character."""
    assert [scope.matchers for scope in tool_scopes(SETTINGS)] == [
        'mcp_server_name="mcp-rag",gen_ai_tool_name="deep.search"',
        'mcp_server_name="mcp-rag",gen_ai_tool_name!~"deep\\\\.search"',
        'mcp_server_name!~"mcp-rag"',
    ]
    assert [scope.matchers for scope in server_scopes(SETTINGS)] == [
        'mcp_server_name="mcp-rag"',
        'mcp_server_name!~"mcp-rag"',
    ]
