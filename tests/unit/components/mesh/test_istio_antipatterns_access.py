"""Istio antipatterns in token rules, telemetry and operation: rendered objects avoid each of them."""

from ipaddress import ip_address, ip_network

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster.istio_releases import istiod_values
from meshed_mcp.infra.checks.schemas import schema_file
from tests.stacks import ROOT
from tests.unit.components.mesh.mesh_rendering import TRACING, mesh_args, render_exposed, render_mesh

AUTH = {"issuers": [{"issuer": "https://login.example.com", "jwks_url": "https://login.example.com/keys"}]}


def test_12_every_telemetry_names_its_provider() -> None:
    """Istio, Telemetry: without `providers`, and without a default one in the mesh, it has no effect."""
    objects = [item for item in render_mesh(tracing=TRACING) if item["kind"] == "Telemetry"]
    sections = [
        each
        for item in objects
        for kind in ("tracing", "metrics", "accessLogging")
        for each in item["spec"].get(kind, ())
    ]
    assert sections
    assert all(each["providers"][0]["name"] for each in sections)


def test_29_request_without_a_token_reaches_only_the_metadata() -> None:
    """Istio, RequestAuthentication: by itself it lets requests without a token pass; the policy must ask for one."""
    objects = render_exposed(auth=AUTH, callers=["mcp-controller"])
    (rule,) = objects.one("RequestAuthentication")["spec"]["jwtRules"]
    assert rule["audiences"]
    open_paths = {
        path
        for each in objects.one("AuthorizationPolicy")["spec"]["rules"]
        if not all(source["source"].get("requestPrincipals") for source in each["from"])
        for to in each["to"]
        for path in to["operation"]["paths"]
    }
    metadata = "/.well-known/oauth-protected-resource"
    assert open_paths == {metadata, f"{metadata}/mcp-search/mcp"}


def test_30_istiod_fetches_no_keys_from_internal_hosts() -> None:
    """Istio message IST0175: istiod fetches what `jwksUri` says; blocked are its own host and the cloud's metadata."""
    blocked = [ip_network(each) for each in istiod_values(mesh_args())["env"]["BLOCKED_CIDRS_IN_JWKS_URIS"].split(",")]
    ipv4 = ("127.0.0.1", "0.0.0.0", "169.254.169.254", "100.100.100.200")  # noqa: S104 - no address to bind to
    ipv6 = ("::1", "::", "fe80::1", "fd00:ec2::254", "fd20:ce::254", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1")
    for address in map(ip_address, (*ipv4, *ipv6)):
        assert any(address in block for block in blocked if block.version == address.version)


def test_32_access_logs_are_json_and_not_multiline_text() -> None:
    """Istio, `accessLogFormat`: the text is literal, each of its newlines is logged; JSON is by labels."""
    config = istiod_values(mesh_args())["meshConfig"]
    assert "\n" not in str(config.get("accessLogFormat", ""))
    assert config.get("accessLogEncoding") == "JSON" or any(
        "labels" in each.get("envoyFileAccessLog", {}).get("logFormat", {}) for each in config["extensionProviders"]
    )


def test_34_no_page_names_a_removed_command() -> None:
    """Istio 1.31: `istioctl verify-install` is not in the command set; `analyze` and `x precheck` are."""
    pages = {path.name: path.read_text("utf-8") for path in (ROOT / "docs").rglob("*.md")}
    assert not [name for name, text in pages.items() if "verify-install" in text]
    assert "istioctl analyze" in pages["mesh.md"]


ORGANIZATIONS = {"values": ["acme", "globex"]}


def overrides() -> list[Manifest]:
    """Every change of a metric in the Telemetry objects of a mesh that counts by organization."""
    found = [
        override
        for item in render_mesh(organization_tag=ORGANIZATIONS)
        if item["kind"] == "Telemetry"
        for metrics in item["spec"].get("metrics", ())
        for override in metrics["overrides"]
    ]
    assert found
    return found


def test_10_metrics_are_named_as_the_schema_lists_them() -> None:
    """Istio 1.31 CRDs: `REQUEST_COUNT` and its like; `requests_total` is rejected."""
    schema = schema_file("istio")["$defs"]["telemetry.istio.io.v1.Telemetry"]
    spec = schema["properties"]["spec"]["properties"]["metrics"]["items"]
    match = spec["properties"]["overrides"]["items"]["properties"]["match"]["properties"]
    assert {override["match"]["metric"] for override in overrides()} <= set(match["metric"]["enum"])


def test_11_tags_are_expressions_and_no_templates() -> None:
    """Istio, Telemetry `tagOverrides`: the value is CEL, in which `%{...}` of Envoy's formats means nothing."""
    values = [tag["value"] for override in overrides() for tag in override["tagOverrides"].values()]
    assert values
    assert not [value for value in values if "%{" in value or "%REQ" in value]


def test_13_tag_values_are_bounded_and_never_from_a_client() -> None:
    """Prometheus, "Do not overuse labels": a tag's values are listed ones, of a verified claim, and no user's."""
    for override in overrides():
        assert set(override["tagOverrides"]) == {"mcp_organization"}
        for tag in override["tagOverrides"].values():
            assert all(f'"{name}"' in tag["value"] for name in ORGANIZATIONS["values"])
            assert "_OTHER" in tag["value"]
            assert "request.headers" not in tag["value"]
