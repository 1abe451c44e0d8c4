"""`calls` of a stack: destinations, tokens for other audiences, and what the objects of a service get."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.agents.client.credentials.settings import outbound_calls
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.mesh.service.environment import environment, mounted_secrets
from meshed_mcp.components.mesh.service.manifests import service_manifests
from meshed_mcp.contract import ENV_OUTBOUND_CALLS, CallAuth, ClientAuth, OutboundCall
from meshed_mcp.infra.plan import Plan, planned

LOGIN: Final = "https://login.example.com"
SECRET: Final = {"secret": "web-client", "key": "secret"}
CLIENT: Final = {"issuer": LOGIN, "client_id": "web", "client_secret": SECRET}
VENDOR: Final = "https://mcp.vendor.example/mcp"


def tokens(*audiences: str, issuer: str = LOGIN, **more: Any) -> dict[str, Any]:
    """`auth` of a service for these audiences; none = its URL."""
    named = {"audiences": list(audiences)} if audiences else {}
    return {"issuers": [{"issuer": issuer, "jwks_url": f"{issuer}/keys", **named}], **more}


def plan(web: dict[str, Any], rag: dict[str, Any] | None = None, **keys: Any) -> Plan:
    """The plan of a stack with mcp-web, which calls mcp-rag."""
    services = {
        "mcp-web": {"image": "w:1", "auth": tokens(), **web},
        "mcp-rag": {"image": "r:1", "callers": ["mcp-web"], "auth": tokens(), **(rag or {})},
    }
    given = {f"meshed-mcp:{key}": json.dumps(value) for key, value in {"services": services, **keys}.items()}
    return planned(given | {"meshed-mcp:domain": "mcp.example.com"})


def lines(*args: Any, **keys: Any) -> list[str]:
    """Issues of a stack, with their codes."""
    with pytest.raises(ConfigurationError) as raised:
        plan(*args, **keys)
    return [issue.line for issue in raised.value.issues]


def rows(found: Plan, name: str = "mcp-web") -> tuple[OutboundCall, ...]:
    """The table in the environment of a service, as its runtime reads it."""
    variables = {each["name"]: each.get("value") for each in environment(name, found.services[name])}
    return outbound_calls(variables.get(ENV_OUTBOUND_CALLS) or "")


def test_the_runtime_gets_a_row_per_destination_and_each_secret_as_a_file() -> None:
    """Requirement CAL-3: the table names secrets and holds none; equal Secrets are mounted once."""
    web = {"calls": {"mcp-rag": {"auth": "token_exchange", **CLIENT}, VENDOR: {"auth": "client_credentials", **CLIENT}}}
    found = plan(web)
    rag, vendor = rows(found)
    assert (rag.destination, rag.auth, rag.resource) == (
        "mcp-rag",
        CallAuth.TOKEN_EXCHANGE,
        "http://mcp-rag.mcp-system.svc.cluster.local:8000/mcp",
    )
    assert rag.origins[0] == "http://mcp-rag:8000"
    assert (vendor.resource, vendor.origins) == (VENDOR, ("https://mcp.vendor.example:443",))
    assert rag.client == vendor.client
    assert [(name, source.key) for name, source in mounted_secrets(found.services["mcp-web"]).items()] == [
        ("MESHED_MCP_CALL_SECRET_0", "secret")
    ]


def test_the_resource_of_a_token_is_the_public_url_of_an_exposed_destination() -> None:
    """RFC 8707, section 2: the resource is what the destination's metadata names (RFC 9728, section 3.3)."""
    call = {"auth": "token_exchange", **CLIENT}
    exposed = plan({"calls": {"mcp-rag": call}}, {"expose": True})
    assert rows(exposed)[0].resource == "https://mcp.example.com/mcp-rag/mcp"
    audience = plan({"calls": {"mcp-rag": {**call, "audience": "api://rag"}}})
    assert (rows(audience)[0].resource, rows(audience)[0].audience) == (None, "api://rag")


