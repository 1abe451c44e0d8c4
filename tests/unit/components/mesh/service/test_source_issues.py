"""Contradictions between a server and the other settings of its service."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp import contract
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceSettings
from meshed_mcp.components.mesh.service.server_source import ServerKind
from meshed_mcp.components.mesh.service.source_issues import WITHOUT_EFFECT
from meshed_mcp.error_codes import service as codes
from tests.unit.components.mesh.mesh_rendering import lines

SECRET: Final = {"secret": "s", "key": "k"}
KINDS: Final[dict[ServerKind, dict[str, Any]]] = {
    ServerKind.MESHED: {"image": "a:1"},
    ServerKind.EXTERNAL: {"image": "a:1", "runtime": "external"},
    ServerKind.BRIDGED_HTTP: {"image": "a:1", "runtime": "external", "bridge": True, "port": 3001},
    ServerKind.STDIO_IMAGE: {"image": "a:1", "transport": "stdio", "command": ["/server"]},
    ServerKind.STDIO_PACKAGE: {"package": "npm:@scope/server@1.2.3"},
    ServerKind.REMOTE: {"url": "https://mcp.example.com/mcp"},
}
"""The least settings of each kind."""

VALUES: Final[dict[str, Any]] = {
    "port": 3002,
    "probes": "none",
    "stdio": {"process": "shared"},
    "bridge": False,
    "outbound_auth": {"bearer": SECRET},
    "calls": {"mcp-rag": {}},
    "user_credentials": {
        "keys": SECRET,
        "login": {
            "authorization_endpoint": "https://login.example.com/authorize",
            "token_endpoint": "https://login.example.com/token",
            "client_id": "vault",
            "client_secret": SECRET,
        },
        "providers": {"search": {"kind": "text"}},
    },
    "shared_state": ["subscriptions"],
    "store_all_histogram_buckets": True,
    "rollout": {"strategy": "blue_green", "image": "a:2"},
    "command": ["server"],
    "args": ["--debug"],
    "env": {"A": "b"},
    "secret_env": {"A": SECRET},
    "database": SECRET,
}
"""A value of every field that has no effect on some kind."""

RUNTIME_ONLY: Final[dict[str, dict[str, Any]]] = {
    "tools.find": {"tools": {"find": {"allow": []}}},
    "tools.read": {"tools": {"read": {"read_only": True}}},
    "pools.slow": {"pools": {"slow": {"tools": ["report"]}}},
    "rate_limits.tools": {"rate_limits": {"tools": {"find": {"rate": "5/s"}}}},
    "rate_limits.shared.tools": {"rate_limits": {"shared": {"tools": {"find": {"rate": "5/s"}}}}},
    "auth.scopes": {
        "auth": {
            "issuers": [{"issuer": "https://a.example.com", "jwks_url": "https://a.example.com/k"}],
            "scopes": ["x"],
        }
    },
    "limits.call_seconds": {"limits": {"call_seconds": 10}},
}
"""Field -> settings that only the runtime enforces."""


def found(raw: dict[str, Any]) -> list[tuple[str, str]]:
    """Code and text of every issue of a service."""
    return [(issue.code, issue.message) for issue in model_issues(ServiceSettings, raw, "service mcp-x")]


@pytest.mark.parametrize("kind", KINDS)
def test_the_least_settings_of_each_kind_are_valid(kind: ServerKind) -> None:
    """Requirement SRV-1: the kind follows from what the service names."""
    assert found(KINDS[kind]) == []
    settings = ServiceSettings.model_validate(KINDS[kind])
    assert settings.kind is kind
    assert settings.has_runtime is (kind is not ServerKind.EXTERNAL)
    assert settings.has_bridge is (kind not in {ServerKind.MESHED, ServerKind.EXTERNAL})
    assert settings.endpoint_port == contract.MCP_PORT


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({}, "none is set"),
        ({"image": "a:1", "url": "https://mcp.example.com/mcp"}, "image and url are set"),
        ({"image": "a:1", "package": "npm:a@1.0.0"}, "image and package are set"),
    ],
)
def test_a_service_without_exactly_one_server_is_rejected(raw: dict[str, Any], words: str) -> None:
    """Requirement SRV-1: two servers in one pod, or none, could never work."""
    assert found(raw) == [("MM0300", f"{words}; set exactly one of image, package and url")]


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind, fields in WITHOUT_EFFECT.items() for field in fields]
)
def test_a_setting_without_effect_on_the_kind_is_rejected_by_name(kind: ServerKind, field: str) -> None:
    """Requirement SRV-4: a setting that belongs to another kind of server has no effect."""
    (code, message), *rest = found({**KINDS[kind], field: VALUES[field]})
    assert rest == []
    assert code == "MM0305"
    assert message.startswith(f"{field}: has no effect, because {WITHOUT_EFFECT[kind][field]}; remove it")


@pytest.mark.parametrize("kind", [ServerKind.STDIO_IMAGE, ServerKind.STDIO_PACKAGE, ServerKind.REMOTE])
def test_runtime_external_without_an_http_server_in_an_image_is_rejected(kind: ServerKind) -> None:
    """Requirement SRV-4: the bridge serves the endpoint of every other kind."""
    assert [code for code, _ in found({**KINDS[kind], "runtime": "external"})] == ["MM0305"]


@pytest.mark.parametrize("field", RUNTIME_ONLY)
def test_what_only_the_runtime_enforces_needs_the_bridge(field: str) -> None:
    """Requirement SRV-3: a rule that nothing enforces is worse than none."""
    raw = {**KINDS[ServerKind.EXTERNAL], "callers": ["mcp-a"], **RUNTIME_ONLY[field]}
    assert found(raw) == [
        ("MM0307", f"{field}: nothing enforces it on an external server; set bridge: true, or remove it")
    ]
    assert found({**raw, "bridge": False}) == found(raw)
    assert found({**raw, "bridge": True, "port": 3001}) == []


def test_a_stdio_image_without_a_command_is_rejected() -> None:
    """Requirement SRV-1: the launcher replaces the entry point of the image."""
    (line,) = lines(transport="stdio")
    assert line == codes.STDIO_WITHOUT_COMMAND.message()


def test_the_command_of_a_package_is_one_executable() -> None:
    """Requirement SRV-6: arguments have a field of their own."""
    (issue,) = found({"package": "npm:a@1.0.0", "command": ["a", "--b"]})
    assert issue == ("MM0304", codes.PACKAGE_COMMAND.message(name="a", rest=["--b"]))


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ({"package": "npm:a@1.0.0", "transport": "http"}, "stdio"),
        ({"url": "https://a.example.com/mcp", "transport": "stdio"}, "http"),
    ],
)
def test_a_transport_that_contradicts_the_source_is_rejected(raw: dict[str, Any], wanted: str) -> None:
    """Requirement CFG-5: the source implies its transport."""
    ((code, message),) = found(raw)
    assert (code, f"uses {wanted}; remove transport" in message) == ("MM0306", True)


def test_a_bridged_server_needs_a_port_of_its_own() -> None:
    """Kubernetes, "Pods", networking: containers of a pod share one address."""
    bridged = {**KINDS[ServerKind.BRIDGED_HTTP], "port": None}
    assert [code for code, _ in found(bridged)] == ["MM0308"]
    for port in (contract.MCP_PORT, contract.MANAGEMENT_PORT, 9470, 15001):
        assert [code for code, _ in found({**bridged, "port": port})] == ["MM0309"]
    external = KINDS[ServerKind.EXTERNAL]
    assert found({**external, "port": 9470}) == []
    for port in (contract.MANAGEMENT_PORT, 15090):
        assert [code for code, _ in found({**external, "port": port})] == ["MM0309"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_root_path_is_for_servers_without_the_runtime(kind: ServerKind) -> None:
    """Requirement CFG-7: the runtime serves the metadata of tokens beside the endpoint."""
    codes_found = [code for code, _ in found({**KINDS[kind], "path": "/"})]
    assert codes_found == ([] if kind is ServerKind.EXTERNAL else ["MM0310"])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {ServerKind.MESHED, ServerKind.EXTERNAL}])
def test_the_component_needs_the_image_of_the_bridge(kind: ServerKind) -> None:
    """Requirement CMP-5: a program of one's own has no stack key for it."""
    (issue,) = model_issues(MeshedMCPServiceArgs, KINDS[kind], "mcp-x")
    assert issue.code == "MM0322"
    assert model_issues(MeshedMCPServiceArgs, {**KINDS[kind], "bridge_image": "b:1"}, "mcp-x") == []


def test_the_bridge_keeps_no_database() -> None:
    """Requirement SRV-4: data belongs to the server behind the bridge."""
    ((code, message),) = found({**KINDS[ServerKind.REMOTE], "shared_state": ["database"]})
    assert (code, message.startswith("shared_state: database: ")) == ("MM0305", True)


@given(kind=st.sampled_from(list(KINDS)), fields=st.sets(st.sampled_from(list(VALUES))))
def test_every_combination_is_valid_or_names_each_field_without_effect(kind: ServerKind, fields: set[str]) -> None:
    """Requirement CFG-3: all issues are reported in one run, each once."""
    raw = {**KINDS[kind], **{field: VALUES[field] for field in fields if field not in KINDS[kind]}}
    if {"env", "secret_env"} <= fields:
        del raw["secret_env"]
    named = sorted(message.partition(":")[0] for code, message in found(raw) if code == "MM0305")
    assert named == sorted(WITHOUT_EFFECT[kind].keys() & raw.keys() - KINDS[kind].keys())
