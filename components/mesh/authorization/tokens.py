"""Token validation in the mesh: a RequestAuthentication at the sidecar, and routes that challenge missing tokens.

policy.py rejects requests without a token at the sidecar too; the runtime validates again and checks scopes.
"""

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.authorization.policy import SECURITY_API
from meshed_mcp.components.mesh.authorization.token_args import TokenSettings
from meshed_mcp.components.mesh.egress.destinations import LOOPBACK_BLOCKS, METADATA_BLOCKS
from meshed_mcp.components.mesh.service.addresses import metadata_path, metadata_paths, resource_url, subpaths
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.contract.token_issuers import AUDIENCE_CLAIM, TokenIssuer

AUTHORIZATION: Final = "authorization"
BEARER: Final = "Bearer "
"""The only location of a token; naming it disables Istio's other default, the query parameter `access_token`. Source:
MCP 2026-07-28, "Authorization", "Token Requirements"."""

UNAUTHORIZED: Final = 401
CHALLENGE_TEXT: Final = "This service needs a token; WWW-Authenticate says where clients learn of its issuer.\n"

KEY_FETCH_GUARD: Final = {"BLOCKED_CIDRS_IN_JWKS_URIS": ",".join((*LOOPBACK_BLOCKS, *METADATA_BLOCKS))}
"""Addresses that istiod refuses when it fetches keys, against server-side request forgery by the author of a
RequestAuthentication. Source: Istio 1.31, IST0175."""


def request_authentication(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Issuers, audiences and keys of a service's tokens; none without `auth`.

    It selects the service's sidecar: at the gateway it would apply to the tokens of every service behind it.
    Source: Istio API, RequestAuthentication.
    """
    if args.auth is None:
        return []
    headers = args.auth.claims_to_headers
    rules = [_rule(row, headers) for row in args.auth.table(resource_url(name, args))]
    spec = {"selector": {"matchLabels": {contract.LABEL_APP: name}}, "jwtRules": rules}
    return [manifest(SECURITY_API, "RequestAuthentication", metadata(name, args.namespace), spec)]


def _rule(row: TokenIssuer, headers: Mapping[str, str]) -> Manifest:
    """One rule. Without a URL of the keys istiod reads the issuer's OpenID discovery document.

    An audience in another claim than `aud` is compared by the AuthorizationPolicy (policy.py).
    """
    claims = [{"header": header, "claim": claim} for claim, header in headers.items()]
    keys = {"jwksUri": row.jwks_url} if row.jwks_url is not None else {}
    return {
        "issuer": row.issuer,
        **({"audiences": list(row.audiences)} if row.audience_claim == AUDIENCE_CLAIM else {}),
        **(keys if row.jwks is None else {"jwks": json.dumps(row.jwks)}),
        "fromHeaders": [{"name": AUTHORIZATION, "prefix": BEARER}],
        "forwardOriginalToken": True,  # the runtime validates it again, and its scopes
        **({"outputClaimToHeaders": claims} if claims else {}),
    }


def protected_rules(
    name: str, args: MeshedMCPServiceArgs, path: str, rules: list[Manifest], *, sole: bool
) -> list[Manifest]:
    """Route rules of the endpoint `path` with the challenge first; they remove client headers reserved for claims.

    Rules of pages that need no token precede the challenge.
    `sole` = no other service has token metadata at the host.

    The sidecar keeps these headers on a CORS preflight, which it does not validate.
    Source: Envoy, jwt_authn, `claim_to_headers` and `bypass_cors_preflight`.
    """
    claimed = [] if args.auth is None else list(args.auth.claims_to_headers.values())
    adapted = [_without(claimed, rule) for rule in rules]
    pages = [rule for rule in adapted if serves_credential_pages(rule)]
    others = [rule for rule in adapted if not serves_credential_pages(rule)]
    return [*metadata_rules(name, args, sole=sole), *pages, *challenge_rules(name, args, path), *others]


def serves_credential_pages(rule: Manifest) -> bool:
    """Whether the rule is for the pages of user credentials alone, which browsers open without a token."""
    paths = [text for match in rule.get("match", ()) for text in match.get("uri", {}).values()]
    return bool(paths) and all(path.endswith(contract.CREDENTIALS_PATH) for path in paths)


def _without(headers: list[str], rule: Manifest) -> Manifest:
    if not headers:
        return rule
    changes = rule.get("headers", {})
    request = changes.get("request", {})
    removed = [*request.get("remove", []), *headers]
    return rule | {"headers": changes | {"request": request | {"remove": removed}}}


def metadata_rules(name: str, args: MeshedMCPServiceArgs, *, sole: bool) -> list[Manifest]:
    """The route that responds with the protected resource metadata, which an external server does not serve.

    Source: RFC 9728, sections 2 and 3.2; Fetch, "CORS protocol": a client's header for the revision is not simple.
    """
    if args.auth is None or args.has_runtime:
        return []
    document = {
        "resource": resource_url(name, args),
        "authorization_servers": [row.issuer for row in args.auth.table(resource_url(name, args))],
        "bearer_methods_supported": ["header"],
    }
    headers = {
        "content-type": "application/json",
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET",
        "access-control-allow-headers": "*, authorization",  # "*" alone leaves that one out
    }
    paths = metadata_paths(name, args) if sole else [metadata_path(name, args)]
    return [
        {
            "name": f"{name}-metadata",
            "match": [{"uri": {"exact": path}} for path in paths],
            "directResponse": {"status": 200, "body": {"string": json.dumps(document)}},
            "headers": {"response": {"set": headers}},
        }
    ]


def challenge_rules(name: str, args: MeshedMCPServiceArgs, path: str) -> list[Manifest]:
    """Routes that respond 401 with WWW-Authenticate to requests without a token at `path`; none without `auth`.

    A rejection by an AuthorizationPolicy is a 403 that names no issuer.
    Source: MCP 2026-07-28, "Authorization", "Protected Resource Metadata Discovery".
    """
    if args.auth is None:
        return []
    without_token = {AUTHORIZATION: {"prefix": BEARER}}
    paths = [{"prefix": "/"}] if path == "/" else [{"exact": path}, {"prefix": subpaths(path)}]
    return [
        {
            "name": f"{name}-needs-token",
            "match": [{"uri": uri, "withoutHeaders": without_token} for uri in paths],
            "directResponse": {"status": UNAUTHORIZED, "body": {"string": CHALLENGE_TEXT}},
            "headers": {"response": {"set": {"www-authenticate": challenge(name, args, args.auth)}}},
        }
    ]


def challenge(name: str, args: MeshedMCPServiceArgs, auth: TokenSettings, error: str = "") -> str:
    """Value of WWW-Authenticate, with '%' escaped for Envoy. Source: RFC 6750, 3; RFC 9728, 5.1."""
    resource = urlsplit(resource_url(name, args))
    code = f'error="{error}", ' if error else ""
    scope = f'scope="{" ".join(auth.scopes)}", ' if auth.scopes else ""
    value = f'Bearer {code}{scope}resource_metadata="{resource.scheme}://{resource.netloc}{metadata_path(name, args)}"'
    return value.replace("%", "%%")
