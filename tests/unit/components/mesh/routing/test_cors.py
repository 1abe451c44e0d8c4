"""CORS policies of the gateway's routes, and the same origins for the runtime."""

import re
from typing import Any

import pytest

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.routing.cors import origin_match
from tests.unit.components.mesh.mesh_rendering import Objects, render, render_exposed

PAGE = "https://app.example.com"
CORS: dict[str, Any] = {"origins": [PAGE, "http://localhost:*"], "headers": ["X-Organization-Id"]}
AUTH = {"issuers": [{"issuer": "https://login.example.com", "jwks_url": "https://login.example.com/jwks"}]}


def ingress_rules(objects: Objects, route: str = "mcp-search-ingress") -> list[Manifest]:
    """Rules of a route at the gateway."""
    rules: list[Manifest] = objects.one("VirtualService", route)["spec"]["http"]
    return rules


def variables(objects: Objects) -> dict[str, str]:
    """Plain variables of the server."""
    (container, *_) = objects.one("Deployment")["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}


def test_every_route_of_the_gateway_has_the_policy_and_no_route_of_the_mesh() -> None:
    """Requirement WEB-1: browsers come through the gateway; Istio API, CorsPolicy."""
    objects = render_exposed(cors=CORS, hosts=["search.example.com"], legacy="sticky")
    for route in ("mcp-search-ingress", "mcp-search-hosts"):
        policies = [rule["corsPolicy"] for rule in ingress_rules(objects, route)]
        assert len(policies) > 2
        assert all(policy["allowOrigins"][0] == {"exact": PAGE} for policy in policies)
        assert all(policy["unmatchedPreflights"] == "IGNORE" for policy in policies)
    assert all("corsPolicy" not in rule for rule in ingress_rules(objects, "mcp-search"))


def test_the_policy_names_the_headers_of_the_protocol_and_those_of_the_service() -> None:
    """MCP 2026-07-28, "Standard Request Headers"; requirement WEB-1."""
    (policy, *_) = (rule["corsPolicy"] for rule in ingress_rules(render_exposed(cors=CORS)))
    assert {"mcp-method", "mcp-name", "mcp-protocol-version", "authorization", "x-organization-id"} <= {
        *policy["allowHeaders"]
    }
    assert {"mcp-session-id", "mcp-protocol-version", "www-authenticate"} <= {*policy["exposeHeaders"]}
    assert policy["allowCredentials"] is False


def test_preflights_are_before_the_challenge_and_the_challenge_is_readable() -> None:
    """Envoy, CORS filter: it applies no policy to a direct response; requirement WEB-1."""
    rules = ingress_rules(render_exposed(cors=CORS | {"credentials": True}, auth=AUTH))
    names = [rule["name"] for rule in rules]
    assert names[:3] == ["mcp-search-preflight", "mcp-search-needs-token-page", "mcp-search-needs-token"]
    sent = rules[1]["headers"]["response"]["set"]
    assert sent["access-control-allow-origin"] == "%REQ(origin)%"
    assert sent["access-control-allow-credentials"] == "true"
    assert "www-authenticate" in sent
    assert all("origin" in match["headers"] for match in rules[1]["match"])


def test_token_metadata_stays_open_to_every_page() -> None:
    """RFC 9728, section 3: public documents, with a policy of their own."""
    rules = ingress_rules(render_exposed(cors=CORS, auth=AUTH))
    documents = [rule for rule in rules if "metadata" in rule["name"]]
    assert documents
    assert all("corsPolicy" not in rule for rule in documents)


def test_the_runtime_gets_the_same_origins() -> None:
    """Requirement WEB-1: the gateway and the server's Origin check follow one list."""
    found = variables(render_exposed(cors=CORS | {"credentials": True}))
    assert found[contract.ENV_ALLOWED_ORIGINS] == f"{PAGE},http://localhost:*"
    assert found[contract.ENV_CORS_HEADERS] == "x-organization-id"
    assert found[contract.ENV_CORS_CREDENTIALS] == "true"
    assert contract.ENV_ALLOWED_ORIGINS not in variables(render())


@pytest.mark.parametrize("cors", [None, {"origins": []}])
def test_without_origins_nothing_is_rendered(cors: dict[str, Any] | None) -> None:
    """Requirement CMP-8."""
    objects = render_exposed(cors=cors)
    assert all("corsPolicy" not in rule for rule in ingress_rules(objects))
    assert contract.ENV_ALLOWED_ORIGINS not in variables(objects)


@pytest.mark.parametrize(
    ("origin", "matching", "other"),
    [
        (
            "http://localhost:*",
            ["http://localhost", "http://localhost:6274"],
            ["https://localhost", "http://localhost:x"],
        ),
        ("http://[::1]:*", ["http://[::1]:80"], ["http://1:80"]),
        ("*", ["https://a.example", "vscode-webview://abc"], ["null", ""]),
    ],
)
def test_patterns_match_whole_origins(origin: str, matching: list[str], other: list[str]) -> None:
    """Requirement CFG-15; Envoy: a regular expression matches the whole text."""
    pattern = origin_match(origin)["regex"]
    allowed = contract.AllowedOrigins((origin,))
    for value in matching:
        assert re.fullmatch(pattern, value)
        assert value in allowed
    for value in other:
        assert not re.fullmatch(pattern, value)
        assert value not in allowed


def test_the_gateway_of_an_ambient_mesh_has_the_same_policy() -> None:
    """Requirement WEB-1: the waypoint sees no preflight, and its HTTPRoute has no field for a policy."""
    objects = render_exposed(cors=CORS, mode="ambient", auth=AUTH)
    rules = ingress_rules(objects)
    assert [rule["name"] for rule in rules][:2] == ["mcp-search-preflight", "mcp-search-needs-token-page"]
    routed = [rule for rule in rules if "corsPolicy" in rule]
    assert len(routed) > 2
    assert all("subset" not in target["destination"] for rule in routed for target in rule["route"])
    assert "cors" not in str(objects.one("HTTPRoute")).lower()


@pytest.mark.parametrize("bridge", [True, False])
def test_other_servers_have_the_policy_and_the_bridge_the_origins(bridge: bool) -> None:
    """Requirement WEB-1: the gateway's part needs nothing of the server; the bridge is the runtime."""
    objects = render_exposed(
        cors=CORS,
        auth=AUTH,
        runtime="external",
        port=3001,
        bridge=bridge,
        **({"bridge_image": "bridge:1"} if bridge else {}),
    )
    rules = {rule["name"]: rule for rule in ingress_rules(objects)}
    assert "corsPolicy" in rules["mcp-search-endpoint"]
    assert all("corsPolicy" not in rule for name, rule in rules.items() if "metadata" in name)
    pods = objects.one("Deployment")["spec"]["template"]["spec"]
    containers = [*pods["containers"], *pods.get("initContainers", [])]
    origins = [
        each for item in containers for each in item.get("env", []) if each["name"] == contract.ENV_ALLOWED_ORIGINS
    ]
    assert len(origins) == (1 if bridge else 0)
