"""The `corsPolicy` of routes at the ingress gateway, which responds to preflights before it asks for a token.

The gateway lets other requests of foreign origins pass; the server's Origin check rejects them with 403.
Source: Istio API, CorsPolicy; Envoy, CORS filter.
"""

import re
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.routing.cors_args import Cors
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

ORIGIN: Final = "origin"
REQUESTED_METHOD: Final = "access-control-request-method"
"""Request headers of a preflight. Source: WHATWG Fetch, "CORS-preflight request"."""

ANY: Final = {"regex": "[a-z][a-z0-9+.-]*://.+"}
"""Every origin except `null`."""


def with_cors(name: str, rules: list[Manifest], args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The rules of a gateway with the policy of the service; documents for every page keep their own headers."""
    cors = args.cors
    if cors is None or not cors.origins:
        return rules
    policy = {"corsPolicy": cors_policy(cors, args.methods)}
    found = preflight_rules(name, rules, policy)
    for rule in rules:
        if answers_alone(rule):
            found += [page_response(rule, cors), rule]
        else:
            found.append(rule if is_public_document(rule) else {**rule, **policy})
    return found


def preflight_rules(name: str, rules: list[Manifest], policy: Manifest) -> list[Manifest]:
    """Rule for preflights before rules with a direct response, to which Envoy applies no policy; none without those.

    No preflight reaches the destination: the gateway responds to all of them.
    """
    paths = [match["uri"] for rule in rules if answers_alone(rule) for match in rule["match"]]
    if not paths:
        return []
    target = next(rule["route"] for rule in rules if "route" in rule and not is_public_document(rule))
    asked: Manifest = {"method": {"exact": "OPTIONS"}, "headers": {ORIGIN: {}, REQUESTED_METHOD: {}}}
    match = [{"uri": uri, **asked} for uri in paths]
    return [{"name": f"{name}-preflight", "match": match, "route": target, **policy}]


def page_response(rule: Manifest, cors: Cors) -> Manifest:
    """A rule with a direct response, for requests of allowed origins, with the headers that let pages read it."""
    origins = [origin_match(origin) for origin in cors.origins]
    matches = [
        {**match, "headers": {**match.get("headers", {}), ORIGIN: origin}}
        for match in rule["match"]
        for origin in origins
    ]
    allowed = {
        "access-control-allow-origin": f"%REQ({ORIGIN})%",
        "access-control-expose-headers": ",".join(contract.EXPOSED_HEADERS),
        **({"access-control-allow-credentials": "true"} if cors.credentials else {}),
        "vary": ORIGIN,
    }
    changes = rule.get("headers", {})
    response = changes.get("response", {})
    headers = {**changes, "response": {**response, "set": {**response.get("set", {}), **allowed}}}
    return {**rule, "name": f"{rule['name']}-page", "match": matches, "headers": headers}


def answers_alone(rule: Manifest) -> bool:
    """Whether the gateway itself responds for the service."""
    return "directResponse" in rule and not is_public_document(rule)


def is_public_document(rule: Manifest) -> bool:
    """Whether the rule serves token metadata, which clients read before they know the service."""
    paths = [text for match in rule.get("match", ()) for text in match.get("uri", {}).values()]
    return bool(paths) and all(path.startswith(contract.PROTECTED_RESOURCE_PATH) for path in paths)


def cors_policy(cors: Cors, methods: list[str]) -> Manifest:
    """One policy. A preflight of another origin ends at the gateway, without the headers that would allow it."""
    return {
        "allowOrigins": [origin_match(origin) for origin in cors.origins],
        "allowMethods": list(methods),
        "allowHeaders": cors.request_headers,
        "exposeHeaders": list(contract.EXPOSED_HEADERS),
        "maxAge": f"{contract.PREFLIGHT_SECONDS}s",
        "allowCredentials": cors.credentials,
        "unmatchedPreflights": "IGNORE",
    }


def origin_match(origin: str) -> Manifest:
    """How Envoy compares an origin: the whole text."""
    if origin == contract.ANY_ORIGIN:
        return dict(ANY)
    if origin.endswith(contract.ANY_PORT):
        return {"regex": f"{re.escape(origin.removesuffix(contract.ANY_PORT))}(:[0-9]+)?"}
    return {"exact": origin}
