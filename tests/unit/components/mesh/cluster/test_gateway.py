"""Namespaces of the mesh, the ingress Gateway, and references to it."""

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster.gateway import gateway_principal, gateway_reference
from meshed_mcp.components.mesh.cluster.istio_releases import istio_releases
from meshed_mcp.components.mesh.cluster.telemetry_args import TRACING_PROVIDER
from tests.unit.components.mesh.mesh_rendering import TRACING, mesh_args, render_mesh


def labels(namespace: str, **settings: object) -> dict[str, str]:
    """Labels of a namespace."""
    found: dict[str, str] = render_mesh(**settings).one("Namespace", namespace)["metadata"]["labels"]
    return found


def servers(**settings: object) -> list[Manifest]:
    """Listeners of the gateway."""
    found: list[Manifest] = render_mesh(**settings).one("Gateway", "mcp")["spec"]["servers"]
    return found


def test_with_a_certificate_plain_http_only_redirects() -> None:
    """Requirement WEB-8; RFC 9110, section 15.4.9: 308 keeps method and body, and `httpsRedirect` sends 301."""
    objects = render_mesh(tls_secret="mcp-tls", hosts={"search.example.com": None, "own.example.com": "own-tls"})  # noqa: S106 - the name of a Secret
    hosts = ["mcp.example.com", "search.example.com", "own.example.com"]
    (http,) = objects.one("Gateway", "mcp-https-redirect")["spec"]["servers"]
    route = objects.one("VirtualService", "mcp-https-redirect")["spec"]
    assert (http["port"]["protocol"], http["hosts"]) == ("HTTP", hosts)
    assert (route["gateways"], route["hosts"]) == (["istio-ingress/mcp-https-redirect"], hosts)
    assert [rule["redirect"] for rule in route["http"]] == [{"scheme": "https", "redirectCode": 308}]


def test_the_gateway_of_the_services_serves_https_alone() -> None:
    """Istio API, ServerTLSSettings: `credentialName` names the Secret; requirement SEC-7: no route in plain text."""
    (https,) = servers(tls_secret="mcp-tls")  # noqa: S106 - the name of a Secret
    assert https["port"]["protocol"] == "HTTPS"
    assert https["tls"] == {"mode": "SIMPLE", "credentialName": "mcp-tls", "minProtocolVersion": "TLSV1_2"}


def test_without_a_certificate_there_is_one_plain_listener() -> None:
    """Requirement CFG-10: plain HTTP needs an explicit choice; a development cluster needs no certificate."""
    (http,) = servers()
    assert "tls" not in http
    assert http["port"] == {"number": 80, "name": "http", "protocol": "HTTP"}


def test_gateway_serves_only_its_domain() -> None:
    """Istio API, Server `hosts`: `*` would take every host's routes."""
    assert all(server["hosts"] == ["mcp.example.com"] for server in servers(tls_secret="tls"))  # noqa: S106 - as above


def test_gateway_reference_and_identity_match_the_installed_release() -> None:
    """Istio chart `gateway`: service account = release name, pod label = release name without `istio-`."""
    gateway = render_mesh().one("Gateway")
    release = {item.name: item for item in istio_releases(mesh_args())}["istio-ingress"]
    assert gateway_reference() == f"{gateway['metadata']['namespace']}/{gateway['metadata']['name']}"
    assert gateway_principal("cluster.local") == f"cluster.local/ns/{release.namespace}/sa/{release.name}"
    assert gateway["spec"]["selector"] == {"istio": release.name.removeprefix("istio-")}


def test_meshed_namespaces_are_injected_and_enforce_restricted_pods() -> None:
    """Kubernetes, "Pod Security Admission"; with Istio's node agent no meshed pod needs a privilege."""
    found = labels("mcp-system")
    assert found["istio-injection"] == "enabled"
    assert found["pod-security.kubernetes.io/enforce"] == "restricted"


def test_without_the_cni_agent_the_restricted_level_only_warns() -> None:
    """Istio, "Pod Security Admission": the init container has NET_ADMIN, which restricted and baseline reject."""
    found = labels("mcp-system", traffic_capture="init-container")
    assert found["pod-security.kubernetes.io/enforce"] == "privileged"
    assert found["pod-security.kubernetes.io/warn"] == "restricted"


def test_only_the_cni_namespace_allows_privileged_pods() -> None:
    """Istio, "Install the Istio CNI node agent": it mounts folders of the host."""
    assert labels("istio-system")["pod-security.kubernetes.io/enforce"] == "privileged"
    assert labels("istio-system", traffic_capture="init-container")["pod-security.kubernetes.io/enforce"] == "baseline"
    assert labels("istio-ingress")["pod-security.kubernetes.io/enforce"] == "baseline"


def test_without_a_collector_no_tracing_is_rendered() -> None:
    """Requirement CMP-8: a provider that does not exist makes every proxy log errors."""
    assert all("tracing" not in item["spec"] for item in render_mesh() if item["kind"] == "Telemetry")
    (istiod,) = [item for item in istio_releases(mesh_args()) if item.name == "istiod"]
    assert all("opentelemetry" not in provider for provider in istiod.values["meshConfig"]["extensionProviders"])


def test_traces_name_the_provider_that_the_mesh_configuration_defines() -> None:
    """Istio, MeshConfig `extensionProviders`: Telemetry refers to them by name."""
    (istiod,) = [item for item in istio_releases(mesh_args(tracing=TRACING)) if item.name == "istiod"]
    provider = {"name": TRACING_PROVIDER, "opentelemetry": {"service": TRACING["service"], "port": 4317}}
    assert provider in istiod.values["meshConfig"]["extensionProviders"]