def test_token_endpoints_and_servers_are_reachable_and_nothing_else() -> None:
    """Requirement CAL-8: egress follows from the calls: external hosts by entries, Services by the Sidecar."""
    inside = {**CLIENT, "issuer": None, "token_endpoint": "http://keycloak.iam.svc:8080/realms/x/token"}
    inside.pop("issuer")
    web = {"calls": {"mcp-rag": {"auth": "token_exchange", **inside}, VENDOR: {"auth": "client_credentials", **CLIENT}}}
    objects = service_manifests("mcp-web", plan(web).services["mcp-web"])
    (entry,) = [item["spec"] for item in objects if item["kind"] == "ServiceEntry"]
    assert entry["hosts"] == ["login.example.com", "mcp.vendor.example"]
    (sidecar,) = [item["spec"] for item in objects if item["kind"] == "Sidecar"]
    assert "iam/keycloak.iam.svc.cluster.local" in sidecar["egress"][0]["hosts"]


def test_a_private_key_and_an_identity_provider_have_files_of_their_own() -> None:
    """Requirement CAL-3: each client has its secret."""
    provider = {"issuer": LOGIN, "client_id": "web", "private_key": {"secret": "idp", "key": "key.pem"}}
    call = {"auth": "id_jag", **CLIENT, "issuer": "https://login.vendor.example", "identity_provider": provider}
    (found,) = rows(plan({"calls": {VENDOR: call}}))
    assert found.client is not None
    assert found.identity_provider is not None
    assert found.identity_provider.client_auth is ClientAuth.PRIVATE_KEY_JWT
    assert (found.client.secret, found.identity_provider.secret) == (
        "MESHED_MCP_CALL_SECRET_0",
        "MESHED_MCP_CALL_SECRET_1",
    )


def test_the_bridge_gets_the_row_of_its_upstream() -> None:
    """Requirement CAL-7: `outbound_auth` takes the kinds of `calls`; headers stay beside the token."""
    crm = {"url": VENDOR, "outbound_auth": {"auth": "client_credentials", **CLIENT, "headers": {"X-Key": SECRET}}}
    given = {"services": {"mcp-crm": crm}, "bridge": {"image": "b:1"}}
    found = planned({f"meshed-mcp:{key}": json.dumps(value) for key, value in given.items()})
    (row,) = rows(found, "mcp-crm")
    assert (row.destination, row.origins, row.resource) == (VENDOR, ("https://mcp.vendor.example:443",), VENDOR)
    objects = service_manifests("mcp-crm", found.services["mcp-crm"])
    (entry,) = [item["spec"] for item in objects if item["kind"] == "ServiceEntry"]
    assert set(entry["hosts"]) == {"login.example.com", "mcp.vendor.example"}


def test_pass_through_needs_a_common_issuer_and_audience() -> None:
    """MCP, "Security Best Practices", token passthrough: only to services of the same audience."""
    call = {"calls": {"mcp-rag": {"auth": "pass_through"}}}
    common = tokens("https://tools.example.com")
    assert rows(plan({**call, "auth": common}, {"auth": common}))[0].auth is CallAuth.PASS_THROUGH
    other_issuer = tokens("https://tools.example.com", issuer="https://other.example.com")
    for auth in (tokens("https://rag.example.com"), other_issuer, None):
        rejected = lines({**call, "auth": common}, {"auth": auth})
        assert [line.partition(":")[0] for line in rejected] == ["MM0994"]


def test_pass_through_to_a_url_needs_the_audience_in_writing() -> None:
    """Requirement CAL-1: the token of a caller leaves the stack only for a server of the same audience."""
    web = {"auth": tokens("https://tools.example.com")}
    for call, code in [
        ({}, "MM1003"),
        ({"audience": "https://other.example.com"}, "MM0994"),
    ]:
        (line,) = lines({**web, "calls": {VENDOR: {"auth": "pass_through", **call}}})
        assert line.startswith(f"{code}: service mcp-web: calls.{VENDOR}:")
    plan({**web, "calls": {VENDOR: {"auth": "pass_through", "audience": "https://tools.example.com"}}})


