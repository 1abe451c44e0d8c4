"""Environment variables of outbound calls: the table of destinations, and the secrets that its rows name."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Final
from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.call_args import CallSettings, TokenClientSettings, is_url
from meshed_mcp.components.mesh.service.container_args import SecretKey
from meshed_mcp.contract import CallAuth, OutboundCall, TokenClient

_PORTS: Final = {"http": 80, "https": 443}


def call_environment(args: MeshedMCPServiceArgs) -> dict[str, str]:
    """The table of the runtime; empty without rows."""
    secrets = call_secrets(args)
    names = {(source.secret, source.key): variable for variable, source in secrets.items()}
    rows = [_row(destination, call, names, args) for destination, call in calls_of(args).items()]
    dumped = [row.model_dump(mode="json", exclude_defaults=True) for row in rows]
    return {contract.ENV_OUTBOUND_CALLS: json.dumps(dumped)} if rows else {}


def call_secrets(args: MeshedMCPServiceArgs) -> dict[str, SecretKey]:
    """Variable -> Secret of a client; equal Secrets have one variable."""
    keys = {(source.secret, source.key): source for source in _secrets(args)}
    return {f"{contract.CALL_SECRET_PREFIX}{number}": source for number, source in zip(count(), keys.values())}


def calls_of(args: MeshedMCPServiceArgs) -> dict[str, CallSettings]:
    """Destination -> its authentication, without those that need nothing; of a bridge, the server behind it."""
    auth = args.outbound_auth
    found = dict(args.calls) if auth is None else {upstream_url(args): auth}
    return {destination: call for destination, call in found.items() if call.auth is not CallAuth.MESH}


def upstream_url(args: MeshedMCPServiceArgs) -> str:
    """URL of the HTTP server behind the bridge."""
    return args.url if args.url is not None else f"http://127.0.0.1:{args.port}{args.path}"


def _secrets(args: MeshedMCPServiceArgs) -> Iterator[SecretKey]:
    for call in calls_of(args).values():
        for client in call.clients:
            if client.secret is not None:
                yield client.secret


def _row(
    destination: str, call: CallSettings, names: dict[tuple[str, str], str], args: MeshedMCPServiceArgs
) -> OutboundCall:
    clients = [_client(each, names) for each in call.clients]
    needs_resource = call.auth.needs_client and call.auth is not CallAuth.ON_BEHALF_OF and call.audience is None
    default = destination if is_url(destination) else args.call_resources.get(destination)
    return OutboundCall(
        destination=destination,
        auth=call.auth,
        origins=origins(destination, args),
        client=clients[0] if clients else None,
        identity_provider=clients[1] if len(clients) > 1 else None,
        audience=call.audience if call.auth.needs_client else None,
        resource=call.resource or (default if needs_resource else None),
        credential=call.credential,
        scopes=tuple(call.scopes),
        actor_token=call.actor_token,
    )


def _client(client: TokenClientSettings, names: dict[tuple[str, str], str]) -> TokenClient:
    source = client.secret
    return TokenClient(
        client_id=client.client_id or "",
        secret="" if source is None else names[source.secret, source.key],
        client_auth=client.method,
        issuer=client.issuer,
        token_endpoint=client.token_endpoint,
    )


def origins(destination: str, args: MeshedMCPServiceArgs) -> tuple[str, ...]:
    """Origins of a destination: that of its URL, or those of a Service of the namespace by each of its names."""
    if is_url(destination):
        url = urlsplit(destination)
        return (f"{url.scheme}://{url.hostname}:{url.port or _PORTS[url.scheme]}",)
    name, namespace = destination, args.namespace
    hosts = (name, f"{name}.{namespace}", f"{name}.{namespace}.svc", f"{name}.{namespace}.svc.{args.cluster_domain}")
    return tuple(f"http://{host}:{contract.MCP_PORT}" for host in hosts)
