"""Istio security policies: strict mutual TLS, deny by default, and an ALLOW policy with the callers of each service.

Tokens are validated in tokens.py; tool rules that need the body are enforced by the runtime (environment.py).
"""

from collections.abc import Sequence
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.authorization.environment import allowed_principals, caller_principals
from meshed_mcp.components.mesh.authorization.organization import claim_names
from meshed_mcp.components.mesh.authorization.tool_policy_args import EVERY_OTHER_TOOL
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.service.addresses import metadata_paths, resource_url
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.server_source import ServerKind
from meshed_mcp.components.mesh.service.user_credentials import METHODS, credential_paths
from meshed_mcp.contract.token_issuers import AUDIENCE_CLAIM, TokenIssuer

SECURITY_API: Final = "security.istio.io/v1"
"""Source: Istio 1.31 CRDs, storage version of PeerAuthentication and AuthorizationPolicy."""

DEFAULT_DENY: Final = "default-deny"

CALL_METHOD: Final = "tools/call"
METHOD_HEADER: Final = "mcp-method"
NAME_HEADER: Final = "mcp-name"
VERSION_HEADER: Final = "mcp-protocol-version"
REVISION: Final = "2026-07-28"
"""First revision whose servers reject headers that contradict the body. Source: MCP 2026-07-28, "Server Validation"."""

ENCODED: Final = "=?*"
"""Pattern of an encoded header value, `=?base64?...?=`. Source: MCP 2026-07-28, "Value Encoding"."""


def mutual_tls(namespace: str) -> Manifest:
    """Strict mutual TLS of a namespace; mesh-wide in the root namespace. Source: Istio, "Mutual TLS", `default`."""
    meta = metadata("default", namespace)
    return manifest(SECURITY_API, "PeerAuthentication", meta, {"mtls": {"mode": "STRICT"}})


def default_deny(namespace: str) -> Manifest:
    """Deny by default: an empty policy matches no request. Source: Istio, AuthorizationPolicy, "allow-nothing"."""
    return manifest(SECURITY_API, "AuthorizationPolicy", metadata(DEFAULT_DENY, namespace), {})


