"""Credentials of the users of one service: returns, refreshes and revokes them."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Final

import httpx2

from meshed_mcp.agents.client.credentials.errors import CredentialsError
from meshed_mcp.agents.client.credentials.token_endpoint import LEEWAY_SECONDS, TIMEOUT_SECONDS
from meshed_mcp.agents.settings import Settings
from meshed_mcp.agents.user_credentials.authorization import AuthorizationCode, credential_of
from meshed_mcp.agents.user_credentials.login import UserLogin
from meshed_mcp.agents.user_credentials.states import Link
from meshed_mcp.agents.user_credentials.vault import Credential, Vault
from meshed_mcp.contract import CREDENTIALS_PATH, CredentialProvider, UserCredentials
from meshed_mcp.error_codes.user_credentials import UNKNOWN_PROVIDER

INVALID_GRANT: Final = "invalid_grant"
"""The refresh token is expired or revoked. Source: RFC 6749, section 5.2."""

LOCK_SECONDS: Final = 2 * TIMEOUT_SECONDS
"""Longest refresh of one replica, after which another one may try."""

WAIT_SECONDS: Final = 0.1  # pause between two looks at a credential that another replica refreshes

logger = logging.getLogger(__name__)


class Access:
    """Providers, login and vault of one service."""

    def __init__(self, settings: Settings, vault: Vault, environment: Mapping[str, str]) -> None:
        table = settings.user_credentials
        if table is None:
            raise ValueError("user_credentials is not set")
        self.table: UserCredentials = table
        self.service, self.vault = settings.service, vault
        public = settings.public_urls[0] if settings.public_urls else f"http://localhost:{settings.port}"
        self.base_url = f"{public.rstrip('/')}{settings.path.rstrip('/')}{CREDENTIALS_PATH}"
        """URL of the pages, as browsers reach them: at the first public URL of the service."""

        self._http = httpx2.AsyncClient(timeout=TIMEOUT_SECONDS)
        self.flows = {
            name: AuthorizationCode(provider.client, f"{self.base_url}/callback/{name}", environment, self._http)
            for name, provider in table.providers.items()
            if provider.client is not None
        }
        login = AuthorizationCode(table.login, f"{self.base_url}/login", environment, self._http)
        self.login = UserLogin(settings.auth_issuers, table.login_issuer, table.login.client_id, login)

    def provider(self, name: str) -> CredentialProvider:
        """Return a provider. Raises MessageError for an unknown one."""
        found = self.table.providers.get(name)
        if found is None:
            raise UNKNOWN_PROVIDER.error(name=name, known=", ".join(self.table.providers))
        return found

    def link(self, subject: str, name: str) -> str:
        """Return a new URL at which the user gives the credential."""
        sealed = self.vault.seal(Link(subject=subject, provider=name))
        return f"{self.base_url}/connect?state={sealed}"

    async def token(self, subject: str, name: str) -> str | None:
        """Return the user's token, refreshed if it expires; None if the user must connect the account.

        Raises CredentialsError if the provider does not respond, StoreUnavailableError.
        """
        found = await self.vault.credential(subject, name)
        if found is None or not _expires(found):
            return None if found is None else found.token
        deadline = time.monotonic() + LOCK_SECONDS
        while not await self.vault.lock(subject, name, LOCK_SECONDS):
            await asyncio.sleep(WAIT_SECONDS)
            found = await self.vault.credential(subject, name)
            if found is None or not _expires(found):
                return None if found is None else found.token
            if time.monotonic() > deadline:
                break
        try:
            return await self._refreshed(subject, name)
        finally:
            await self.vault.unlock(subject, name)

    async def _refreshed(self, subject: str, name: str) -> str | None:
        found = await self.vault.credential(subject, name)  # another replica may have refreshed it before the lock
        if found is None or not _expires(found):
            return None if found is None else found.token
        if found.refresh_token is None or name not in self.flows:
            return None
        try:
            response = await self.flows[name].refresh(found.refresh_token)
        except CredentialsError as error:
            if error.rejection != INVALID_GRANT:
                raise
            await self.vault.remove(subject, name)
            return None
        new = credential_of(response, found.refresh_token)
        await self.vault.save(subject, name, new)
        return new.token

    async def revoke(self, subject: str, name: str) -> bool:
        """Delete a user's credential and revoke it at its provider; return whether there was one.

        A provider that does not respond keeps its token valid, after one log line. Raises MessageError for an unknown
        provider, StoreUnavailableError.
        """
        self.provider(name)
        found = await self.vault.credential(subject, name)
        removed = await self.vault.remove(subject, name)
        if found is not None and name in self.flows:
            try:
                await self.flows[name].revoke(found)
            except CredentialsError as error:
                logger.warning("%s was deleted here, and not revoked at its provider: %s", name, error)
        if removed:
            logger.info("%s has disconnected the account at %s", subject, name)
        return removed

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()
        await self.vault.aclose()


def _expires(credential: Credential) -> bool:
    """Whether a token is expired, or will be when it arrives."""
    return credential.expires_at is not None and credential.expires_at - LEEWAY_SECONDS <= time.time()
