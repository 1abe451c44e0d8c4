"""Rules on rendered objects: configurations that the API server accepts and that fail in operation.

A rule is a function of all objects; each has a test with a violation and one without.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.core.manifest import Manifest, identity
from meshed_mcp.components.mesh.cluster.proxy_filters import unsupported_filters
from meshed_mcp.components.mesh.cluster.revision_args import OLDEST_ISTIO
from meshed_mcp.components.mesh.multicluster.manifests import CONTROL_PLANE_ANNOTATION
from meshed_mcp.error_codes import check as codes
from meshed_mcp.infra.checks import routes
from meshed_mcp.infra.checks.autoscalers import AUTOSCALER_RULES
from meshed_mcp.infra.checks.references import Finding, object_title, of_kind, pod_labels

HUNDRED_PERCENT: Final = 100


def rule_issues(objects: Iterable[Manifest]) -> list[ConfigIssue]:
    """Issues of all rules."""
    items = list(objects)
    findings = (finding for rule in RULES for finding in rule(items))
    return [ConfigIssue(object_title(item), field, message) for item, field, message in findings]


def objects_are_registered_once(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Two registrations of one object overwrite each other on every update."""
    counts = Counter(identity(item) for item in objects)
    first = {identity(item): item for item in reversed(objects)}
    for key, count in counts.items():
        if count > 1:
            yield first[key], "metadata.name", codes.REGISTERED_SEVERAL_TIMES.message(count=count)