def caller_policy(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """ALLOW policy of a service: its callers by identity, on its path and methods; without callers it has no rule."""
    rules = caller_rules(name, args)
    selector = {"selector": {"matchLabels": {contract.LABEL_APP: name}}, "action": "ALLOW"}
    spec = selector | ({"rules": rules} if rules else {})
    return manifest(SECURITY_API, "AuthorizationPolicy", metadata(name, args.namespace), spec)


def caller_rules(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Rules of the ALLOW policy; Istio allows a request that matches any of them, so each holds every condition."""
    callers = caller_principals(args)
    current = [_header(VERSION_HEADER, values=[REVISION])] if mesh_rejects_legacy(args) else []
    operation = {"methods": list(args.methods), "paths": endpoint_paths(args.path), **own_port(args)}
    if not callers:
        return []
    if not restricted_tools(args):
        rules = [_rule(callers, operation, *current)]
    else:
        no_call = _header(METHOD_HEADER, notValues=[CALL_METHOD, ENCODED])
        rules = [_rule(callers, operation, no_call, *current), *tool_rules(args, callers, operation)]
    if args.auth is not None:
        if not runtime_rejects_tokens(args):
            rows = args.auth.table(resource_url(name, args))
            rules = [each for rule in rules for each in with_tokens(rule, rows)]
        if args.has_runtime:
            documents = {"methods": ["GET", "OPTIONS"], "paths": metadata_paths(name, args), **own_port(args)}
            rules.append(_rule(callers, documents))
    if args.user_credentials is not None:
        # A browser has no bearer token; the pages log its user in themselves.
        pages = {"methods": list(METHODS), "paths": credential_paths(args.path), **own_port(args)}
        rules.append(_rule(callers, pages))
    return rules


def endpoint_paths(path: str) -> list[str]:
    """Patterns of the endpoint and its subpaths."""
    return [path, f"{path.rstrip('/')}/*"]


def own_port(args: MeshedMCPServiceArgs) -> Manifest:
    """Restricts a rule to the endpoint's port in the pod, as another server may listen on more ports, one behind the
    bridge included. In ambient mode the policy of the pods does.

    Source: Istio API, AuthorizationPolicy, `ports`: those of the workload.
    """  # noqa: D205 - two sentences
    ours = args.kind is ServerKind.MESHED or args.mode is MeshMode.AMBIENT
    return {} if ours else {"ports": [str(args.endpoint_port)]}


def mesh_rejects_legacy(args: MeshedMCPServiceArgs) -> bool:
    """Whether the sidecar rejects older revisions, because nothing else in the pod would."""
    return not args.has_runtime and args.legacy is contract.Legacy.OFF


def runtime_rejects_tokens(args: MeshedMCPServiceArgs) -> bool:
    """Whether only the runtime rejects missing and invalid tokens: a waypoint's responses name no metadata.

    No EnvoyFilter applies at a waypoint, and a RequestAuthentication cannot require a token. Source: Istio 1.31,
    "Use Layer 7 features"; CRDs.
    """
    return args.mode is MeshMode.AMBIENT and args.has_runtime


def with_tokens(rule: Manifest, issuers: Sequence[TokenIssuer]) -> list[Manifest]:
    """The rule, restricted to requests with a valid token of one of the issuers.

    A RequestAuthentication alone accepts requests without a token, and compares the claim `aud` only: an issuer with
    another audience claim has a rule of its own. Source: Istio API, RequestAuthentication.
    """
    plain = [row.issuer for row in issuers if row.audience_claim == AUDIENCE_CLAIM]
    special = [row for row in issuers if row.audience_claim != AUDIENCE_CLAIM]
    return [*([_of_issuers(rule, plain)] if plain else []), *(_of_audience(rule, row) for row in special)]


def _of_issuers(rule: Manifest, issuers: Sequence[str]) -> Manifest:
    principals = [f"{issuer}/*" for issuer in issuers]
    sources = [{"source": each["source"] | {"requestPrincipals": principals}} for each in rule["from"]]
    return rule | {"from": sources}


def _of_audience(rule: Manifest, row: TokenIssuer) -> Manifest:
    condition = {"key": f"request.auth.claims{claim_key(row.audience_claim)}", "values": list(row.audiences)}
    return _of_issuers(rule, [row.issuer]) | {"when": [*rule.get("when", ()), condition]}


def claim_key(claim: str) -> str:
    """Key of a claim in a condition: `[a]`, or `[a][b]` for a path into objects; a URL is one name."""
    return "".join(f"[{name}]" for name in claim_names(claim))


def restricted_tools(args: MeshedMCPServiceArgs) -> dict[str, list[str]]:
    """Tool -> identities that may call it, for tools with an `allow` list."""
    return {tool: allowed_principals(rule.allow, args) for tool, rule in args.tools.items() if rule.allow is not None}


def tool_rules(args: MeshedMCPServiceArgs, callers: list[str], operation: Manifest) -> list[Manifest]:
    """Rules for `tools/call`, by the tool-name header, which servers of REVISION compare with the body.

    Requests of earlier revisions lack the headers; they match the rule for other methods, and the runtime authorizes
    them by their bodies. The rule for all other tools excludes encoded names, which could hide a restricted tool.
    Source: MCP 2026-07-28, "Standard Request Headers" and "Server Validation".
    """
    restricted = restricted_tools(args)
    others = restricted.pop(EVERY_OTHER_TOOL, callers)
    is_call = [_header(METHOD_HEADER, values=[CALL_METHOD]), _header(VERSION_HEADER, values=[REVISION])]
    named = [
        _rule(principals, operation, *is_call, _header(NAME_HEADER, values=[tool]))
        for tool, principals in restricted.items()
        if principals
    ]
    unnamed = _header(NAME_HEADER, notValues=[*restricted, ENCODED])
    return [*named, *([_rule(others, operation, *is_call, unnamed)] if others else [])]


def _rule(principals: list[str], operation: Manifest, *conditions: Manifest) -> Manifest:
    when = {"when": list(conditions)} if conditions else {}
    return {"from": [{"source": {"principals": list(principals)}}], "to": [{"operation": dict(operation)}], **when}


def _header(name: str, **values: list[str]) -> Manifest:
    return {"key": f"request.headers[{name}]", **values}
