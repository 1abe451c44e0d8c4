"""`meshed-mcp check`: the repository's stacks pass, and each single violation in them is reported."""

import copy

import pytest

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.infra.checks import check
from meshed_mcp.infra.checks.references import reference_issues
from meshed_mcp.infra.checks.rules import rule_issues
from meshed_mcp.infra.checks.schema import schema_issues
from tests.stacks import STACKS, recording
from tests.unit.infra.damages import Damage, damage, lines, one


@pytest.fixture
def objects() -> list[Manifest]:
    """The objects of dev, to be damaged."""
    return copy.deepcopy(recording("dev").objects)


@pytest.mark.parametrize("stack", [*STACKS, "servers"])
def test_the_repositorys_stacks_have_no_errors(stack: str) -> None:
    """Requirement CMP-14: `check` passes for both stacks, and for one with a server of each kind."""
    assert lines(check(recording(stack)).issues) == []


def test_secrets_of_servers_behind_the_bridge_are_listed() -> None:
    """Requirement CMP-15: native sidecars read Secrets too, and the bridge those of a remote server."""
    listed = {(each.name, each.keys, each.used_by[0]) for each in check(recording("servers")).required}
    for name, key in (("mcp-github", "token"), ("mcp-docs", "api-key"), ("mcp-crm", "token")):
        assert (name, (key,), f"Deployment mcp-system/{name}") in listed, name


@pytest.mark.parametrize("number", [0, 1])
def test_a_privileged_init_container_is_an_error(number: int) -> None:
    """Kubernetes, "Pod Security Standards", Restricted: init containers and native sidecars are checked alike."""
    found = copy.deepcopy(recording("servers"))
    pod = one(found.objects, "Deployment", "mcp-github")["spec"]["template"]["spec"]
    pod["initContainers"][number]["securityContext"]["allowPrivilegeEscalation"] = True
    (line,) = lines(check(found).issues)
    path = f"spec.template.spec.initContainers[{number}].securityContext.allowPrivilegeEscalation"
    assert line.startswith(f"Deployment mcp-system/mcp-github: {path}: ")


@pytest.mark.parametrize(("injected", "issues"), [("true", 0), ("false", 1)])
def test_metrics_port_of_a_sidecar_exists_in_injected_pods(objects: list[Manifest], injected: str, issues: int) -> None:
    """Requirement SIG-1; Istio, injection template: the container of the sidecar has the port, the Deployment not."""
    one(objects, "PodMonitor", "mcp-rag")["spec"]["podMetricsEndpoints"][0]["port"] = "http-envoy-prom"
    template = one(objects, "Deployment", "mcp-rag")["spec"]["template"]
    template["metadata"]["labels"]["sidecar.istio.io/inject"] = injected
    found, _ = reference_issues(objects)
    assert len([text for text in lines(found) if "http-envoy-prom" in text]) == issues


SCHEMA_DAMAGES: dict[str, tuple[Damage, str]] = {
    "seed correction 4, circuitBreaker": (
        damage("DestinationRule", "mcp-rag", "spec.trafficPolicy.circuitBreaker", {}),
        "DestinationRule mcp-system/mcp-rag: spec.trafficPolicy.circuitBreaker: unknown field; known here",
    ),
    "misspelled field of a built-in kind": (
        damage("Deployment", "mcp-rag", "spec.template.spec.containers.0.imagee", "x"),
        "Deployment mcp-system/mcp-rag: spec.template.spec.containers[0].imagee: unknown field; did you mean image?",
    ),
    "text for a number": (
        damage("Deployment", "mcp-rag", "spec.replicas", "2"),
        "Deployment mcp-system/mcp-rag: spec.replicas: '2' is not of type \"integer\"",
    ),
    "number for text": (
        damage("Service", "mcp-rag", "spec.selector.app", 7),
        'Service mcp-system/mcp-rag: spec.selector.app: 7 is not of type "string"',
    ),
    "a value outside an enum": (
        damage("PeerAuthentication", "default", "spec.mtls.mode", "BOGUS"),
        "PeerAuthentication istio-system/default: spec.mtls.mode: 'BOGUS' is not one of",
    ),
    "a value outside a built-in kind's enum": (
        damage("Deployment", "mcp-rag", "spec.template.spec.containers.0.imagePullPolicy", "Sometimes"),
        (
            "Deployment mcp-system/mcp-rag: spec.template.spec.containers[0].imagePullPolicy: "
            '\'Sometimes\' is not one of "Always", "IfNotPresent" or "Never"'
        ),
    ),
    "a list for text or number": (
        damage("Service", "mcp-rag", "spec.ports.0.targetPort", ["http"]),
        "Service mcp-system/mcp-rag: spec.ports[0].targetPort: ['http'] is not of types",
    ),
    "a number below its minimum": (
        damage("DestinationRule", "mcp-rag", "spec.trafficPolicy.outlierDetection.consecutive5xxErrors", -1),
        (
            "DestinationRule mcp-system/mcp-rag: spec.trafficPolicy.outlierDetection.consecutive5xxErrors: "
            "-1 is less than the minimum of 0"
        ),
    ),
    "a text that is no duration": (
        damage("PodMonitor", "mcp-rag", "spec.podMetricsEndpoints.0.interval", "often"),
        "PodMonitor mcp-system/mcp-rag: spec.podMetricsEndpoints[0].interval: 'often' does not match",
    ),
    "a required field that is missing": (
        damage(
            "ScaledObject", "mcp-controller", "spec.triggers.0.authenticationRef", {"kind": "TriggerAuthentication"}
        ),
        'ScaledObject mcp-system/mcp-controller: spec.triggers[0].authenticationRef: "name" is a required property',
    ),
    "a label of a custom resource that is no text": (
        damage("PodMonitor", "mcp-rag", "metadata.labels.team", 7),
        'PodMonitor mcp-system/mcp-rag: metadata.labels.team: 7 is not of type "string"',
    ),
    "a misspelled kind": (
        damage("PodMonitor", "mcp-rag", "kind", "PodMonitr"),
        (
            "PodMonitr mcp-system/mcp-rag: apiVersion: monitoring.coreos.com/v1 has no kind PodMonitr; "
            "did you mean PodMonitor?"
        ),
    ),
    "a version that is not served": (
        damage("VirtualService", "mcp-rag", "apiVersion", "networking.istio.io/v7"),
        "VirtualService mcp-system/mcp-rag: apiVersion: no served version networking.istio.io/v7 of",
    ),
    "a metadata value that is no text": (
        damage("ScaledObject", "mcp-controller", "spec.triggers.0.metadata.threshold", 28),
        'ScaledObject mcp-system/mcp-controller: spec.triggers[0].metadata.threshold: 28 is not of type "string"',
    ),
}


