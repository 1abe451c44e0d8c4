"""Environment and paths of the credentials of users."""

import json
from itertools import count
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.container_args import SecretKey
from meshed_mcp.components.mesh.service.user_credential_args import CredentialSettings, ProviderSettings
from meshed_mcp.contract import CredentialProvider, ProviderKind, UserCredentials

METHODS: Final = ("GET", "POST")
"""Methods of the pages."""


def credential_paths(path: str) -> list[str]:
    """Patterns of the pages of an endpoint."""
    pages = f"{path.rstrip('/')}{contract.CREDENTIALS_PATH}"
    return [pages, f"{pages}/*"]


def credential_environment(args: MeshedMCPServiceArgs) -> dict[str, str]:
    """The table of the runtime; empty without providers."""
    settings = args.user_credentials
    if settings is None or args.auth is None:
        return {}
    names = {(source.secret, source.key): variable for variable, source in client_secrets(settings).items()}

    def variable(source: SecretKey | None) -> str:
        return "" if source is None else names[source.secret, source.key]

    login = settings.login.client(
        variable(settings.login.secret), scopes=tuple(dict.fromkeys([contract.OPENID_SCOPE, *settings.login.scopes]))
    )
    providers = {name: _provider(name, each, variable(each.secret)) for name, each in settings.providers.items()}
    table = UserCredentials(providers=providers, login_issuer=settings.login_issuer(args.auth), login=login)
    return {contract.ENV_USER_CREDENTIALS: json.dumps(table.model_dump(mode="json", exclude_defaults=True))}


def credential_secrets(args: MeshedMCPServiceArgs) -> dict[str, SecretKey]:
    """Variable -> key of a Secret: the encryption keys, and the secrets of the clients."""
    settings = args.user_credentials
    return {} if settings is None else {contract.ENV_CREDENTIAL_KEYS: settings.keys, **client_secrets(settings)}


def client_secrets(settings: CredentialSettings) -> dict[str, SecretKey]:
    """Variable -> secret of a client; equal ones have one variable."""
    sources = [each.secret for each in (settings.login, *settings.providers.values()) if each.secret is not None]
    keys = {(source.secret, source.key): source for source in sources}
    return {f"{contract.CREDENTIAL_SECRET_PREFIX}{number}": source for number, source in zip(count(), keys.values())}


def _provider(name: str, settings: ProviderSettings, variable: str) -> CredentialProvider:
    client = None
    if settings.kind is ProviderKind.OAUTH:
        more = {"scopes": tuple(settings.scopes), "revocation_endpoint": settings.revocation_endpoint}
        client = settings.client(variable, **more)
    return CredentialProvider(kind=settings.kind, title=settings.title or name, client=client)
