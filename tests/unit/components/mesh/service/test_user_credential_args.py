"""Settings of user credentials: what preview rejects, and what the stack renders."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp import contract
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.contract import UserCredentials
from tests.unit.components.mesh.mesh_rendering import INGRESS, render_exposed

SECRET: Final = {"secret": "vault", "key": "keys"}
CLIENT: Final[dict[str, Any]] = {
    "authorization_endpoint": "https://login.example.com/authorize",
    "token_endpoint": "https://login.example.com/token",
    "client_id": "vault",
    "client_secret": {"secret": "vault", "key": "login"},
}
NOTES: Final[dict[str, Any]] = {
    **CLIENT,
    "token_endpoint": "https://notes.example.net:8443/token",
    "client_secret": {"secret": "vault", "key": "notes"},
    "revocation_endpoint": "https://notes.example.net/revoke",
    "scopes": ["notes.read"],
    "parameters": {"access_type": "offline"},
    "title": "Notes",
}
AUTH: Final = {"issuers": [{"issuer": "https://login.example.com"}]}
TWO: Final = {"issuers": [{"issuer": "https://login.example.com"}, {"issuer": "https://b.example.com"}]}
BASE: Final[dict[str, Any]] = {"image": "vault:1", "expose": True, "ingress": INGRESS}
PAGES: Final = ["/mcp/credentials", "/mcp/credentials/*"]


def settings(**credentials: Any) -> dict[str, Any]:
    """Settings of a service; arguments change `user_credentials`."""
    own = {"keys": SECRET, "login": CLIENT, "providers": {"notes": NOTES, "search": {"kind": "text"}}}
    return {"auth": AUTH, "database": {"secret": "vault", "key": "url"}, "user_credentials": own | credentials}


def issues(raw: dict[str, Any]) -> list[str]:
    """Issues of an exposed service."""
    return [str(issue) for issue in model_issues(MeshedMCPServiceArgs, {**BASE, **raw}, "mcp-vault")]


def test_complete_settings_are_accepted() -> None:
    """Requirement USR-10: a provider is a few lines."""
    assert issues(settings()) == []


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (settings() | {"auth": None}, "credentials belong to users, and this service takes no tokens"),
        (settings() | {"auth": TWO}, "auth has several issuers; set issuer of the login to one of"),
        (settings(login=CLIENT | {"issuer": "https://c.example.com"}), "'https://c.example.com' is no issuer of auth"),
        (settings() | {"expose": False}, "set expose: true or public_urls"),
        (settings() | {"database": None}, "set database of the service or redis of the stack"),
        (settings(providers={"Notes": NOTES}), "'Notes' cannot be a part of a URL"),
        (settings(providers={"a/b": NOTES}), "'a/b' cannot be a part of a URL"),
        (settings(providers={"notes": {"kind": "text", "client_id": "x"}}), "client_id has no effect: kind is text"),
        (
            settings(providers={"notes": {}}),
            "authorization_endpoint and token_endpoint and client_id and client_secret",
        ),
        (settings(providers={"notes": NOTES | {"parameters": {"state": "x"}}}), "'state' is set by the service"),
        (settings(providers={"notes": NOTES | {"parameters": {"a b": "x"}}}), "'a b' is set by the service or is no"),
        (settings(providers={"notes": NOTES | {"token_endpoint": "http://a.example.com/t"}}), "is plaintext"),
        (settings(providers={"notes": NOTES | {"private_key": SECRET}}), "private_key has no effect"),
        (settings(providers={"notes": NOTES | {"client_auth": "private_key_jwt"}}), "client_auth has no effect"),
        (settings(providers={}), "providers"),
    ],
)
def test_wrong_settings_end_at_preview(raw: dict[str, Any], words: str) -> None:
    """Requirement USR-10: a service that no user could use is not deployed."""
    found = issues({name: value for name, value in raw.items() if value is not None})
    assert any(words in line for line in found), found


@given(
    st.one_of(
        st.from_regex(r"(http|ftp|javascript|data|)://?[a-z.]{1,20}/x", fullmatch=True),
        st.sampled_from(["https://", "https://u:p@a.example/x", "https://a.example/#x", "https://a.example:x/", "//a"]),
        st.text(max_size=20),
    )
)
def test_an_authorization_endpoint_that_is_no_safe_page_is_rejected(url: str) -> None:
    """RFC 9700, section 2.6: browsers get only HTTPS pages, without a password in the message."""
    found = issues(settings(login=CLIENT | {"authorization_endpoint": url}))
    assert found
    assert not any("u:p" in line for line in found)


def remote(**outbound: Any) -> dict[str, Any]:
    """Settings of a remote server that gets credentials of users."""
    raw = {"image": None, "url": "https://mcp.vendor.example/mcp", "bridge_image": "bridge:1", "database": None}
    own = {"auth": "user_credential", "credential": "search", **outbound}
    auth = {name: value for name, value in own.items() if value is not None}
    return settings() | raw | {"redis": {"secret": "redis", "key": "url"}, "outbound_auth": auth}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (remote(), None),
        (remote(credential=None), "needs credential"),
        (remote(credential="other"), "there is no provider 'other' in user_credentials.providers ('notes', 'search')"),
        (remote(audience="x"), "audience has no effect with auth: user_credential"),
        (
            remote(auth=None, credential=None, bearer=SECRET),
            "the bridge sends none of these credentials; set outbound_auth to {auth: user_credential",
        ),
        (remote(auth="pass_through"), "credential has no effect with auth: pass_through"),
        (
            settings() | {"calls": {"https://a.example.com/mcp": {"auth": "user_credential", "credential": "search"}}},
            "use service.user_credential in the code",
        ),
    ],
)
def test_only_outbound_auth_sends_the_credential_of_a_declared_provider(raw: dict[str, Any], words: str | None) -> None:
    """Requirement USR-11: a credential that no user could give is rejected at preview."""
    found = [str(issue) for issue in model_issues(MeshedMCPServiceArgs, {**BASE, **raw}, "mcp-vault")]
    assert found == [] if words is None else any(words in line for line in found), found


def variables(objects: Any) -> dict[str, str]:
    """Plain variables of the server."""
    (container,) = objects.one("Deployment", "mcp-search")["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each.get("value", "") for each in container["env"]}


def test_the_runtime_gets_the_table_and_files_of_secrets() -> None:
    """Requirement USR-10: the table names variables, and secrets are mounted files."""
    env = variables(render_exposed(**settings()))
    table = UserCredentials.model_validate_json(env[contract.ENV_USER_CREDENTIALS])
    assert table.login_issuer == "https://login.example.com"
    assert table.login.scopes == ("openid",)
    notes = table.providers["notes"].client
    assert notes is not None
    assert (notes.parameters, notes.revocation_endpoint) == (NOTES["parameters"], NOTES["revocation_endpoint"])
    folder = f"{contract.MOUNTED_FILES_PATH}/secret/vault"
    assert env[f"{contract.ENV_CREDENTIAL_KEYS}_FILE"] == f"{folder}/keys"
    assert env[f"{table.login.secret}_FILE"] == f"{folder}/login"
    assert env[f"{notes.secret}_FILE"] == f"{folder}/notes"
    assert "client_secret" not in json.dumps(env)


def test_pages_need_no_token_and_everything_else_does() -> None:
    """Requirement USR-9: a browser has no bearer token."""
    objects = render_exposed(**settings())
    found = objects.one("AuthorizationPolicy", "mcp-search")["spec"]["rules"]
    opened = [rule for rule in found if "requestPrincipals" not in rule["from"][0]["source"]]
    assert PAGES in [rule["to"][0]["operation"]["paths"] for rule in opened]
    (pages,) = [rule for rule in opened if rule["to"][0]["operation"]["paths"] == PAGES]
    assert pages["to"][0]["operation"]["methods"] == ["GET", "POST"]
    rules = objects.one("VirtualService", "mcp-search-ingress")["spec"]["http"]
    order = [rule["name"] for rule in rules]
    assert order.index("mcp-search-credentials") < order.index("mcp-search-needs-token")


def test_hosts_that_the_service_calls_are_opened_and_pages_of_browsers_are_not() -> None:
    """Requirement USR-10: token and revocation endpoints are egress hosts of the service."""
    entries = [item for item in render_exposed(**settings()) if item["kind"] == "ServiceEntry"]
    found = {
        (host, port["number"]) for each in entries for host in each["spec"]["hosts"] for port in each["spec"]["ports"]
    }
    assert {("login.example.com", 443), ("notes.example.net", 443), ("notes.example.net", 8443)} <= found


def test_the_redis_of_the_stack_is_used_without_a_database() -> None:
    """Requirement USR-6: credentials outlive the pod in the one or the other."""
    raw = settings() | {"redis": {"secret": "redis", "key": "url"}}
    assert f"{contract.ENV_REDIS_URL}_FILE" not in variables(render_exposed(**raw))
    del raw["database"]
    assert f"{contract.ENV_REDIS_URL}_FILE" in variables(render_exposed(**raw))


def test_variables_of_client_secrets_are_reserved() -> None:
    """Requirement CFG-2: a variable of the stack cannot replace a mounted secret."""
    found = issues(settings() | {"env": {"MESHED_MCP_CREDENTIAL_SECRET_0_FILE": "/x"}})
    assert any("set `user_credentials`" in line for line in found)