def weights_sum_to_hundred(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Istio treats any other sum as ratios, without a warning."""
    for item in of_kind(objects, "VirtualService"):
        for number, route in enumerate(item["spec"].get("http", ())):
            weights = [target["weight"] for target in route.get("route", ()) if "weight" in target]
            if weights and sum(weights) != HUNDRED_PERCENT:
                message = codes.WEIGHTS_NOT_HUNDRED.message(total=sum(weights), weights=sum(weights))
                yield item, f"spec.http[{number}].route", message


def streams_have_no_timeout(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """A route timeout interrupts every stream; a retry after the first byte runs a tool twice."""
    for item in of_kind(objects, "VirtualService"):
        for number, route in enumerate(item["spec"].get("http", ())):
            named = routes.matches_single_tools(route)
            if "timeout" in route and not named:
                yield item, f"spec.http[{number}].timeout", codes.TIMEOUT_CUTS_STREAMS.message()
            unsafe = UNSAFE_RETRIES & set(route.get("retries", {}).get("retryOn", "").split(","))
            if unsafe and not named:
                message = codes.RETRY_RUNS_TOOL_TWICE.message(conditions=", ".join(sorted(unsafe)))
                yield item, f"spec.http[{number}].retries.retryOn", message


UNSAFE_RETRIES: Final = frozenset({"5xx", "gateway-error", "reset", "retriable-4xx", "envoy-ratelimited"})
"""Retry conditions under which Envoy sent a POST three times (measured with 5xx, gateway-error, reset)."""


def servers_have_an_allowed_caller(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Deny by default: a server without an ALLOW policy that has rules rejects every request with 403.

    Without a mesh a NetworkPolicy of its MCP port admits callers. Remote clusters are skipped: their policies are in
    the cluster of their control plane.
    """
    annotations = [item["metadata"].get("annotations", {}) for item in of_kind(objects, "Namespace")]
    if any(CONTROL_PLANE_ANNOTATION in each for each in annotations):
        return
    policies = of_kind(objects, "AuthorizationPolicy")
    allowing = [item for item in policies if item["spec"].get("rules") and item["spec"].get("action") == "ALLOW"]
    networks = of_kind(objects, "NetworkPolicy") if not policies else []
    admitting = [item for item in networks if any(admits_callers(rule) for rule in item["spec"].get("ingress", ()))]
    for item in servers(objects):
        labels, namespace = pod_labels(item), item["metadata"]["namespace"]
        if not any(selects(policy, namespace, labels) for policy in (*allowing, *admitting)):
            yield item, "", codes.NO_ALLOWED_CALLER.message()


def admits_callers(rule: Manifest) -> bool:
    """Whether a rule of a NetworkPolicy admits named pods to the MCP port."""
    return bool(rule.get("from")) and any(port.get("port") == contract.MCP_PORT for port in rule.get("ports", ()))


def selects(policy: Manifest, namespace: str, labels: dict[str, str]) -> bool:
    """Whether a policy or budget selects pods with `labels`; without a selector, all pods of its namespace."""
    spec = policy["spec"]
    wanted = (spec.get("selector") or spec.get("podSelector") or {}).get("matchLabels", {})
    return bool(policy["metadata"]["namespace"] == namespace and wanted.items() <= labels.items())


def targets_have_one_autoscaler(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Two autoscalers of one workload conflict."""
    scalers = of_kind(objects, "ScaledObject", "HorizontalPodAutoscaler")
    references = [(item["metadata"]["namespace"], item["spec"]["scaleTargetRef"]) for item in scalers]
    targets = [(namespace, to.get("kind", "Deployment"), to["name"]) for namespace, to in references]
    for item, target in zip(scalers, targets, strict=True):
        if targets.count(target) > 1:
            yield item, "spec.scaleTargetRef", codes.TWO_AUTOSCALERS.message()


def disruption_budgets_allow_drains(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """A budget that allows no disruption blocks node drains; evictions of a pod with two budgets fail."""
    budgets = of_kind(objects, "PodDisruptionBudget")
    for item in budgets:
        spec = item["spec"]
        for field, blocking in (("maxUnavailable", (0, "0%")), ("minAvailable", ("100%",))):
            if spec.get(field) in blocking:
                yield item, f"spec.{field}", codes.BUDGET_BLOCKS_DRAIN.message(value=spec[field])
    for server in servers(objects):
        labels, namespace = pod_labels(server), server["metadata"]["namespace"]
        found = [item for item in budgets if selects(item, namespace, labels)]
        if len(found) > 1:
            names = " and ".join(item["metadata"]["name"] for item in found)
            yield server, "", codes.TWO_BUDGETS.message(names=names)


def servers_meet_restricted_profile(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """The Pod Security Standard "restricted" would reject the pod after the deployment has succeeded."""
    for item in servers(objects):
        pod = item["spec"]["template"]["spec"]
        pod_context = pod.get("securityContext", {})
        for place, container in containers_of(pod):
            context = {**pod_context, **container.get("securityContext", {})}
            for field, wanted in RESTRICTED.items():
                if context.get(field) != wanted:
                    path = f"spec.template.spec.{place}.securityContext.{field}"
                    yield item, path, codes.POD_NOT_RESTRICTED.message(value=context.get(field), wanted=wanted)


def containers_of(pod: Manifest) -> Iterator[tuple[str, Manifest]]:
    """Place and container of every container of a pod, init containers included."""
    for field in ("initContainers", "containers"):
        yield from ((f"{field}[{number}]", each) for number, each in enumerate(pod.get(field, ())))


RESTRICTED: Final[dict[str, Any]] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""Source: Kubernetes, "Pod Security Standards", profile Restricted."""


def grace_period_exceeds_drain(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """The kubelet kills a draining pod when the grace period ends."""
    for item in servers(objects):
        pod = item["spec"]["template"]["spec"]
        grace = pod.get("terminationGracePeriodSeconds", KUBERNETES_GRACE_SECONDS)
        variables = [variable for container in pod["containers"] for variable in container.get("env", ())]
        values = [each["value"] for each in variables if each["name"] == contract.ENV_GRACE_SECONDS and "value" in each]
        drain = max(map(int, values or ["0"]))
        if drain >= grace:
            path = "spec.template.spec.terminationGracePeriodSeconds"
            yield item, path, codes.GRACE_BEFORE_DRAIN.message(grace=grace, drain=drain)


KUBERNETES_GRACE_SECONDS: Final = 30
"""Source: Kubernetes API, default of `terminationGracePeriodSeconds`."""


def proxies_support_every_filter(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Istio's proxy rejects a listener with a filter that it lacks, and on a gateway every route."""
    oldest = ".".join(map(str, OLDEST_ISTIO))
    for item in of_kind(objects, "EnvoyFilter"):
        for name in unsupported_filters(item, oldest):
            yield item, "spec.configPatches", codes.FILTER_NOT_IN_PROXY.message(name=name, oldest=oldest)


def servers(objects: Sequence[Manifest]) -> list[Manifest]:
    """Deployments with the container of an MCP server, the registry included."""
    found = []
    for item in of_kind(objects, "Deployment"):
        names = {container["name"] for container in item["spec"]["template"]["spec"]["containers"]}
        found += [item] if contract.CONTAINER_NAME in names else []
    return found


RULES: Final[tuple[Callable[[Sequence[Manifest]], Iterator[Finding]], ...]] = (
    objects_are_registered_once,
    weights_sum_to_hundred,
    streams_have_no_timeout,
    servers_have_an_allowed_caller,
    targets_have_one_autoscaler,
    disruption_budgets_allow_drains,
    servers_meet_restricted_profile,
    grace_period_exceeds_drain,
    proxies_support_every_filter,
    routes.hosts_are_routed_once,
    routes.session_rules_precede_version_rules,
    *AUTOSCALER_RULES,
)
"""All rules, in the order of the report."""
