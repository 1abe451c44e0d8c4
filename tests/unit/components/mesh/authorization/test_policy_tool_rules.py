"""Tool policy and token settings: validation, rendered policies and environment variables."""

import json
from typing import Any

import mcp_types
import pytest
from mcp.shared.inbound import MCP_METHOD_HEADER, MCP_NAME_HEADER, MCP_PROTOCOL_VERSION_HEADER, encode_header_value
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from meshed_mcp import contract
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.authorization import policy as security
from meshed_mcp.components.mesh.authorization.token_args import TokenSettings
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.infra.checks.schema import schema_issues
from tests.unit.components.mesh.mesh_rendering import INGRESS, Objects, render, render_exposed

CONTROLLER = "cluster.local/ns/mcp-system/sa/mcp-controller"
PLANNER = "cluster.local/ns/agents/sa/planner"
GATEWAY = INGRESS["principal"]
CALLERS = ["mcp-controller", "agents/planner"]
AUTH = {"issuers": [{"issuer": "https://login.example.com/tools", "jwks_url": "https://keys.example.com/tools.json"}]}


def issuer(**changes: Any) -> dict[str, Any]:
    """`auth` with a change of its one issuer."""
    return {"issuers": [AUTH["issuers"][0] | changes]}


METHOD, NAME, VERSION = (
    "request.headers[mcp-method]",
    "request.headers[mcp-name]",
    "request.headers[mcp-protocol-version]",
)


def lines(**settings: Any) -> list[str]:
    """Issues of a service with these settings."""
    given = {"image": "search:1", "callers": ["mcp-controller"], **settings}
    return [str(issue) for issue in model_issues(MeshedMCPServiceArgs, given, "service mcp-search")]


def rules(objects: Objects) -> list[Manifest]:
    """Rules of the service's policy."""
    found: list[Manifest] = objects.one("AuthorizationPolicy")["spec"]["rules"]
    return found


def principals(rule: Manifest) -> list[str]:
    """Principals that a rule allows."""
    found: list[str] = rule["from"][0]["source"]["principals"]
    return found


def environment(objects: Objects) -> dict[str, str]:
    """Environment of the container."""
    container = objects.one("Deployment")["spec"]["template"]["spec"]["containers"][0]
    return {item["name"]: item["value"] for item in container["env"] if "value" in item}


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"tools": {"search": {"allow": ["mcp-controler"]}}},
            (
                "tools.search.allow[0]: 'mcp-controler' is not a caller of the service; add it to "
                "callers, or remove it from the tool (did you mean mcp-controller?)"
            ),
        ),
        (
            {"tools": {"search": {"allow": ["ingress"]}}},
            "tools.search.allow[0]: 'ingress' cannot reach the service; set expose: true, or remove it",
        ),
        (
            {"tools": {"search": {"scopes": ["docs.read"]}}},
            "tools.search.scopes: the service does not ask for a token; set auth, or remove the scopes",
        ),
        (
            {"tools": {"sé arch": {}}},
            (
                "tools: 'sé arch' is not a tool name; use at most 128 letters, digits, '_', '-', "
                "'.' and '/', or '*' for every other tool"
            ),
        ),
        (
            {"tools": {"search": {"scopes": ["a b"]}}, "auth": AUTH},
            (
                "tools.search.scopes: 'a b' is not a scope; use one without spaces, quotes and "
                "commas, such as 'docs.read'"
            ),
        ),
        (
            {"auth": issuer(issuer="login.example.com")},
            "auth.issuers[0].issuer: 'login.example.com' is not a URL; use one such as 'https://login.example.com/realms/tools'",
        ),
        (
            {"auth": issuer(jwks_url="http://keys.example.com/")},
            (
                "auth.issuers[0].jwks_url: 'http://keys.example.com/' is fetched in plaintext, where an "
                "attacker can replace the keys; use https://"
            ),
        ),
        (
            {"auth": issuer(jwks_url="https://keys.example.com:8443/")},
            (
                "auth.issuers[0].jwks_url: 'https://keys.example.com:8443/' names port 8443, and pods reach "
                "the key host on port 443 only; remove the port"
            ),
        ),
        (
            {"env": {"MESHED_MCP_TOOL_POLICY": "{}"}},
            "env: 'MESHED_MCP_TOOL_POLICY' is set from other fields; remove it and set `tools`",
        ),
    ],
)
def test_unenforceable_tool_rule_is_rejected_with_what_to_set(settings: dict[str, Any], line: str) -> None:
    """Requirement CFG-7: preview rejects it, names the field and says what to set."""
    assert lines(**settings) == [f"service mcp-search: {line}"]