@pytest.mark.parametrize(
    ("web", "code", "words"),
    [
        ({"calls": {"mcp-rga": {}}}, "MM0990", "no URL of an external server; did you mean mcp-rag?"),
        ({"calls": {"data/redis": {}}}, "MM0990", "use the name of a service, or a URL"),
        ({"calls": {"mcp-web": {}}}, "MM0991", "service mcp-web denies calls of mcp-web"),
        ({"calls": {"mcp-rag": {"auth": "token_exchange"}}}, "MM0993", "needs client_id and issuer and client_secret"),
        ({"calls": {"mcp-rag": {"auth": "mesh", "audience": "a"}}}, "MM0992", "audience has no effect with auth: mesh"),
        ({"calls": {"mcp-rag": {"auth": "pass_through", **CLIENT}}}, "MM0992", "issuer and client_id"),
        (
            {"calls": {"mcp-rag": {"auth": "client_credentials", **CLIENT, "client_auth": "private_key_jwt"}}},
            "MM0997",
            "client_secret and client_auth: private_key_jwt exclude each other",
        ),
        ({"calls": {"mcp-rag": {"auth": "id_jag", **CLIENT}}}, "MM0993", "needs identity_provider"),
        ({"calls": {"mcp-rag": {"auth": "on_behalf_of", **CLIENT}}}, "MM0993", "needs scopes; set scopes"),
        (
            {"calls": {"mcp-rag": {"auth": "client_credentials", **CLIENT, "issuer": "https://10.0.0.1/x"}}},
            "MM0996",
            "'https://10.0.0.1/x' is no URL of an issuer",
        ),
        (
            {"calls": {"mcp-rag": {"auth": "client_credentials", **CLIENT, "issuer": "https://a:hunter2@b.example"}}},
            "MM0996",
            "'b.example' is no URL of an issuer",
        ),
        ({"calls": {"http://mcp.vendor.example/mcp": {"auth": "client_credentials", **CLIENT}}}, "MM1002", "plaintext"),
        ({"auth": None, "calls": {"mcp-rag": {"auth": "token_exchange", **CLIENT}}}, "MM0995", "takes no tokens"),
        ({"auth": None, "calls": {"mcp-rag": {"auth": "pass_through"}}}, "MM0995", "takes no tokens"),
        ({"env": {"MESHED_MCP_CALL_SECRET_0_FILE": "/x"}}, "MM0", "'MESHED_MCP_CALL_SECRET_0_FILE'"),
        ({"runtime": "external", "calls": {"mcp-rag": {}}}, "MM0305", "for the bridge, set outbound_auth"),
    ],
)
def test_calls_that_could_not_work_are_rejected_at_preview(web: dict[str, Any], code: str, words: str) -> None:
    """Requirement CFG-7: one coded line each, and no text of a secret in it."""
    found = [line for line in lines(web) if line.startswith(code)]
    assert len(found) == 1
    assert words in found[0]
    assert "hunter2" not in found[0]


VALUES: Final[dict[str, Any]] = {
    "issuer": LOGIN,
    "token_endpoint": f"{LOGIN}/token",
    "client_id": "web",
    "client_secret": SECRET,
    "private_key": {"secret": "idp", "key": "key.pem"},
    "client_auth": "client_secret_post",
    "audience": "api://rag",
    "resource": "https://rag.example.com/mcp",
    "scopes": ["docs.read"],
    "actor_token": True,
    "identity_provider": CLIENT,
}


@given(auth=st.sampled_from(list(CallAuth)), fields=st.sets(st.sampled_from(list(VALUES))))
def test_every_combination_is_a_row_that_the_runtime_takes_or_a_coded_error(auth: CallAuth, fields: set[str]) -> None:
    """Requirement CFG-13: what preview accepts, the runtime accepts too."""
    call = {"auth": auth.value, **{name: VALUES[name] for name in fields}}
    shared = tokens("https://tools.example.com")
    try:
        found = plan({"auth": shared, "calls": {"mcp-rag": call}}, {"auth": shared})
    except ConfigurationError as error:
        coded = {issue.line[:4] for issue in error.issues}
    else:
        coded = set()
        assert_row(rows(found), auth)
    assert coded <= {"MM09", "MM10"}


def assert_row(made: tuple[OutboundCall, ...], auth: CallAuth) -> None:
    """A table whose row has what its kind reads."""
    assert len(made) == (auth is not CallAuth.MESH)
    for row in made:
        assert (row.client is not None) == auth.needs_client
        assert row.client is None or bool(row.client.issuer) != bool(row.client.token_endpoint)
        assert (row.identity_provider is not None) == (auth is CallAuth.ID_JAG)
