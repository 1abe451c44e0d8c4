"""Servers behind the bridge get the credential that each caller has given for them."""

import json

from meshed_mcp import contract
from tests.behaviors.replicas import Service, StartService
from tests.behaviors.test_outbound_calls import BACK, BRIDGE, RELAY, accepting
from tests.behaviors.user_credentials import World, text_of, world


def bridged(around: World) -> tuple[Service, Service]:
    """A server that takes keys, which are tokens here, and the bridge in front of it."""
    back = around.start_service(RELAY, **accepting(around.issuer, BACK), MESHED_MCP_SERVICE="back")
    call = {
        "destination": back.url,
        "auth": "user_credential",
        "credential": "search",
        "origins": [f"http://127.0.0.1:{back.port}"],
    }
    upstream = {contract.ENV_OUTBOUND_CALLS: json.dumps([call]), contract.ENV_UPSTREAM_URL: back.url}
    return around.start_service(BRIDGE, **around.variables(), **upstream), back


def connect(around: World, person: str, url: str) -> str:
    """Let a user paste a key; its text."""
    browser = around.browser(person)
    key = around.issuer.token(BACK, sub=f"{person}-upstream")
    assert "Connected" in browser.submit(browser.open(url), value=key).text
    return key


def test_callers_of_a_bridge_are_asked_for_their_own_credentials(start_service: StartService) -> None:
    """Requirement USR-11: each caller is asked once, and the upstream gets the credential of that caller."""
    with world(start_service) as around:
        bridge, back = bridged(around)
        for person in ("ada", "eve"):
            asked = around.call(bridge, person, "who")
            url = asked["inputRequests"]["user-credential-search"]["params"]["url"]
            key = connect(around, person, url)
            assert key not in bridge.log.read_text() + back.log.read_text()
        for person in ("ada", "eve", "ada"):
            assert json.loads(text_of(around.call(bridge, person, "who")))["sub"] == f"{person}-upstream"


def test_a_revoked_credential_is_not_sent_again_on_an_open_connection(start_service: StartService) -> None:
    """Requirement USR-11: the bridge reads the credential at each request."""
    with world(start_service) as around:
        bridge, _ = bridged(around)
        asked = around.call(bridge, "ada", "who")
        connect(around, "ada", asked["inputRequests"]["user-credential-search"]["params"]["url"])
        assert json.loads(text_of(around.call(bridge, "ada", "who")))["sub"] == "ada-upstream"
        browser = around.browser("ada")
        page = browser.open(f"http://localhost:{bridge.port}/mcp{contract.CREDENTIALS_PATH}")
        state = page.text.rpartition('name="state" value="')[2].partition('"')[0]
        disconnect = f"http://localhost:{bridge.port}/mcp{contract.CREDENTIALS_PATH}/disconnect"
        assert "Disconnected" in browser.http.post(disconnect, data={"state": state}).text
        assert around.call(bridge, "ada", "who")["resultType"] == "input_required"