def test_without_tool_rules_the_policy_contains_callers_only() -> None:
    """Requirement SEC-3: a tool without a rule is open to every caller; the server checks scopes."""
    plain = rules(render(callers=CALLERS))
    assert rules(render(callers=CALLERS, tools={"search": {}})) == plain
    scoped = rules(render(callers=CALLERS, tools={"search": {"scopes": ["a"]}}, auth=AUTH))
    assert [rule["to"] for rule in scoped[:1]] == [rule["to"] for rule in plain]
    assert "when" not in scoped[0]


def test_restricted_tool_has_its_own_rule_and_all_others_stay_open() -> None:
    """Istio, AuthorizationPolicy: rules are alternatives. Requirement SEC-3: names allowed, one revision."""
    everything, delete, others = rules(render(callers=CALLERS, tools={"delete": {"allow": ["agents/planner"]}}))
    assert principals(everything) == principals(others) == [CONTROLLER, PLANNER]
    assert everything["when"] == [{"key": METHOD, "notValues": ["tools/call", "=?*"]}]
    assert principals(delete) == [PLANNER]
    call = [{"key": METHOD, "values": ["tools/call"]}, {"key": VERSION, "values": ["2026-07-28"]}]
    assert delete["when"] == [*call, {"key": NAME, "values": ["delete"]}]
    assert others["when"] == [*call, {"key": NAME, "notValues": ["delete", "=?*"]}]
    assert everything["to"] == delete["to"] == others["to"]


def test_tool_with_an_empty_allow_list_is_closed_to_all_callers() -> None:
    """Requirement SEC-3: `allow: []` excludes the tool from every rule."""
    everything, others = rules(render(callers=CALLERS, tools={"delete": {"allow": []}}))
    assert "notValues" in everything["when"][0]
    assert others["when"][-1] == {"key": NAME, "notValues": ["delete", "=?*"]}


def test_star_rule_closes_every_unnamed_tool() -> None:
    """Requirement SEC-3: `*` is the rule of every other tool."""
    tools = {"read": {"allow": CALLERS}, "*": {"allow": []}}
    _, read = rules(render(callers=CALLERS, tools=tools))
    assert read["when"][-1] == {"key": NAME, "values": ["read"]}


def test_ingress_is_the_identity_of_the_gateway() -> None:
    """Requirement SEC-2: external clients have the gateway's identity in the mesh."""
    objects = render_exposed(callers=CALLERS, tools={"search": {"allow": ["ingress"]}})
    assert principals(rules(objects)[1]) == [GATEWAY]
    assert json.loads(environment(objects)[contract.ENV_TOOL_POLICY]) == {"search": {"allow": [GATEWAY]}}


def test_header_rules_match_what_the_sdk_sends() -> None:
    """SDK 2.3: header names, the one modern revision, the encoded form of a name (MCP, "Standard Request Headers")."""
    assert (security.METHOD_HEADER, security.NAME_HEADER) == (MCP_METHOD_HEADER, MCP_NAME_HEADER)
    assert security.VERSION_HEADER == MCP_PROTOCOL_VERSION_HEADER
    assert list(MODERN_PROTOCOL_VERSIONS) == [security.REVISION]
    assert encode_header_value("ü").startswith(security.ENCODED.removesuffix("*"))
    assert mcp_types.CallToolRequest.model_fields["method"].default == security.CALL_METHOD


def test_server_gets_the_tool_rules_with_identities() -> None:
    """Requirement SEC-3: ENV_TOOL_POLICY (meshed_mcp.contract) names identities instead of services."""
    objects = render(
        callers=CALLERS, tools={"delete": {"allow": ["mcp-controller"], "scopes": ["a"]}, "read": {}}, auth=AUTH
    )
    policy = json.loads(environment(objects)[contract.ENV_TOOL_POLICY])
    assert policy == {"delete": {"allow": [CONTROLLER], "scopes": ["a"]}, "read": {}}


