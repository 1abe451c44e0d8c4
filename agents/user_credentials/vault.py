"""Encrypted credentials by user and provider, and the states of links.

Keys of the store are digests, and a sealed record names its key, so a writer of the store can delete records but not
move them to another user. Source of the encryption: SDK 2.3, AESGCMRequestStateCodec (AES-256-GCM, HKDF-SHA256).
"""

import hashlib
import logging
import time
from typing import Final, TypeVar

from mcp.server.request_state import InvalidRequestState
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from meshed_mcp.agents.process.secret_files import Secret
from meshed_mcp.agents.state.request_state_codec import RotatingCodec
from meshed_mcp.agents.user_credentials.states import STATE_SECONDS, STEPS, Form, Grant, Link, Login
from meshed_mcp.agents.user_credentials.stores.store import Store

SEPARATOR: Final = "\0"
MARK: Final = "used"

logger = logging.getLogger(__name__)

S = TypeVar("S", Link, Login, Form, Grant)


class StateError(Exception):
    """A state that is forged, expired, used, or of another step."""


class Credential(BaseModel):
    """What a user gave. Its `repr` shows no secret."""

    model_config = ConfigDict(frozen=True)

    token: str = Field(repr=False)
    refresh_token: str | None = Field(default=None, repr=False)
    expires_at: float | None = None
    """Unix seconds; None = it does not expire by itself."""


class _Record(BaseModel):
    key: str
    credential: Credential


class Vault:
    """Credentials of one service."""

    def __init__(self, store: Store, keys: Secret, owner: str) -> None:
        """`owner` is `<namespace>/<service>`: services of one database do not see each other's records.

        Raises MessageError for invalid keys.
        """
        self._store, self._owner = store, owner
        self._codec = RotatingCodec(keys)

    async def credential(self, subject: str, provider: str) -> Credential | None:
        """Return the credential; None without a readable one. Raises StoreUnavailableError."""
        key = self._key("credential", subject, provider)
        sealed = await self._store.get(key)
        if sealed is None:
            return None
        try:
            record = _Record.model_validate_json(self._codec.unseal(sealed))
        except (InvalidRequestState, ValidationError):
            logger.warning("a credential at %s cannot be decrypted; its user is asked again", provider)
            return None
        return record.credential if record.key == key else None

    async def save(self, subject: str, provider: str, credential: Credential) -> None:
        """Keep a credential instead of the last one; without a refresh token until it expires.

        Raises StoreUnavailableError.
        """
        key = self._key("credential", subject, provider)
        sealed = self._codec.seal(_Record(key=key, credential=credential).model_dump_json().encode())
        seconds = None
        if credential.refresh_token is None and credential.expires_at is not None:
            seconds = max(1.0, credential.expires_at - time.time())
        await self._store.put(key, sealed, seconds)

    async def remove(self, subject: str, provider: str) -> bool:
        """Delete a credential; return whether there was one. Raises StoreUnavailableError."""
        return await self._store.delete(self._key("credential", subject, provider))

    async def lock(self, subject: str, provider: str, seconds: float) -> bool:
        """Lock a credential for one refresh; return whether this replica has it. Raises StoreUnavailableError."""
        return await self._store.add(self._key("refresh", subject, provider), MARK, seconds)

    async def unlock(self, subject: str, provider: str) -> None:
        """End the lock. Raises StoreUnavailableError."""
        await self._store.delete(self._key("refresh", subject, provider))

    async def use(self, state: Link | Login) -> None:
        """Use a state, which works once. Raises StateError, StoreUnavailableError."""
        if not await self._store.add(self._key("state", state.id), MARK, STEPS * STATE_SECONDS):
            raise StateError

    async def check_unused(self, state: Link | Login) -> None:
        """Raise StateError if a state has been used. Raises StoreUnavailableError."""
        if await self._store.get(self._key("state", state.id)) is not None:
            raise StateError

    def seal(self, state: Link | Login | Form | Grant) -> str:
        """Return a state as a text for URLs and forms, which a browser can neither read nor change."""
        return self._codec.seal(state.model_dump_json().encode())

    def unseal(self, kind: type[S], text: str) -> S:
        """Return a state of this kind within its lifetime. Raises StateError."""
        try:
            found = kind.model_validate_json(self._codec.unseal(text))
        except (InvalidRequestState, ValidationError):
            raise StateError from None
        if found.expires_at <= time.time():
            raise StateError
        return found

    async def aclose(self) -> None:
        """Close the store."""
        await self._store.aclose()

    def _key(self, *parts: str) -> str:
        return hashlib.sha256(SEPARATOR.join((self._owner, *parts)).encode()).hexdigest()
