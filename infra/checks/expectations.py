"""What parts of the cluster that a stack does not install must have: one line each, for notes and for a live check."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from meshed_mcp.components.core.scraping import SERVER_SECONDS
from meshed_mcp.components.mesh.cluster.revision_args import OLDEST_ISTIO
from meshed_mcp.error_codes.check import EXISTING_PART_NEEDS
from meshed_mcp.error_codes.code import Message
from meshed_mcp.infra.checks.existing import MESH, MONITORING, is_existing
from meshed_mcp.infra.recording import Recording

SCALING: Final = "meshed-mcp:index:AutoscalingPolicy"
"""Type of the component. Source: components/autoscaling/component.py."""

Inputs = Mapping[str, Any]


class Expectation(NamedTuple):
    """Something that an existing part must have."""

    part: str
    """`istio`, `gateway`, `prometheus`, `grafana`, `collector`, `keda`."""

    subject: str
    """What is looked at: `version`, `revision`, `extension provider`."""

    wanted: str
    """What it must be, in one sentence's end."""


def expectations(recording: Recording) -> list[Expectation]:
    """Everything that the existing parts must have, in the order of the components."""
    sources = {MESH: mesh_expectations, MONITORING: monitoring_expectations, SCALING: scaling_expectations}
    return [
        found for item in recording.registrations if item.type in sources for found in sources[item.type](item.inputs)
    ]


def existing_notes(recording: Recording) -> list[Message]:
    """The expectations as notes."""
    return [
        EXISTING_PART_NEEDS.message(part=each.part, subject=each.subject, wanted=each.wanted)
        for each in expectations(recording)
    ]


def mesh_expectations(mesh: Inputs) -> Iterator[Expectation]:
    """Of an existing Istio and its ingress gateway."""
    if is_existing(mesh):
        yield from istio_expectations(mesh)
    gateway = mesh["gateway"]
    if not is_existing(gateway) or mesh["mode"] == "none":
        return
    if (name := gateway.get("name")) is not None:
        hosts = ", ".join([mesh["domain"], *mesh.get("hosts", {})])
        yield Expectation("gateway", "Gateway object", f"{name} with the hosts {hosts}")
        return
    labels = ", ".join(f"{key}: {value}" for key, value in gateway["selector"].items())
    place = f"in {gateway['namespace']} with the labels {labels}"
    yield Expectation("gateway", "pods", f"{place} and the service account {gateway['serviceAccount']}")
    for secret in sorted({each for each in (mesh.get("tlsSecret"), *mesh.get("hosts", {}).values()) if each}):
        yield Expectation("gateway", "TLS Secret", f"{gateway['namespace']}/{secret}")


def istio_expectations(mesh: Inputs) -> Iterator[Expectation]:
    """Of an existing control plane; the rest comes from objects in the stack's own namespaces."""
    major, minor = OLDEST_ISTIO
    yield Expectation("istio", "version", f"{major}.{minor} or newer")
    revision = mesh.get("revision") or "default"
    yield Expectation("istio", "revision", f"{revision}, with istiod in {mesh['rootNamespace']}")
    yield Expectation("istio", "meshConfig.trustDomain", mesh["trustDomain"])
    labels = {"kubernetes.io/metadata.name": ", ".join(mesh["namespaces"]), **mesh.get("namespaceLabels", {})}
    selected = ", ".join(f"{key}: {value}" for key, value in labels.items())
    yield Expectation("istio", "meshConfig.discoverySelectors", f"none, or matching namespaces with {selected}")
    providers = [mesh.get("tracingProvider"), mesh.get("accessLogProvider"), *mesh.get("externalAuthorizers", {})]
    for provider in (each for each in providers if each):
        yield Expectation("istio", "meshConfig.extensionProviders", f"with a provider named {provider}")
    if mesh["mode"] == "ambient":
        policy = "meshConfig.defaultHttpRetryPolicy"
        yield Expectation("istio", policy, "connect-failure,refused-stream only, or a tool may run twice")
    if mesh["trafficCapture"] == "cni" and mesh["mode"] == "sidecar":
        yield Expectation("istio", "istio-cni", "installed, or set traffic_capture: init-container")


def monitoring_expectations(stack: Inputs) -> Iterator[Expectation]:
    """Of an existing Prometheus, Grafana and collector."""
    prometheus, grafana, collector = stack["prometheus"], stack["grafana"], stack["jaeger"]
    if is_existing(prometheus):
        monitors, rules = stack.get("monitorLabels") or {}, stack.get("ruleLabels")
        yield Expectation("prometheus", "podMonitorSelector", f"empty, or matching {labels_text(monitors)}")
        rule_labels = monitors if rules is None else rules
        yield Expectation("prometheus", "ruleSelector", f"empty, or matching {labels_text(rule_labels)}")
        namespaces = "empty, or matching the namespaces of services and monitoring"
        yield Expectation("prometheus", "podMonitorNamespaceSelector and ruleNamespaceSelector", namespaces)
        yield Expectation("prometheus", "enableFeatures", "with exemplar-storage, for links from metrics to traces")
        interval = f"not limited above {SERVER_SECONDS} s, the interval of MCP servers"
        yield Expectation("prometheus", "scrape interval", interval)
        yield Expectation("prometheus", "targets", "kube-state-metrics and cAdvisor, which rules and dashboards read")
    if is_existing(grafana):
        wanted = labels_text(grafana["dashboardLabels"])
        yield Expectation("grafana", "sidecar.dashboards", f"finds ConfigMaps with {wanted} in {stack['namespace']}")
    if is_existing(collector):
        yield Expectation("collector", "receiver", f"OTLP over HTTP at {collector['otlpEndpoint']}")


def scaling_expectations(policy: Inputs) -> Iterator[Expectation]:
    """Of an existing KEDA and VPA."""
    if is_existing(policy["keda"]):
        yield Expectation("keda", "operator", f"in {policy['keda']['namespace']}, allowed to query Prometheus")
    if is_existing(policy["vpa"]):
        yield Expectation("vpa", "controllers", "recommender, updater and admission controller")


def labels_text(labels: Mapping[str, str]) -> str:
    """Labels as a stack file has them."""
    return ", ".join(f"{key}: {value}" for key, value in labels.items()) or "objects without further labels"
