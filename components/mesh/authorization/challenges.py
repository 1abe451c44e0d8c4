"""EnvoyFilter by which the sidecar challenges requests without a valid token: 401 with the metadata's URL.

Envoy's own rejection of an invalid token names no metadata, that of another audience is a 403, and an
AuthorizationPolicy rejects a request without a token with 403. The filter maps these local replies; it adds no filter
to the chain. Source: Envoy, "Local reply modification"; Istio builds the CEL filter, which its Telemetry renders.
"""

import json
from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.authorization.organization import claim_expression, has_claim
from meshed_mcp.components.mesh.authorization.policy import endpoint_paths
from meshed_mcp.components.mesh.authorization.token_args import TokenSettings
from meshed_mcp.components.mesh.authorization.tokens import (
    AUTHORIZATION,
    BEARER,
    CHALLENGE_TEXT,
    UNAUTHORIZED,
    challenge,
)
from meshed_mcp.components.mesh.routing.connect_failure_retry import local_reply_filter
from meshed_mcp.components.mesh.service.addresses import resource_url
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.contract.token_issuers import AUDIENCE_CLAIM, TokenIssuer

CEL_FILTER: Final = "envoy.access_loggers.extension_filters.cel"
CEL_TYPE: Final = "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"

JWT_REJECTED: Final = 'response.code_details.startsWith("jwt_authn_access_denied")'
POLICY_REJECTED: Final = 'response.code_details.startsWith("rbac_access_denied")'
"""Source: Envoy, "Response code details": of the filters jwt_authn and rbac."""

INVALID_TOKEN: Final = "invalid_token"  # noqa: S105 - an error code of RFC 6750, section 3.1


def challenge_filters(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The EnvoyFilter of a service with `auth`; none otherwise."""
    if args.auth is None:
        return []
    invalid, missing = (challenge(name, args, args.auth, error) for error in (INVALID_TOKEN, ""))
    mappers = [
        mapper(rejected_token(args.auth, resource_url(name, args)), invalid),
        mapper(missing_token(args.path), missing) | {"body": {"inline_string": CHALLENGE_TEXT}},
    ]
    return [local_reply_filter(name, args, "challenges", mappers)]


def mapper(expression: str, value: str) -> Manifest:
    """The local replies that match become 401 with this WWW-Authenticate."""
    selected = {"name": CEL_FILTER, "typed_config": {"@type": CEL_TYPE, "expression": expression}}
    header = {"key": "www-authenticate", "value": value}
    return {
        "filter": {"extension_filter": selected},
        "status_code": UNAUTHORIZED,
        "headers_to_add": [{"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
    }


def rejected_token(auth: TokenSettings, resource: str) -> str:
    """Invalid tokens, and those that the AuthorizationPolicy rejects: of no subject, and of another audience claim."""
    rows = [row for row in auth.table(resource) if row.audience_claim != AUDIENCE_CLAIM]
    others = [f"({POLICY_REJECTED} && {_of_another_audience(row)})" for row in rows]
    no_subject = (
        f'({POLICY_REJECTED} && {has_claim("iss")} && !({has_claim("sub")} && {claim_expression("sub")} != ""))'
    )
    return " || ".join([JWT_REJECTED, no_subject, *others])


def _of_another_audience(row: TokenIssuer) -> str:
    issued = f"{has_claim('iss')} && {claim_expression('iss')} == {json.dumps(row.issuer)}"
    claim, accepted = row.audience_claim, json.dumps(row.audiences)
    return f"{issued} && !({has_claim(claim)} && {claim_expression(claim)} in {accepted})"


def missing_token(path: str) -> str:
    """Requests to the endpoint without a bearer token, which a policy rejected."""
    exact, below = endpoint_paths(path)
    at_endpoint = f"request.url_path == {json.dumps(exact)} || request.url_path.startsWith({json.dumps(below[:-1])})"
    header = json.dumps(AUTHORIZATION)
    token = f"{header} in request.headers && request.headers[{header}].startsWith({json.dumps(BEARER)})"
    return f"{POLICY_REJECTED} && ({at_endpoint}) && !({token})"
