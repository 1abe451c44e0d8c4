"""Token settings: validation, RequestAuthentication and challenge routes."""

import json
from typing import Any, Final

import pytest

from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.authorization import token_args, tokens
from meshed_mcp.components.mesh.authorization.issuer_args import IssuerSettings
from meshed_mcp.components.mesh.egress.destinations import METADATA_HOSTS
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from tests.unit.components.mesh.mesh_rendering import Objects, render_exposed

ISSUER: Final = "https://login.example.com/tools"
AUTH: Final[dict[str, Any]] = {"issuers": [{"issuer": ISSUER, "jwks_url": "https://keys.example.com/tools.json"}]}
KEY: Final = {"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}
RESOURCE: Final = "https://mcp.example.com/mcp-search/mcp"


def lines(**auth: Any) -> list[str]:
    """Issues of a service with these settings of its one issuer or of `auth`; None removes one."""
    own = {key: value for key, value in auth.items() if key in IssuerSettings.model_fields}
    kept = {key: value for key, value in {**AUTH["issuers"][0], **own}.items() if value is not None}
    rest = {key: value for key, value in auth.items() if key not in own}
    given = {"image": "search:1", "callers": ["mcp-controller"], "auth": {"issuers": [kept], **rest}}
    return [str(fault) for fault in model_issues(MeshedMCPServiceArgs, given, "mcp-search")]


def jwt_rule(objects: Objects) -> Manifest:
    """The one rule of the service's RequestAuthentication."""
    (rule,) = objects.one("RequestAuthentication")["spec"]["jwtRules"]
    return dict(rule)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://169.254.169.254/jwks", "names an IP address"),
        ("https://127.0.0.1/jwks", "names an IP address"),
        ("https://[::1]/jwks", "names an IP address"),
        ("https://[fd00:ec2::254]/jwks", "names an IP address"),
        ("https://2130706433/jwks", "names an IP address"),
        ("https://0x7f.1/jwks", "names an IP address"),
        ("https://127.1/jwks", "names an IP address"),
        ("https://localhost/jwks", "leads into the cluster"),
        ("https://issuer.localhost/jwks", "leads into the cluster"),
        ("https://kubernetes/jwks", "leads into the cluster"),
        ("https://kubernetes.default.svc/openid/v1/jwks", "leads into the cluster"),
        ("https://istiod.istio-system.svc.cluster.local/jwks", "leads into the cluster"),
        ("https://metadata.google.internal/jwks", "is the metadata service of the machine"),
        ("http://keys.example.com/jwks", "is fetched in plaintext"),
        ("https://keys.example.com:6443/jwks", "names port 6443"),
        ("https://user@keys.example.com/jwks", "is not a URL"),
        ("file:///etc/passwd", "is not a URL"),
    ],
)
def test_internal_jwks_url_is_rejected(url: str, why: str) -> None:
    """OWASP, "Server-Side Request Forgery Prevention": the control plane fetches what a stack names."""
    (line,) = lines(jwks_url=url)
    assert line.startswith("mcp-search: auth.issuers[0].jwks_url: ")
    assert why in line
    assert "; use" in line or "; remove the port" in line or "; remove it" in line


