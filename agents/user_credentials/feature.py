"""Credentials of users as a part of `MCPService`: nothing without `user_credentials` in the settings."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.shared.exceptions import MCPError
from starlette.applications import Starlette

from meshed_mcp import contract
from meshed_mcp.agents.auth.current_caller import current_caller
from meshed_mcp.agents.client.credentials.errors import CredentialsError
from meshed_mcp.agents.settings import Settings
from meshed_mcp.agents.user_credentials.elicitation import CredentialRequiredError
from meshed_mcp.error_codes.user_credentials import (
    CREDENTIAL_NOT_USABLE,
    CREDENTIALS_NOT_SET,
    NO_USER,
    USER_OF_ANOTHER_ISSUER,
)

logger = logging.getLogger(__name__)


class UserCredentialsOfService:
    """Credentials of the callers of one service."""

    def __init__(self) -> None:
        self._access: Any = None
        self._failures: tuple[type[Exception], ...] = (CredentialsError,)

    def protect(self, app: Starlette, settings: Settings) -> None:
        """Add the pages to the application, and open the store in its lifespan. Raises SettingsError."""
        if settings.user_credentials is None:
            return
        # Alembic and Redis take memory that only this case needs.
        from meshed_mcp.agents.user_credentials.access import Access  # noqa: PLC0415
        from meshed_mcp.agents.user_credentials.routes import CredentialPages  # noqa: PLC0415
        from meshed_mcp.agents.user_credentials.stores.store import StoreUnavailableError  # noqa: PLC0415
        from meshed_mcp.agents.user_credentials.vault import Vault  # noqa: PLC0415

        keys = settings.secret("credential_keys")
        if keys is None:
            raise ValueError("credential_keys is not set")
        store = store_of(settings)
        access = Access(settings, Vault(store, keys, f"{settings.namespace}/{settings.service}"), os.environ)
        path = settings.path.rstrip("/") + contract.CREDENTIALS_PATH
        app.router.routes.extend(CredentialPages(access, path).routes())
        self._access, self._failures = access, (CredentialsError, StoreUnavailableError)
        own = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(running: Starlette) -> AsyncIterator[Any]:
            try:
                await store.open()
                async with own(running) as state:
                    yield state
            finally:
                await access.aclose()

        app.router.lifespan_context = lifespan

    async def token(self, name: str) -> str:
        """Return the token of the current caller at a provider. Raises MCPError, MessageError."""
        access, subject = self._for_caller()
        title = access.provider(name).title
        try:
            found = await access.token(subject, name)
        except self._failures as error:
            logger.warning("%s", CREDENTIAL_NOT_USABLE.message(name=name, reason=error).line)
            text = f"The account at {title} cannot be used right now. Try again later."
            raise MCPError(code=contract.UNAUTHENTICATED, message=text) from None
        if found is not None:
            return str(found)

        async def is_there() -> bool:
            return await access.vault.credential(subject, name) is not None

        raise CredentialRequiredError(name, title, access.link(subject, name), is_there)

    async def revoke(self, name: str) -> bool:
        """Revoke the credential of the current caller; return whether there was one. Raises MCPError, MessageError."""
        access, subject = self._for_caller()
        return bool(await access.revoke(subject, name))

    def _for_caller(self) -> tuple[Any, str]:
        """The providers, and the subject of the current caller."""
        if self._access is None:
            raise CREDENTIALS_NOT_SET.error(setting=contract.setting(contract.ENV_USER_CREDENTIALS))
        subject, issuer = current_caller().subject, self._access.table.login_issuer
        if subject is None:
            raise MCPError(code=contract.UNAUTHENTICATED, message=NO_USER.message().line)
        if not subject.startswith(f"{issuer}/"):
            raise MCPError(code=contract.UNAUTHENTICATED, message=USER_OF_ANOTHER_ISSUER.message(issuer=issuer).line)
        return self._access, subject


def store_of(settings: Settings) -> Any:
    """Return the store: the database if one is set, else Redis, else a SQLite file in the data folder."""
    if settings.database_url is None and settings.redis is not None:
        from meshed_mcp.agents.user_credentials.stores.redis import RedisStore  # noqa: PLC0415 - imports Redis

        prefix = f"meshed-mcp:{settings.namespace}/{settings.service}:credentials:"
        return RedisStore(settings.redis, prefix)
    from meshed_mcp.agents.user_credentials.stores.database import DatabaseStore  # noqa: PLC0415 - imports Alembic

    return DatabaseStore(settings.database)
