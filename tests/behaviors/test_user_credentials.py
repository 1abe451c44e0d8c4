"""Credentials of users at other servers: a real service, its issuer, a provider, and people with browsers."""

from collections.abc import Iterator

import pytest

from tests.behaviors.replicas import StartService
from tests.behaviors.user_credentials import World, link_of, text_of, world


@pytest.fixture
def around(start_service: StartService) -> Iterator[World]:
    """An issuer and a provider."""
    with world(start_service) as found:
        yield found


def test_a_user_connects_an_account_in_the_browser_and_the_tool_gets_its_token(around: World) -> None:
    """MCP 2026-07-28, "Elicitation", "URL Mode": the credential passes through no client."""
    service = around.start()
    asked = around.call(service, "ada")
    assert asked["resultType"] == "input_required"
    browser = around.browser("ada")
    page = browser.open(link_of(asked))
    assert page.status_code == 200
    assert "Notes &amp; Co" in page.text
    done = browser.submit(page)
    assert (done.status_code, "Connected" in done.text) == (200, True)
    token = text_of(around.call(service, "ada", answer="accept"))
    assert around.provider.people.access[token] == "ada"
