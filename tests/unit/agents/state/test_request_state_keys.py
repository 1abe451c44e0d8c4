"""Request state keys as operators set them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.server.request_state import AESGCMRequestStateCodec

from meshed_mcp.agents.settings import Settings, SettingsError
from meshed_mcp.agents.state.request_state_keys import MIN_KEY_BYTES, parse_state_keys

ONE, TWO = "1" * 64, "2" * 64
VARIABLE = "MESHED_MCP_REQUEST_STATE_KEYS"


LAYOUTS = {
    "lines": f"{ONE}\n{TWO}",
    "of an editor": f"\r\n {ONE} \r\n\r\n{TWO}\r\n",
    "list": json.dumps([ONE, TWO]),
    "list over lines": "\n" + json.dumps([ONE, TWO], indent=2) + "\n",
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_a_key_per_line_equals_a_list(text: str) -> None:
    """Requirement RUN-11: blank lines and line ends of a Secret do not count."""
    assert parse_state_keys(text) == (ONE, TWO)


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("\n \n", "the value holds no key"),
        ("[]", "the value holds no key"),
        (f"{ONE}\nshort", "key 2 of 2 has 5 bytes, and 32 are needed"),
        (f"{ONE}\n{TWO}\n{ONE}", "key 3 of 3 repeats key 1"),
        ("[1]", "the value begins with '[' and is not a JSON list of texts"),
        ('["a"', "the value begins with '[' and is not a JSON list of texts"),
    ],
)
def test_wrong_keys_are_reported_by_number(text: str, issue: str) -> None:
    """Requirement CFG-11: one line with what is wrong and what to set, never a key."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({VARIABLE: text})
    assert refused.value.messages == (
        f"{VARIABLE}: {issue}; set one key per line, each as `openssl rand -hex 32` gives it, the one that seals first",
    )


def test_the_shortest_key_is_the_sdks() -> None:
    """Official SDK 2.3, `AESGCMRequestStateCodec`: the product's check repeats this bound."""
    AESGCMRequestStateCodec(["k" * MIN_KEY_BYTES])
    with pytest.raises(ValueError, match="at least 32 bytes"):
        AESGCMRequestStateCodec(["k" * (MIN_KEY_BYTES - 1)])


@given(st.text(max_size=200))
def test_keys_that_pass_the_check_are_accepted_by_the_sdk(text: str) -> None:
    """Requirement RUN-6: wrong keys end the process at start, with the product's own error."""
    try:
        keys = parse_state_keys(text)
    except ValueError as error:
        lines = str(error).splitlines()
    else:
        lines = ["no error"]
        AESGCMRequestStateCodec(keys)
    assert len(lines) == 1


def test_settings_do_not_show_their_secrets() -> None:
    """Requirement CFG-11: a secret never reaches the log."""
    settings = Settings.from_environment({VARIABLE: ONE, "MESHED_MCP_REDIS_URL": "redis://:secret@redis:6379/0"})
    assert settings.request_state_keys == (ONE,)
    assert ONE not in repr(settings)
    assert "secret" not in repr(settings)
