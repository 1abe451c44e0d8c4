"""Reads the resource MCPServer of kmcp (kagent.dev/v1alpha1).

Source: kmcp, "MCPServer", `deployment`, `transportType`, `httpTransport`.
"""

from collections.abc import Mapping
from typing import Any, Final

from meshed_mcp.infra.importing import clients, kubernetes, reasons
from meshed_mcp.infra.importing.arguments import set_arguments, set_variable
from meshed_mcp.infra.importing.fields import Fields, Text, scalar_text
from meshed_mcp.infra.importing.reasons import Reason
from meshed_mcp.infra.importing.report import Report, Server
from meshed_mcp.infra.importing.sizes import set_kubernetes_resources, set_replicas
from meshed_mcp.infra.importing.source import Location
from meshed_mcp.infra.importing.variables import literal

GROUP: Final = "kagent.dev"

DEFAULT_PORT: Final = 3000
"""Source: kmcp, MCPServer, default of `deployment.port`."""

REASONS: Final[Mapping[str, Reason]] = {
    "initContainer": reasons.PROXY,
    "configMapRefs": Reason(
        "kmcp mounts each ConfigMap at a folder of its own", "set volumes and volume_mounts with the folder"
    ),
    "authn": Reason("kmcp's proxy checks tokens", "set auth with issuers"),
    "authz": Reason("its policies are those of kmcp's proxy", "set callers, and tools of the service"),
    "timeout": Reason("it is a timeout of kmcp's proxy", "set limits.call_seconds"),
}


def matches(document: Any) -> bool:
    """Whether a document is an MCPServer of kmcp."""
    return kubernetes.is_resource(document, GROUP, "MCPServer")


def read(report: Report, document: Any, location: Location) -> None:
    """Draft the server of a resource."""
    resource = Fields(report, document, location)
    spec = resource.inner("spec")
    if not isinstance(spec.raw("deployment"), Mapping):
        report.leave_server(location, reasons.NOT_A_RESOURCE)
        return
    server, deployment = kubernetes.draft(resource), spec.inner("deployment")
    if set_source(server, spec, deployment):
        set_pods(server, deployment)
        deployment.leave_rest(REASONS)
        spec.leave_rest(REASONS)
        kubernetes.leave_status(resource)


def set_source(server: Server, spec: Fields, deployment: Fields) -> bool:
    """Set the image or the package, transport, command and arguments; False if the server is left out."""
    http, image = spec.inner("httpTransport"), deployment.text("image")
    port, path = http.number("targetPort") or deployment.number("port"), http.text("path")
    spec.raw("stdioTransport")
    deployment.raw("port")
    command = [Text(deployment.text("cmd") or "", deployment.at("cmd"))] if deployment.raw("cmd") else []
    args = deployment.texts("args")
    if (spec.text("transportType") or ("http" if http.values else "stdio")) == "http":
        server.settings |= {"runtime": "external", "port": port or DEFAULT_PORT}
        server.settings |= {"path": path.rstrip("/") or "/"} if path else {}
    elif image is None:
        return clients.use_command(server, [*command, *args], literal)
    else:
        server.settings["transport"] = "stdio"
        server.images.add("image")
        if not command:
            server.to_set("command", clients.NEEDS_COMMAND, server.location)
    if image:
        server.settings["image"] = image
    else:
        server.to_set("image", "the resource has no image", deployment.location)
    if command:
        server.settings["command"] = [command[0].text]
    set_arguments(server, args)
    return True


def set_pods(server: Server, deployment: Fields) -> None:
    """Set variables and the options of the pods."""
    variables = deployment.inner("env")
    for name, value in variables.values.items():
        set_variable(server, name, scalar_text(value), variables.at(name))
    secrets = [each.text("name") for each in deployment.mappings("secretRefs")]
    kubernetes.extend(server, "env_from", [{"secretRef": {"name": name}} for name in secrets if name])
    kubernetes.extend(server, "volume_mounts", deployment.raw("volumeMounts"))
    set_kubernetes_resources(server, deployment.inner("resources"))
    set_replicas(server, deployment.number("replicas"))
    kubernetes.set_metadata(server, deployment)
    account = deployment.inner("serviceAccount")
    annotations = {key: scalar_text(value) for key, value in account.inner("annotations").values.items()}
    if annotations:
        server.settings["service_account"] = {"annotations": annotations}
    account.leave_rest({})
    if policy := deployment.text("imagePullPolicy"):
        server.settings["image_pull_policy"] = policy
    set_spec(server, deployment)


def set_spec(server: Server, deployment: Fields) -> None:
    """Set the fields that kmcp has in common with a PodSpec."""
    names = {"podSecurityContext": "securityContext"} | {
        name: name
        for name in ("volumes", "tolerations", "affinity", "nodeSelector", "imagePullSecrets", "serviceAccountName")
    }
    spec = {field: deployment.raw(name) for name, field in names.items()}
    spec["containers"] = deployment.raw("sidecars")
    kubernetes.set_user(server, deployment.inner("securityContext"))
    found = {key: value for key, value in spec.items() if value}
    kubernetes.set_pod(server, Fields(server.report, found, deployment.location), "mcp")
