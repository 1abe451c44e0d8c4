"""Challenges of the sidecar: which local replies they replace, and by what. test_local_issuers.py runs them."""

from typing import Any, Final

from meshed_mcp.components.mesh.authorization import challenges
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from tests.unit.components.mesh.mesh_rendering import Objects, render, render_exposed

ISSUER: Final = {"issuer": "https://login.example.com", "jwks_url": "https://login.example.com/keys"}
COGNITO: Final = {"preset": "cognito", "user_pool": "eu-west-1_AbC", "audiences": ["one", "two"]}
METADATA: Final = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp-search/mcp"


def mappers(objects: Objects) -> list[dict[str, Any]]:
    """Mappers of the service's EnvoyFilter."""
    (patch,) = objects.one("EnvoyFilter", "mcp-search-challenges")["spec"]["configPatches"]
    config: list[dict[str, Any]] = patch["patch"]["value"]["typed_config"]["local_reply_config"]["mappers"]
    assert patch["match"]["context"] == "SIDECAR_INBOUND"
    return config


def expression(mapper: dict[str, Any]) -> str:
    """The CEL expression of a mapper."""
    return str(mapper["filter"]["extension_filter"]["typed_config"]["expression"])


def test_invalid_and_missing_tokens_get_the_url_of_the_metadata() -> None:
    """RFC 6750, section 3.1: no error code for a request without a token; RFC 9728, 5.1; requirement IDP-4."""
    auth = {"issuers": [ISSUER], "scopes": ["docs.read", "50%"]}
    invalid, missing = mappers(render_exposed(auth=auth, callers=["mcp-controller"]))
    sent = [each["headers_to_add"][0]["header"]["value"] for each in (invalid, missing)]
    assert sent == [
        f'Bearer error="invalid_token", scope="docs.read 50%%", resource_metadata="{METADATA}"',
        f'Bearer scope="docs.read 50%%", resource_metadata="{METADATA}"',
    ]
    assert {each["status_code"] for each in (invalid, missing)} == {401}
    assert "body" not in invalid
    assert expression(invalid).startswith(f"{challenges.JWT_REJECTED} || ")
    assert '["sub"] != ""' in expression(invalid)


def test_another_claim_with_the_audience_is_compared_for_its_issuer_alone() -> None:
    """Requirement IDP-4: a policy compares it, and its 403 would say that the caller is not allowed."""
    invalid, _ = mappers(render_exposed(auth={"issuers": [ISSUER, COGNITO]}))
    text = expression(invalid)
    assert '["iss"] == "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC"' in text
    assert '["client_id"] in ["one", "two"]' in text
    assert "https://login.example.com" not in text


def test_only_requests_to_the_endpoint_get_the_challenge_of_a_missing_token() -> None:
    """Requirement SEC-10: whatever else a policy rejects stays a 403."""
    _, missing = mappers(render_exposed(auth={"issuers": [ISSUER]}, path="/api/mcp", runtime="external"))
    assert '(request.url_path == "/api/mcp" || request.url_path.startsWith("/api/mcp/"))' in expression(missing)


def test_without_auth_and_without_sidecars_nothing_is_challenged() -> None:
    """Requirement CMP-8; Istio, "Ambient mode": an EnvoyFilter does not apply at a waypoint."""
    auth = {"issuers": [ISSUER]}
    names = {item["metadata"]["name"] for item in render(callers=["mcp-controller"])}
    assert "mcp-search-challenges" not in names
    for mode in (MeshMode.AMBIENT, MeshMode.NONE):
        assert "EnvoyFilter" not in render(auth=auth, mode=mode, callers=["mcp-controller"]).kinds()
