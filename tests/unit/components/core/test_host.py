"""Component provider: components for programs in other languages, with errors on the exact property."""

from functools import cache, partial
from typing import Any

import pulumi
import pytest

from meshed_mcp.components import COMPONENTS
from meshed_mcp.components.core.host import ComponentHost, checked_inputs
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.infra.recording import Recording, record_program


@cache
def host() -> ComponentHost:
    """A host of all components, made once and not at import."""
    return ComponentHost(COMPONENTS, "1.2.3")


SERVICE = "meshed-mcp:index:MeshedMCPService"


def constructed(name: str, token: str, inputs: Any) -> tuple[Recording, dict[str, Any]]:
    """Registrations and state of a construct call; `inputs` is called inside the program."""
    state: dict[str, Any] = {}

    def program() -> None:
        result = host().construct(name, token, inputs())
        for key, value in result.state.items():
            pulumi.Output.from_input(value).apply(partial(state.__setitem__, key))

    return record_program(program, "project", "stack", {}), state


def test_inputs_in_the_form_of_other_languages_make_a_service() -> None:
    """Requirement CMP-5: integers arrive as floats and names in camelCase; Pulumi's own host fails here."""
    recorded, state = constructed(
        "mcp-a",
        SERVICE,
        lambda: {"image": "a:1", "replicas": 3.0, "drain": {"graceSeconds": 40.0}, "callers": ["mcp-b"]},
    )
    (deployment,) = [item for item in recorded.objects if item["kind"] == "Deployment"]
    assert deployment["spec"]["replicas"] == 3
    assert state["url"] == "http://mcp-a.mcp-system.svc.cluster.local:8000/mcp"
    assert set(state) == {"url", "publicPath", "principal"}


def test_secrets_and_outputs_pass_through() -> None:
    """Requirement CFG-11: a secret stays secret and stays where it was set; Pulumi's own host fails on outputs."""
    recorded, _ = constructed(
        "mcp-a",
        SERVICE,
        lambda: {"image": pulumi.Output.from_input("a:1"), "env": {"A": pulumi.Output.secret("s3cret"), "B": "open"}},
    )
    (deployment,) = [item for item in recorded.objects if item["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    values = {item["name"]: item.get("value") for item in container["env"]}
    assert container["image"] == "a:1"
    assert (values["A"], values["B"]) == ("[secret]", "open")


@pytest.mark.parametrize(
    ("inputs", "path", "code", "reason"),
    [
        ({"image": "a", "replica": 2}, "replica", "MM0003", "unknown field; did you mean replicas?"),
        ({"image": "a", "replicas": 0.0}, "replicas", "MM0005", "0.0 is below 1; set 1 or more"),
        ({}, "", "MM0300", "none is set; set exactly one of image, package and url"),
        (
            {"image": "a", "drain": {"graceSecond": 40}},
            "drain.graceSecond",
            "MM0003",
            "unknown field; did you mean graceSeconds?",
        ),
        (
            {"image": "a", "rollout": {"strategy": "canary", "image": "b", "weights": {"stable": 90, "canary": 20}}},
            "rollout.weights",
            "MM0266",
            "stable 90 and canary 20 sum to 110, not 100; set stable: 80 or canary: 10",
        ),
    ],
)
def test_invalid_input_is_reported_on_its_property(inputs: dict[str, Any], path: str, code: str, reason: str) -> None:
    """Pulumi, InputPropertiesError: the command line shows property and reason; nothing is dropped silently."""
    with pytest.raises(pulumi.InputPropertiesError, match=r"invalid arguments for MeshedMCPService mcp-a") as raised:
        checked_inputs(MeshedMCPServiceArgs, inputs, "MeshedMCPService mcp-a")
    assert raised.value.errors == [{"property_path": path, "reason": f"{code}: {reason}"}]
