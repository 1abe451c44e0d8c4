"""Configuration of the program: values and secrets of a run, by public functions of Pulumi."""

import asyncio
import contextvars
import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from pulumi.runtime import set_all_config

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.infra.program import configuration, deploy
from meshed_mcp.infra.recording import record_program

SERVICES = json.dumps({"mcp-search": {"image": "registry.example.com/mcp-search:1.0"}})
VALUES = {"meshed-mcp:services": SERVICES, "meshed-mcp:session_key": "s3cret", "other:key": "1"}


def read(inline: Mapping[str, str] | None = None) -> tuple[Mapping[str, Any], set[str]]:
    """The configuration, read in a context without one of another test; `inline` is set in it."""

    async def program() -> tuple[Mapping[str, Any], set[str]]:
        if inline is not None:
            set_all_config(dict(inline), ["meshed-mcp:session_key"])
        return configuration()

    return contextvars.Context().run(asyncio.run, program())


def test_the_language_hosts_variables_are_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi, language host protocol: PULUMI_CONFIG holds all values, PULUMI_CONFIG_SECRET_KEYS the secret keys."""
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({**VALUES, "meshed-mcp:servces": "{}"}))
    monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", '["meshed-mcp:session_key"]')
    values, secret_keys = read()
    assert values.keys() == {*VALUES, "meshed-mcp:servces"}
    assert secret_keys == {"meshed-mcp:session_key"}
    assert isinstance(values["meshed-mcp:session_key"], pulumi.Output)


def test_an_inline_program_of_the_automation_api_has_no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi Automation API: its language server sets the configuration in the context of the program."""
    monkeypatch.delenv("PULUMI_CONFIG", raising=False)
    values, secret_keys = read(VALUES)
    assert values.keys() == VALUES.keys() - {"other:key"}
    assert secret_keys == {"meshed-mcp:session_key"}
    assert isinstance(values["meshed-mcp:session_key"], pulumi.Output)


def test_a_recording_restores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement CMP-1: the configuration of a recording is in variables that no later run sees."""
    monkeypatch.setenv("PULUMI_CONFIG", '{"meshed-mcp:namespace": "before"}')
    monkeypatch.delenv("PULUMI_CONFIG_SECRET_KEYS", raising=False)
    seen = []
    record_program(lambda: seen.append(configuration()[0]), "project", "test", {"meshed-mcp:namespace": "during"})
    assert seen == [{"meshed-mcp:namespace": "during"}]
    assert read() == ({"meshed-mcp:namespace": "before"}, set())


def test_priorities_of_node_groups_are_registered() -> None:
    """Cluster Autoscaler, priority expander: priorities are numbers, and as keys of a message they are text."""
    nodes = {"cluster_autoscaler": {"priorities": {10: [".*spot.*"], 50: [".*cheap.*"]}}}
    values = {"meshed-mcp:services": SERVICES, "meshed-mcp:nodes": json.dumps(nodes)}
    recorded = record_program(deploy, "project", "test", values)
    (policy,) = [item for item in recorded.registrations if item.type.endswith(":AutoscalingPolicy")]
    assert policy.inputs["nodes"]["clusterAutoscaler"]["priorities"] == {"10": [".*spot.*"], "50": [".*cheap.*"]}


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9007199254740993", "1" * 5000])
def test_a_number_that_pulumi_cannot_carry_is_rejected_on_its_key(number: str) -> None:
    """Requirement CFG-4: Python's JSON parser accepts all of these numbers; none ends in a traceback."""
    mesh = f'{{"values": {{"istiod": {{"share": {number}}}}}}}'
    with pytest.raises(ConfigurationError, match=r"stack: meshed-mcp:mesh: .* is not a number that Pulumi can carry"):
        record_program(deploy, "project", "test", {"meshed-mcp:services": SERVICES, "meshed-mcp:mesh": mesh})
