"""Reads the resources MCPServer and MCPRemoteProxy of ToolHive, v1alpha1 and v1beta1.

Source: ToolHive, "CRD specification"; `proxyPort` and `mcpPort` were `port` and `targetPort`.
"""

from collections.abc import Mapping
from typing import Any, Final

from meshed_mcp.infra.importing import kubernetes, reasons
from meshed_mcp.infra.importing.arguments import set_arguments
from meshed_mcp.infra.importing.clients import NEEDS_COMMAND
from meshed_mcp.infra.importing.fields import Fields, Text
from meshed_mcp.infra.importing.reasons import Reason
from meshed_mcp.infra.importing.remotes import set_url
from meshed_mcp.infra.importing.report import Report, Server
from meshed_mcp.infra.importing.sizes import set_kubernetes_resources, set_replicas
from meshed_mcp.infra.importing.source import Location

GROUP: Final = "toolhive.stacklok.dev"

DEFAULT_PORT: Final = 8080
"""Source: ToolHive, MCPServer, `proxyPort`, which an image serves that sets no `mcpPort`."""

SIGN_IN: Final = Reason("ToolHive's proxy checks tokens", "set auth with issuers")
REPLACED: Final = Reason("the platform has its own metrics, traces and logs", "see observability and logs")

REASONS: Final[Mapping[str, Reason]] = {
    **dict.fromkeys(("proxyPort", "port", "proxyMode", "endpointPrefix", "trustProxyHeaders"), reasons.PROXY),
    **dict.fromkeys(("resourceOverrides", "replicas"), reasons.PROXY),
    **dict.fromkeys(("oidcConfig", "oidcConfigRef", "authServerRef"), SIGN_IN),
    **dict.fromkeys(("audit", "telemetry", "telemetryConfigRef"), REPLACED),
    "authzConfig": Reason("its policies are Cedar", "set callers, and tools of the service"),
    "tools": Reason("it selects tools by name", "set tools of the service"),
    "toolConfigRef": Reason("it selects and renames tools", "set tools of the service"),
    "externalAuthConfigRef": Reason("it exchanges tokens", "set outbound_auth"),
    "groupRef": Reason("a stack has no groups of servers", "use a stack per group"),
    "sessionAffinity": Reason("the bridge routes sessions itself", "set legacy: sticky for a server with sessions"),
    "sessionStorage": Reason("it stores sessions of ToolHive's proxy", "set meshed-mcp:redis and shared_state"),
    "rateLimiting": Reason("its buckets have another form", "set rate_limits"),
    "caBundleRef": Reason("it is a bundle of certificates for ToolHive's proxy", "set ca_bundle"),
}


def matches(document: Any) -> bool:
    """Whether a document is a resource of ToolHive that has a server."""
    return kubernetes.is_resource(document, GROUP, "MCPServer", "MCPRemoteProxy")


def read(report: Report, document: Any, location: Location) -> None:
    """Draft the server of a resource."""
    resource = Fields(report, document, location)
    if not isinstance(resource.raw("spec"), Mapping):
        report.leave_server(location, reasons.NOT_A_RESOURCE)
        return
    server, spec = kubernetes.draft(resource), resource.inner("spec")
    kept = set_remote(server, spec) if document["kind"] == "MCPRemoteProxy" else set_server(server, spec)
    if kept:
        spec.leave_rest(REASONS)
        kubernetes.leave_status(resource)


def set_remote(server: Server, spec: Fields) -> bool:
    """Set the URL of an MCPRemoteProxy; False if it is left out."""
    url = spec.text("remoteUrl", "remoteURL") or ""
    spec.raw("resources", "serviceAccount")
    at = Text(url, spec.at(spec.present(("remoteUrl", "remoteURL"))))
    reason = reasons.SSE_ONLY if spec.text("transport") == "sse" else set_url(server, at)
    if reason:
        server.report.leave_server(server.location, reason)
    return reason is None


def set_server(server: Server, spec: Fields) -> bool:
    """Set the image and its options; False if it is left out."""
    transport, image = spec.text("transport") or "stdio", spec.text("image")
    port = spec.number("mcpPort", "targetPort")
    if transport == "sse":
        server.report.leave_server(server.location, reasons.SSE_ONLY)
        return False
    if image:
        server.settings["image"] = image
    else:
        server.to_set("image", "the resource has no image", spec.location)
    if transport == "stdio":
        server.settings["transport"] = "stdio"
        server.images.add("image")
        server.to_set("command", NEEDS_COMMAND, spec.at("image"))
    else:
        server.settings |= {"runtime": "external", "port": port or DEFAULT_PORT}
    set_options(server, spec)
    return True


def set_options(server: Server, spec: Fields) -> None:
    """Set arguments, variables, secrets, resources, the pod template and permissions."""
    set_arguments(server, spec.texts("args"))
    kubernetes.set_variables(server, spec.mappings("env"), {})
    for each in spec.mappings("secrets"):
        name, key = each.text("name"), each.text("key")
        kubernetes.refer(server, each.text("targetEnvName") or key or "", name, key, each.location)
    for each in spec.mappings("volumes"):
        server.report.leave(each.location, reasons.HOST_PATH)
    set_kubernetes_resources(server, spec.inner("resources"))
    set_replicas(server, spec.number("backendReplicas"))
    kubernetes.set_service_account(server, spec.text("serviceAccount"))
    template = spec.inner("podTemplateSpec")
    kubernetes.set_metadata(server, template.inner("metadata"))
    kubernetes.set_pod(server, template.inner("spec"), "mcp")
    profile = spec.inner("permissionProfile")
    if profile.values and (profile.text("type"), profile.text("name")) != ("builtin", "none"):
        server.report.leave(profile.location, PROFILE)


PROFILE: Final = Reason("it is a profile of permissions", "set egress_hosts for the hosts that the server may reach")
