"""Sealed credentials and states."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.agents.process.secret_files import FixedSecret
from meshed_mcp.agents.user_credentials.states import Form, Grant, Link, Login
from meshed_mcp.agents.user_credentials.vault import Credential, StateError, Vault

pytestmark = pytest.mark.anyio

KEY = FixedSecret("k" * 64)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


class MemoryStore:
    """A store in a dictionary, without expiry."""

    def __init__(self) -> None:
        self.records: dict[str, str] = {}
        self.seconds: dict[str, float | None] = {}

    async def open(self) -> None:
        """Do nothing."""

    async def get(self, key: str) -> str | None:
        """Return a value."""
        return self.records.get(key)

    async def put(self, key: str, value: str, seconds: float | None) -> None:
        """Write a value."""
        self.records[key], self.seconds[key] = value, seconds

    async def add(self, key: str, value: str, seconds: float) -> bool:
        """Write a value unless there is one."""
        if key in self.records:
            return False
        await self.put(key, value, seconds)
        return True

    async def delete(self, key: str) -> bool:
        """Delete a value."""
        return self.records.pop(key, None) is not None

    async def aclose(self) -> None:
        """Do nothing."""


def granted(
    token: str = "t",  # noqa: S107 - no secret
    refresh: str | None = None,
    expires_at: float | None = None,
) -> Credential:
    """A credential."""
    return Credential(token=token, refresh_token=refresh, expires_at=expires_at)


def vault(store: MemoryStore, owner: str = "mcp-system/mcp-vault") -> Vault:
    """A vault in memory."""
    return Vault(store, KEY, owner)


async def test_a_record_moved_to_another_user_is_not_readable() -> None:
    """Requirement USR-6: a writer of the store cannot give one user the credential of another."""
    store = MemoryStore()
    own = vault(store)
    await own.save("i/ada", "notes", granted())
    (stolen,) = store.records.values()
    await own.save("i/eve", "notes", granted("e"))
    for key in store.records:
        store.records[key] = stolen
    assert await own.credential("i/eve", "notes") is None
    assert (await own.credential("i/ada", "notes")) == granted()


@given(st.tuples(names, names), st.tuples(names, names))
def test_users_and_providers_never_share_a_record(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Requirement USR-2: distinct pairs have distinct keys, whatever the texts are."""

    async def run() -> None:
        own = vault(MemoryStore())
        await own.save(*one, granted())
        assert (await own.credential(*other) is not None) is (one == other)

    asyncio.run(run())


async def test_services_of_one_store_do_not_see_each_others_records() -> None:
    """Requirement USR-2: two services may have one database."""
    store = MemoryStore()
    await vault(store).save("i/ada", "notes", granted())
    assert await vault(store, "mcp-system/other").credential("i/ada", "notes") is None


def test_an_expired_state_is_rejected() -> None:
    """RFC 6749, section 4.1.2: a link lives ten minutes."""
    own = vault(MemoryStore())
    link = Link(subject="i/ada", provider="notes")
    assert 590 < link.expires_at - time.time() <= 600
    for state in (link, Login(link=link, browser="b"), Form(link=link, browser="b"), Grant(link=link, browser="b")):
        assert own.unseal(type(state), own.seal(state)) == state  # type: ignore[type-var]
        late = state.model_copy(update={"expires_at": time.time() - 0.001})
        with pytest.raises(StateError):
            own.unseal(type(state), own.seal(late))  # type: ignore[type-var]


@given(st.sampled_from([Link, Login, Form, Grant]), st.sampled_from([Link, Login, Form, Grant]))
def test_a_state_of_one_step_is_no_state_of_another(
    given_kind: type[Link | Login | Form | Grant], wanted: type[Link | Login | Form | Grant]
) -> None:
    """Requirement USR-3: a link is no form, and a form is no consent."""
    own = vault(MemoryStore())
    link = Link(subject="i/ada", provider="notes")
    state = link if given_kind is Link else given_kind(link=link, browser="b")  # type: ignore[call-arg]
    if given_kind is wanted:
        assert own.unseal(wanted, own.seal(state)) == state  # type: ignore[type-var]
    else:
        with pytest.raises(StateError):
            own.unseal(wanted, own.seal(state))  # type: ignore[type-var]


@given(st.text(max_size=200))
def test_a_text_that_was_not_sealed_is_no_state(text: str) -> None:
    """Requirement USR-3: only this service makes states."""
    with pytest.raises(StateError):
        vault(MemoryStore()).unseal(Link, text)


async def test_a_state_works_once() -> None:
    """Requirement USR-3: a second use is rejected."""
    own = vault(MemoryStore())
    link = Link(subject="i/ada", provider="notes")
    await own.check_unused(link)
    await own.use(link)
    with pytest.raises(StateError):
        await own.check_unused(link)
    with pytest.raises(StateError):
        await own.use(link)


async def test_a_token_without_refresh_token_is_kept_until_it_expires() -> None:
    """Requirement USR-6: a useless token is not kept; one with a refresh token is."""
    store = MemoryStore()
    own = vault(store)
    await own.save("i/ada", "a", granted(expires_at=time.time() + 60))
    await own.save("i/ada", "b", granted("t", "r", expires_at=time.time() + 60))
    await own.save("i/ada", "c", granted())
    first, *others = store.seconds.values()
    assert first is not None
    assert 50 < first <= 60
    assert others == [None, None]


def test_secrets_are_not_in_texts_of_objects() -> None:
    """Requirement USR-4: a `repr` in a log or a traceback shows no secret."""
    link = Link(subject="i/ada", provider="notes")
    shown = repr(
        [
            granted("secret-1", "secret-2"),
            Login(link=link, browser="b", nonce="secret-3", verifier="secret-4"),
        ]
    )
    assert "secret-" not in shown