@pytest.mark.parametrize(("apply", "line"), SCHEMA_DAMAGES.values(), ids=SCHEMA_DAMAGES)
def test_an_object_that_the_api_server_would_reject_or_prune_is_an_error(
    objects: list[Manifest], apply: Damage, line: str
) -> None:
    """Kubernetes API: unknown fields are pruned silently, unless strict validation is requested."""
    apply(objects)
    found = [fault for item in objects for fault in schema_issues(item)]
    assert len(found) == 1
    assert str(found[0]).startswith(line)


REFERENCE_DAMAGES: dict[str, tuple[Damage, str]] = {
    "route's host": (
        damage("VirtualService", "mcp-rag", "spec.http.0.route.0.destination.host", "mcp-rug"),
        (
            "VirtualService mcp-system/mcp-rag: spec.http[0].route: "
            "Service mcp-system/mcp-rug is not in this stack; did you mean mcp-rag?"
        ),
    ),
    "seed correction 3, subset that is not defined": (
        damage("VirtualService", "mcp-rag", "spec.http.0.route.0.destination.subset", "canary"),
        (
            "VirtualService mcp-system/mcp-rag: spec.http[0].route: "
            "subset canary of mcp-rag.mcp-system.svc.cluster.local is not defined; known here: stable"
        ),
    ),
    "subset without pods": (
        damage("DestinationRule", "mcp-rag", "spec.subsets.0.labels.version", "stabel"),
        "DestinationRule mcp-system/mcp-rag: spec.subsets: subset stable: no workload of namespace",
    ),
    "gateway": (
        damage("VirtualService", "mcp-template-ingress", "spec.gateways.0", "istio-ingress/mpc"),
        (
            "VirtualService mcp-system/mcp-template-ingress: spec.gateways: "
            "Gateway istio-ingress/mpc is not in this stack; did you mean mcp?"
        ),
    ),
    "caller": (
        damage(
            "AuthorizationPolicy",
            "mcp-rag",
            "spec.rules.0.from.0.source.principals.0",
            "cluster.local/ns/mcp-system/sa/mcp-contrller",
        ),
        (
            "AuthorizationPolicy mcp-system/mcp-rag: spec.rules[0].from: "
            "ServiceAccount mcp-system/mcp-contrller is not in this stack; did you mean mcp-controller?"
        ),
    ),
    "selector without pods": (
        damage("PodDisruptionBudget", "mcp-rag", "spec.selector.matchLabels", {"app": "mcp-rog"}),
        (
            "PodDisruptionBudget mcp-system/mcp-rag: spec.selector: no workload of namespace "
            "mcp-system has pods with the labels {'app': 'mcp-rog'}; set the labels of a workload"
        ),
    ),
    "port that no pod has": (
        damage("PodMonitor", "mcp-rag", "spec.podMetricsEndpoints.0.port", "metrics"),
        (
            "PodMonitor mcp-system/mcp-rag: port: no pod behind the selector has a port named metrics; "
            "did you mean http-metrics?"
        ),
    ),
    "autoscaler's target": (
        damage("ScaledObject", "mcp-controller", "spec.scaleTargetRef.name", "mcp-controler"),
        (
            "ScaledObject mcp-system/mcp-controller: spec.scaleTargetRef.name: "
            "Deployment mcp-system/mcp-controler is not in this stack; did you mean mcp-controller?"
        ),
    ),
    "namespace": (
        damage("ConfigMap", "jaeger", "metadata.namespace", "monitorng"),
        (
            "ConfigMap monitorng/jaeger: metadata.namespace: "
            "namespace monitorng is not in this stack; did you mean monitoring?"
        ),
    ),
}