@pytest.mark.parametrize(
    ("auth", "line"),
    [
        (
            {"jwks_url": "https://10.0.0.1/jwks"},
            (
                "auth.issuers[0].jwks_url: 'https://10.0.0.1/jwks' names an IP address, which the control "
                "plane would fetch from inside the cluster; use the host name of the issuer"
            ),
        ),
        (
            {"jwks_url": "http://keycloak.login.svc/keys"},
            (
                "auth.issuers[0].jwks_url: 'http://keycloak.login.svc/keys' leads into the cluster; use the "
                "public host of the issuer, or set jwks_in_cluster: true if the issuer is a Service"
            ),
        ),
        (
            {"jwks_in_cluster": True},
            (
                "auth.issuers[0].jwks_url: 'https://keys.example.com/tools.json' is not a Service of the "
                "cluster; use a host such as 'keycloak.login.svc.cluster.local', or remove "
                "jwks_in_cluster"
            ),
        ),
        (
            {"jwks": {"keys": [KEY]}},
            "auth.issuers[0]: there are two sources of keys; set either jwks_url or jwks",
        ),
        (
            {"jwks_url": None, "jwks": {"keys": [KEY]}, "jwks_in_cluster": True},
            "auth.issuers[0]: jwks_in_cluster says where jwks_url leads, and jwks_url is not set; remove it",
        ),
        (
            {"jwks_url": None, "jwks": {"keys": []}},
            (
                "auth.issuers[0].jwks: has no keys; set a JWK Set, such as {keys: "
                "[{kty: EC, crv: P-256, x: ..., y: ...}]}"
            ),
        ),
        (
            {"jwks_url": None, "jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
            "auth.issuers[0].jwks: keys[0] is of type 'oct'; use keys of type RSA, EC, OKP",
        ),
        (
            {"jwks_url": None, "jwks": {"keys": [KEY, {**KEY, "d": "private"}]}},
            (
                "auth.issuers[0].jwks: keys[1] holds the private key, with which every reader of the stack "
                "could sign tokens; use the public part alone, and replace the key"
            ),
        ),
        (
            {"claims_to_headers": {"a b": "x-a"}},
            ("auth.claims_to_headers: 'a b' is not a claim; use letters, digits, '_' and '-', with '.' into objects"),
        ),
        (
            {"claims_to_headers": {"org": "x-forwarded-for"}},
            (
                "auth.claims_to_headers: 'x-forwarded-for' cannot carry the claim org; use a header "
                "of your own such as 'x-organization-id', in lower case, beginning with 'x-', that "
                "neither proxies nor MCP use"
            ),
        ),
        (
            {"claims_to_headers": {"org": "x-id", "sub": "x-id"}},
            "auth.claims_to_headers: 'x-id' would carry two claims; use a header for each",
        ),
    ],
)
def test_token_settings_without_verification_are_rejected_with_what_to_set(auth: dict[str, Any], line: str) -> None:
    """Requirement SEC-4: preview rejects them, names the field and says what to set."""
    assert lines(**auth) == [f"mcp-search: {line}"]


@pytest.mark.parametrize(
    "header", ["authorization", "host", "x-envoy-original-path", "x-request-id", "x-b3-traceid", "mcp-name", "X-Org"]
)
def test_headers_of_proxies_and_protocol_cannot_carry_claims(header: str) -> None:
    """Requirement SEC-2: a token never changes the routing of a request."""
    (line,) = lines(claims_to_headers={"org": header})
    assert "cannot carry the claim org" in line


def test_number_of_claims_in_headers_is_bounded() -> None:
    """Requirement CFG-9: each claim may become a label, so their number is bounded."""
    claims = {f"c{number}": f"x-c{number}" for number in range(token_args.MAX_CLAIM_HEADERS + 1)}
    (line,) = lines(claims_to_headers=claims)
    assert "at most 8" in line


def test_metadata_service_is_rejected_as_an_issuer() -> None:
    """Requirement NET-2: metadata endpoints are rejected wherever a host is configured."""
    for host in METADATA_HOSTS:
        assert any("metadata service" in line for line in lines(jwks_url=f"https://{host}/keys"))


def test_token_is_validated_by_issuer_audience_and_keys_and_forwarded() -> None:
    """Istio API, JWTRule; RFC 8707: the audience is this service, with or without a slash."""
    assert jwt_rule(render_exposed(auth=AUTH)) == {
        "issuer": ISSUER,
        "audiences": [RESOURCE, f"{RESOURCE}/"],
        "jwksUri": "https://keys.example.com/tools.json",
        "fromHeaders": [{"name": "authorization", "prefix": "Bearer "}],
        "forwardOriginalToken": True,
    }


def test_inline_keys_are_not_fetched() -> None:
    """Istio API, JWTRule `jwks`."""
    objects = render_exposed(auth={"issuers": [{"issuer": ISSUER, "jwks": {"keys": [KEY]}}]})
    assert jwt_rule(objects)["jwks"] == '{"keys": [{"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}]}'
    assert "jwksUri" not in jwt_rule(objects)
    assert "ServiceEntry" not in objects.kinds()


def test_every_rule_but_the_metadata_rule_requires_a_token_of_the_issuer() -> None:
    """Istio, "Require a valid token"; MCP, "Authorization": the metadata is for clients that have none."""
    tools = {"delete": {"allow": ["mcp-controller"]}}
    objects = render_exposed(callers=["mcp-controller", "agents/planner"], tools=tools, auth=AUTH)
    *rules, metadata = objects.one("AuthorizationPolicy")["spec"]["rules"]
    assert len(rules) == 3
    assert all(rule["from"][0]["source"]["requestPrincipals"] == [f"{ISSUER}/*"] for rule in rules)
    assert "requestPrincipals" not in metadata["from"][0]["source"]
    assert metadata["to"][0]["operation"]["paths"] == [
        "/.well-known/oauth-protected-resource/mcp-search/mcp",
        "/.well-known/oauth-protected-resource",
    ]


@pytest.mark.parametrize(("route", "path"), [("mcp-search", "/mcp"), ("mcp-search-ingress", "/mcp-search/mcp")])
def test_without_a_token_the_proxy_responds_with_the_metadata_url(route: str, path: str) -> None:
    """MCP 2026-07-28, "Protected Resource Metadata Discovery"; RFC 9728, section 5.1."""
    objects = render_exposed(auth={**AUTH, "scopes": ["docs.read", "50%"]})
    first, *rest = objects.one("VirtualService", route)["spec"]["http"]
    without = {"authorization": {"prefix": "Bearer "}}
    assert first["match"] == [
        {"uri": {"exact": path}, "withoutHeaders": without},
        {"uri": {"prefix": f"{path}/"}, "withoutHeaders": without},
    ]
    assert first["directResponse"] == {"status": 401, "body": {"string": tokens.CHALLENGE_TEXT}}
    assert first["headers"]["response"]["set"]["www-authenticate"] == (
        'Bearer scope="docs.read 50%%", resource_metadata='
        '"https://mcp.example.com/.well-known/oauth-protected-resource/mcp-search/mcp"'
    )
    assert rest
    assert all("directResponse" not in rule for rule in rest)


@pytest.mark.parametrize("legacy", ["stateless", "sticky"])
def test_claim_headers_are_removed_from_requests_and_set_by_the_sidecar(legacy: str) -> None:
    """Requirement SEC-2: a declared header holds the issuer's claim or nothing."""
    objects = render_exposed(auth={**AUTH, "claims_to_headers": {"org": "x-organization-id"}}, legacy=legacy)
    assert jwt_rule(objects)["outputClaimToHeaders"] == [{"header": "x-organization-id", "claim": "org"}]
    for route in ("mcp-search", "mcp-search-ingress"):
        rules = [rule for rule in objects.one("VirtualService", route)["spec"]["http"] if "route" in rule]
        assert {tuple(rule["headers"]["request"]["remove"]) for rule in rules} == {("x-organization-id",)}
        assert all("set" in rule["headers"]["response"] for rule in rules) == (legacy == "sticky")


def test_without_auth_no_token_object_is_rendered() -> None:
    """Requirement CMP-8: without `auth` no token is verified."""
    objects = render_exposed(callers=["mcp-controller"])
    assert "RequestAuthentication" not in objects.kinds()
    assert "requestPrincipals" not in str(objects)
    assert "directResponse" not in str(objects)


def test_invalid_claim_name_is_rejected() -> None:
    """RFC 7519, section 4.2: a name is a short text or a URI; Requirement CFG-15: proxies' expressions hold it."""
    assert lines(claims={"organization": "my org"}) == [
        (
            "mcp-search: auth.issuers[0].claims.organization: 'my org' is not a claim name; use a name "
            "without spaces and quotes, such as 'organization'"
        )
    ]
    assert lines(claims={"organization": "https://example.com/org"}) == []


def test_the_mesh_serves_the_metadata_of_a_server_without_the_runtime() -> None:
    """RFC 9728, section 3.2: a JSON document with the resource, before the challenge and without a token."""
    for path, resource in (
        ("/mcp", "https://mcp.example.com/mcp-search/mcp"),
        ("/", "https://mcp.example.com/mcp-search"),
    ):
        objects = render_exposed(runtime="external", path=path, auth=AUTH, callers=["mcp-controller"])
        for route in ("mcp-search", "mcp-search-ingress"):
            rules = objects.one("VirtualService", route)["spec"]["http"]
            assert [rule["name"] for rule in rules[:2]] == ["mcp-search-metadata", "mcp-search-needs-token"]
            document = json.loads(rules[0]["directResponse"]["body"]["string"])
            assert document["resource"] == resource
            assert document["authorization_servers"] == [ISSUER]
            well_known = f"/.well-known/oauth-protected-resource{resource.removeprefix('https://mcp.example.com')}"
            root = [] if route.endswith("-ingress") else ["/.well-known/oauth-protected-resource"]
            assert rules[0]["match"] == [{"uri": {"exact": each}} for each in (well_known, *root)]
            assert rules[0]["headers"]["response"]["set"]["content-type"] == "application/json"
    own = render_exposed(auth=AUTH, callers=["mcp-controller"]).one("VirtualService", "mcp-search")["spec"]["http"]
    assert "mcp-search-metadata" not in [rule["name"] for rule in own]


def test_pages_may_read_the_metadata_of_a_server_without_the_runtime() -> None:
    """Fetch, "CORS-preflight request": a client's header for the revision is asked for first; requirement IDP-5."""
    second = {"issuer": "https://login.example.org"}
    auth = {"issuers": [*AUTH["issuers"], second]}
    objects = render_exposed(runtime="external", auth=auth, callers=["mcp-controller"], sole_resource=True)
    first = objects.one("VirtualService", "mcp-search-ingress")["spec"]["http"][0]
    assert [match["uri"]["exact"] for match in first["match"]] == [
        "/.well-known/oauth-protected-resource/mcp-search/mcp",
        "/.well-known/oauth-protected-resource",
    ]
    assert json.loads(first["directResponse"]["body"]["string"])["authorization_servers"] == [ISSUER, second["issuer"]]
    sent = first["headers"]["response"]["set"]
    assert {name: sent[name] for name in sent if name.startswith("access-control")} == {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET",
        "access-control-allow-headers": "*, authorization",
    }


def test_the_root_has_metadata_only_where_no_other_service_shares_the_host() -> None:
    """RFC 9728, section 3.1; requirement IDP-5: the document of one service would mislead clients of another."""
    for sole in (True, False):
        rules = render_exposed(auth=AUTH, sole_resource=sole).one("VirtualService", "mcp-search-ingress")["spec"][
            "http"
        ]
        paths = [match["uri"].get("exact") for rule in rules for match in rule.get("match", ())]
        assert ("/.well-known/oauth-protected-resource" in paths) is sole
