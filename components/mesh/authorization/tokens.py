"""How the mesh checks tokens: verified by the service's sidecar, asked for by the proxy that the client speaks to.

A service's name and arguments in, a RequestAuthentication and route rules out. Not here: that a request without a token
is refused by the service's sidecar too (policy.py), scopes and the second check (the runtime).
"""

import json
from typing import Final
from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.authorization.policy import SECURITY
from meshed_mcp.components.mesh.authorization.token_args import TokenSettings
from meshed_mcp.components.mesh.egress.external_hosts import LOOPBACK_BLOCKS, METADATA_BLOCKS
from meshed_mcp.components.mesh.service.addresses import metadata_path, resource_url
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

AUTHORIZATION: Final = "authorization"
BEARER: Final = "Bearer "
"""The one place of a token. Named, it also closes Istio's other default, the query parameter `access_token`.

Source: MCP 2026-07-28, "Authorization", "Token Requirements": in this header, never in the query.
"""

UNAUTHORIZED: Final = 401
CHALLENGE_TEXT: Final = "This service needs a token; WWW-Authenticate says where clients learn of its issuer.\n"

KEY_FETCH_GUARD: Final = {"BLOCKED_CIDRS_IN_JWKS_URIS": ",".join((*LOOPBACK_BLOCKS, *METADATA_BLOCKS))}
"""Addresses that istiod, which fetches keys for all proxies, does not connect to, whatever a name resolves to: else
whoever may write a RequestAuthentication makes istiod ask what it alone can reach. Source: Istio 1.31, IST0175."""


def request_authentication(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """What makes a token good: issuer, audience, signature, time. No tokens = no object.

    At the service's sidecar and not at the gateway: there it would judge the tokens of every service behind the
    gateway, those too that a service checks by itself. Source: Istio API, RequestAuthentication.
    """
    if args.auth is None:
        return []
    spec = {"selector": {"matchLabels": {contract.LABEL_APP: name}}, "jwtRules": [_rule(name, args, args.auth)]}
    return [manifest(SECURITY, "RequestAuthentication", metadata(name, args.namespace), spec)]


def _rule(name: str, args: MeshedMCPServiceArgs, auth: TokenSettings) -> Manifest:
    resource = resource_url(name, args).rstrip("/")
    claims = [{"header": header, "claim": claim} for claim, header in auth.claims_to_headers.items()]
    return {
        "issuer": auth.issuer,
        # RFC 8707 identifiers differ by a trailing slash in practice; the runtime takes both too.
        "audiences": [resource, f"{resource}/"],
        **({"jwksUri": auth.jwks_url} if auth.jwks is None else {"jwks": json.dumps(auth.jwks)}),
        "fromHeaders": [{"name": AUTHORIZATION, "prefix": BEARER}],
        "forwardOriginalToken": True,  # the service checks it once more, and its scopes
        **({"outputClaimToHeaders": claims} if claims else {}),
    }


def protected_rules(name: str, args: MeshedMCPServiceArgs, path: str, rules: list[Manifest]) -> list[Manifest]:
    """Route rules of the endpoint `path` behind the challenge, without the headers that claims will be written to.

    The service's sidecar removes those too before it checks a token; a request that it need not check (a browser's
    preflight, which has none) keeps them. Source: Envoy, jwt_authn, `claim_to_headers` and `bypass_cors_preflight`.
    """
    claimed = [] if args.auth is None else list(args.auth.claims_to_headers.values())
    return [*challenge_rules(name, args, path), *(_without(claimed, rule) for rule in rules)]


def _without(headers: list[str], rule: Manifest) -> Manifest:
    if not headers:
        return rule
    changes = rule.get("headers", {})
    request = changes.get("request", {})
    removed = [*request.get("remove", []), *headers]
    return rule | {"headers": changes | {"request": request | {"remove": removed}}}


def challenge_rules(name: str, args: MeshedMCPServiceArgs, path: str) -> list[Manifest]:
    """Route rules that answer requests without a token at the endpoint `path`, as the runtime would; none without auth.

    The client's own proxy or the gateway answers; a refusal by policy would be a 403 that names no issuer.
    Source: MCP 2026-07-28, "Authorization", "Protected Resource Metadata Discovery".
    """
    if args.auth is None:
        return []
    without_token = {AUTHORIZATION: {"prefix": BEARER}}
    places = [{"exact": path}, {"prefix": f"{path}/"}]
    return [
        {
            "name": f"{name}-needs-token",
            "match": [{"uri": uri, "withoutHeaders": without_token} for uri in places],
            "directResponse": {"status": UNAUTHORIZED, "body": {"string": CHALLENGE_TEXT}},
            "headers": {"response": {"set": {"www-authenticate": challenge(name, args, args.auth)}}},
        }
    ]


def challenge(name: str, args: MeshedMCPServiceArgs, auth: TokenSettings) -> str:
    """The value of WWW-Authenticate, for Envoy, to which '%' begins a variable. Source: RFC 6750, 3; RFC 9728, 5.1."""
    resource = urlsplit(resource_url(name, args))
    scope = f'scope="{" ".join(auth.scopes)}", ' if auth.scopes else ""
    value = f'Bearer {scope}resource_metadata="{resource.scheme}://{resource.netloc}{metadata_path(name, args)}"'
    return value.replace("%", "%%")