@pytest.mark.parametrize(("apply", "line"), REFERENCE_DAMAGES.values(), ids=REFERENCE_DAMAGES)
def test_a_dangling_reference_suggests_the_nearest_name(objects: list[Manifest], apply: Damage, line: str) -> None:
    """Requirement CMP-14: references between objects are checked."""
    apply(objects)
    assert any(found.startswith(line) for found in lines(reference_issues(objects)[0]))


def no_rules(objects: list[Manifest]) -> None:
    """Leave a server under default deny alone."""
    one(objects, "AuthorizationPolicy", "mcp-rag")["spec"]["rules"] = []


def second_autoscaler(objects: list[Manifest]) -> None:
    """Give one Deployment two autoscalers."""
    twin = copy.deepcopy(one(objects, "ScaledObject", "mcp-controller"))
    objects.append({**twin, "metadata": {**twin["metadata"], "name": "twin"}})


def same_object_twice(objects: list[Manifest]) -> None:
    """Render one object twice."""
    objects.append(copy.deepcopy(one(objects, "Service", "mcp-rag")))


def second_budget(objects: list[Manifest]) -> None:
    """Give one server's pods two budgets."""
    twin = copy.deepcopy(one(objects, "PodDisruptionBudget", "mcp-rag"))
    objects.append({**twin, "metadata": {**twin["metadata"], "name": "twin"}})


RULE_DAMAGES: dict[str, tuple[Damage, str]] = {
    "weights": (
        damage("VirtualService", "mcp-rag", "spec.http.0.route.0.weight", 90),
        "VirtualService mcp-system/mcp-rag: spec.http[0].route: weights sum to 90, not 100; change one of 90",
    ),
    "time-out": (
        damage("VirtualService", "mcp-rag", "spec.http.0.timeout", "15s"),
        "VirtualService mcp-system/mcp-rag: spec.http[0].timeout: a time-out on a route interrupts MCP streams",
    ),
    "retries": (
        damage("VirtualService", "mcp-rag", "spec.http.0.retries.retryOn", "5xx,reset,connect-failure"),
        "VirtualService mcp-system/mcp-rag: spec.http[0].retries.retryOn: 5xx, reset runs a tool twice; set",
    ),
    "no allowed caller": (no_rules, "Deployment mcp-system/mcp-rag: no caller is allowed; set callers"),
    "two autoscalers": (
        second_autoscaler,
        "ScaledObject mcp-system/twin: spec.scaleTargetRef: another autoscaler has the same target; remove one",
    ),
    "one object twice": (
        same_object_twice,
        "Service mcp-system/mcp-rag: metadata.name: is registered 2 times; set a name for each",
    ),
    "budget that blocks": (
        damage("PodDisruptionBudget", "mcp-rag", "spec.maxUnavailable", 0),
        "PodDisruptionBudget mcp-system/mcp-rag: spec.maxUnavailable: 0 lets no pod go, so no node can be drained",
    ),
    "two budgets": (
        second_budget,
        "Deployment mcp-system/mcp-rag: the PodDisruptionBudgets mcp-rag and twin select its pods",
    ),
    "privilege": (
        damage(
            "Deployment",
            "mcp-rag",
            "spec.template.spec.containers.0.securityContext.allowPrivilegeEscalation",
            True,
        ),
        (
            "Deployment mcp-system/mcp-rag: spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation: "
            "is True; set False"
        ),
    ),
    "grace period": (
        damage("Deployment", "mcp-rag", "spec.template.spec.terminationGracePeriodSeconds", 20),
        (
            "Deployment mcp-system/mcp-rag: spec.template.spec.terminationGracePeriodSeconds: "
            "20 s end before the drain of 30 s does; set more than 30"
        ),
    ),
}


@pytest.mark.parametrize(("apply", "line"), RULE_DAMAGES.values(), ids=RULE_DAMAGES)
def test_a_rule_fires_on_its_violation_only(objects: list[Manifest], apply: Damage, line: str) -> None:
    """Requirement CMP-14: each rule of the product fires on its violation, and on nothing else."""
    assert rule_issues(objects) == []
    apply(objects)
    assert any(found.startswith(line) for found in lines(rule_issues(objects)))


def test_policies_of_a_remote_cluster_are_in_the_cluster_of_its_control_plane() -> None:
    """Istio, "Deployment Models": a control plane reads the policies of its own cluster."""
    objects = copy.deepcopy(recording("remote").objects)
    assert not [item for item in objects if item["kind"] == "AuthorizationPolicy"]
    assert rule_issues(objects) == []
    del one(objects, "Namespace", "istio-system")["metadata"]["annotations"]
    assert lines(rule_issues(objects)) == [
        "Deployment mcp-system/mcp-rag: no caller is allowed; set callers: [...] or expose: true"
    ]
