"""Caller identity from x-forwarded-client-cert and from tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.requests import Request

from meshed_mcp.agents.auth.identity import ACCESS_KEY, UNKNOWN, Access, Caller, access_of, caller_of, peer_principal

FRONT = "cluster.local/ns/mcp-system/sa/front"
BY = "By=spiffe://cluster.local/ns/mcp-system/sa/back;Hash=0a1b"
ELEMENTS = [
    f'{BY};Subject="";URI=spiffe://{FRONT}',
    f'{BY};Subject="CN=front,O=tools";URI=spiffe://{FRONT};DNS=front.mcp-system',
    f'{BY};Subject="CN=a\\"b,O=c\\\\";URI=spiffe://{FRONT}',
    f"{BY};URI=spiffe://{FRONT}",
]
"""Elements as Envoy writes them: a quoted subject with escaped quotes and backslashes."""


def request(**scope: object) -> Request:
    """A request behind the identity middleware."""
    return Request({"type": "http", "headers": [], **scope})


@pytest.mark.parametrize("element", ELEMENTS)
@given(
    claim=st.text(alphabet='ab"\\,;= =?', max_size=40) | st.sampled_from(["URI=spiffe://evil", 'a="', 'a="\\', '","'])
)
def test_a_peers_header_does_not_change_what_the_sidecar_appended(element: str, claim: str) -> None:
    """Envoy, APPEND_FORWARD: the peer's header stays, a comma and the verified element follow."""
    assert peer_principal(element) == FRONT
    assert peer_principal(f"{claim},{element}") == FRONT


@pytest.mark.parametrize(
    "header",
    [
        "",
        BY,
        f"{BY};URI=https://front",
        f"{BY};URI=spiffe://",
        f"{BY};URI=spiffe://a/ns/b/sa/c;URI=spiffe://d/ns/e/sa/f",
        f'{BY};Subject="URI=spiffe://a/ns/b/sa/c"',
        f'URI=spiffe://{FRONT},{BY};Subject="',
    ],
)
def test_an_element_without_exactly_one_spiffe_uri_gives_no_identity(header: str) -> None:
    """SPIFFE X.509-SVID, section 2: exactly one URI."""
    assert peer_principal(header) is None


def test_a_caller_is_its_mesh_identity_and_the_subject_of_its_token() -> None:
    """Istio, `source.principal` and `request.auth.principal`."""
    claims = {"iss": "https://login.example.com"}
    token = AccessToken(token="t", client_id="cli", scopes=["a", "b"], subject="ada", claims=claims)  # noqa: S106 - none
    both = caller_of(request(**{ACCESS_KEY: Access(FRONT), "user": AuthenticatedUser(token)}))
    assert both == Caller(FRONT, "https://login.example.com/ada", frozenset({"a", "b"}))
    assert both.names == {FRONT, "https://login.example.com/ada"}
    assert str(both) == f"{FRONT} for https://login.example.com/ada"


def test_without_middleware_or_http_there_is_no_identity() -> None:
    """Requirement SEC-2: stdio has no callers; an application mounted elsewhere trusts no header."""
    assert caller_of(None) == caller_of(request()) == Caller()
    assert (str(Caller()), Caller().names) == (UNKNOWN, frozenset())
    assert access_of(None).principal is None