def test_server_trusts_only_the_sidecar_about_callers() -> None:
    """Istiod binds inbound connections to these addresses, where no other pod can come from."""
    assert environment(render())[contract.ENV_TRUSTED_PROXIES] == "127.0.0.6,::6"


def test_without_auth_no_issuer_is_configured() -> None:
    """Requirement CMP-8: without `auth`, ENV_AUTH_ISSUERS (meshed_mcp.contract) is unset."""
    assert not [name for name in environment(render()) if name.startswith("MESHED_MCP_AUTH")]


def test_usage_and_limits_identify_organizations_by_one_claim() -> None:
    """Requirement OBS-13: limits and usage of an organization share one name."""
    auth = issuer(claims={"organization": "tenant"})
    (row,) = json.loads(environment(render_exposed(auth=auth))[contract.ENV_AUTH_ISSUERS])
    assert row["claims"] == {"organization": "tenant"}
    assert TokenSettings.model_validate(auth).organization_claims == {row["issuer"]: "tenant"}
    assert set(TokenSettings.model_validate(AUTH).organization_claims.values()) == {contract.ORGANIZATION_CLAIM}


def test_exposed_service_with_tokens_uses_its_external_url() -> None:
    """RFC 8707, section 2; RFC 9728, section 3.1: the metadata's path begins with the well-known part."""
    objects = render_exposed(auth={**AUTH, "scopes": ["docs.read", "docs.write"]})
    assert {name: value for name, value in environment(objects).items() if name.startswith("MESHED_MCP_AUTH")} == {
        contract.ENV_AUTH_ISSUERS: (
            '[{"issuer": "https://login.example.com/tools", "audiences": ["https://mcp.example.com/mcp-search/mcp", '
            '"https://mcp.example.com/mcp-search/mcp/"], "jwks_url": "https://keys.example.com/tools.json"}]'
        ),
        contract.ENV_AUTH_RESOURCE: "https://mcp.example.com/mcp-search/mcp",
        contract.ENV_AUTH_SCOPES: "docs.read,docs.write",
    }
    path = "/.well-known/oauth-protected-resource/mcp-search/mcp"
    route = objects.one("VirtualService", "mcp-search-ingress")["spec"]["http"][-1]
    assert (route["match"], route["rewrite"]) == ([{"uri": {"exact": path}}], {"uri": path})
    metadata = rules(objects)[-1]
    assert principals(metadata) == [GATEWAY]
    assert metadata["to"] == [
        {"operation": {"methods": ["GET", "OPTIONS"], "paths": [path, "/.well-known/oauth-protected-resource"]}}
    ]


def test_internal_service_with_tokens_uses_its_mesh_url() -> None:
    """Requirement SEC-7: a service without `expose` has no external URL."""
    resource = environment(render(auth=AUTH, callers=CALLERS))[contract.ENV_AUTH_RESOURCE]
    assert resource == "http://mcp-search.mcp-system.svc.cluster.local:8000/mcp"


def test_issuer_keys_are_a_declared_host() -> None:
    """Istio, REGISTRY_ONLY: a pod reaches declared hosts alone; a host inside the cluster is known anyway."""
    assert render(auth=AUTH, egress_hosts=["a.com"]).one("ServiceEntry")["spec"]["hosts"] == [
        "a.com",
        "keys.example.com",
    ]
    inside = issuer(jwks_in_cluster=True, jwks_url="http://keycloak.login.svc.cluster.local:8080/keys")
    assert "ServiceEntry" not in render(auth=inside).kinds()


def test_rules_and_tokens_match_the_published_schemas() -> None:
    """Istio 1.31 CRDs, closed: a field that is not in them would be pruned silently."""
    tools = {"delete": {"allow": ["mcp-controller"]}, "*": {"allow": ["ingress", "agents/planner"]}}
    objects = render_exposed(callers=CALLERS, tools=tools, auth=AUTH)
    assert len(rules(objects)) == 4
    assert [fault for item in objects for fault in schema_issues(item)] == []
