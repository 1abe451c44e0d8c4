"""CORS policies of routes as the configuration of Envoy's CORS filter. Pure."""

from typing import Final

from meshed_mcp.local.translate.envoy.api import Message, extension, present, string_matcher, typed
from meshed_mcp.local.translate.objects.fields import seconds
from meshed_mcp.local.translate.objects.virtual_service import CorsPolicy

CORS: Final = "envoy.filters.http.cors"
POLICY: Final = "extensions.filters.http.cors.v3.CorsPolicy"
CORS_FILTER: Final = extension(CORS, "extensions.filters.http.cors.v3.Cors")
"""Responds to preflights, and adds headers to other responses, by the policy of the route."""

FORWARDS: Final = {"FORWARD": True, "IGNORE": False}
"""`unmatchedPreflights` -> whether a preflight of another origin is forwarded; UNSPECIFIED keeps Envoy's default."""


def cors(policy: CorsPolicy) -> Message:
    """Source: istiod, TranslateCORSPolicy: lists are joined with commas, the duration is in whole seconds."""
    lists = {
        "allow_methods": policy.allow_methods,
        "allow_headers": policy.allow_headers,
        "expose_headers": policy.expose_headers,
    }
    return typed(
        POLICY,
        allow_origin_string_match=[string_matcher(each) for each in policy.allow_origins],
        **{name: ",".join(values) for name, values in lists.items() if values},
        **present(
            max_age=policy.max_age and f"{seconds(policy.max_age):.0f}",
            allow_credentials=policy.allow_credentials,
            forward_not_matching_preflights=FORWARDS.get(policy.unmatched_preflights),
        ),
    )
