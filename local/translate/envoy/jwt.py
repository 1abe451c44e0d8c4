"""RequestAuthentications as Envoy's jwt_authn filter; keys are inline (process/token_issuer.py). Pure.

Source: istiod 1.31, `JwtFilter`.
"""

from collections.abc import Sequence

from meshed_mcp.local.translate.envoy.api import Message, extension
from meshed_mcp.local.translate.objects.security import JWTRule, RequestAuthentication

METADATA_FILTER = "envoy.filters.http.jwt_authn"
PAYLOAD = "payload"
"""Metadata key of the claims. Source: istiod, `payloadInMetadata`."""


def jwt_filters(found: Sequence[RequestAuthentication]) -> list[Message]:
    """The filter of a workload. It accepts requests without a token and rejects invalid tokens."""
    if not found:
        return []
    providers = {f"origins-{number}": _provider(each.rule) for number, each in enumerate(found)}
    allowed: list[Message] = [{"provider_name": name} for name in providers]
    requires = {"requires_any": {"requirements": [*allowed, {"allow_missing": {}}]}}
    return [
        extension(
            METADATA_FILTER,
            "extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            providers=providers,
            rules=[{"match": {"prefix": "/"}, "requires": requires}],
            bypass_cors_preflight=True,
        )
    ]


def _provider(rule: JWTRule) -> Message:
    return {
        "issuer": rule.issuer,
        "audiences": list(rule.audiences),
        "local_jwks": {"inline_string": rule.jwks},
        "forward": rule.forward_original_token,
        "from_headers": [{"name": each.name, "value_prefix": each.prefix} for each in rule.from_headers],
        "payload_in_metadata": PAYLOAD,
        "normalize_payload_in_metadata": {"space_delimited_claims": ["permission", "scope"]},
        "claim_to_headers": [
            {"header_name": each.header, "claim_name": each.claim} for each in rule.output_claim_to_headers
        ],
    }
