"""Our own rules on what a stack may register: what schemas accept, Kubernetes runs, and an operator regrets.

Objects in, issues out. A rule is a function of all objects; each has a test that it fires and one that it does not.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.core.manifest import Manifest, identity
from meshed_mcp.components.mesh.cluster.proxy_filters import foreign_filters
from meshed_mcp.components.mesh.cluster.revision_args import ISTIO_FLOOR
from meshed_mcp.components.mesh.multicluster.manifests import CONTROL_PLANE_ANNOTATION
from meshed_mcp.error_codes.check import (
    BUDGET_BLOCKS_DRAIN,
    FILTER_NOT_IN_PROXY,
    GRACE_BEFORE_DRAIN,
    NO_ALLOWED_CALLER,
    POD_NOT_RESTRICTED,
    REGISTERED_SEVERAL_TIMES,
    RETRY_RUNS_TOOL_TWICE,
    TIMEOUT_CUTS_STREAMS,
    TWO_AUTOSCALERS,
    TWO_BUDGETS,
    WEIGHTS_NOT_HUNDRED,
)
from meshed_mcp.infra.checks.autoscalers import AUTOSCALER_RULES
from meshed_mcp.infra.checks.references import belongs_to_server, pod_labels, title
from meshed_mcp.infra.checks.routes import (
    Finding,
    names_its_tools,
    one_route_for_a_request,
    sessions_before_choices,
)

HUNDRED_PERCENT: Final = 100


def rule_issues(objects: Iterable[Manifest]) -> list[ConfigIssue]:
    """Every finding of every rule."""
    items = list(objects)
    findings = (finding for rule in RULES for finding in rule(items))
    return [ConfigIssue(title(item), field, message) for item, field, message in findings]


def unique_identities(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Two registrations of one object overwrite each other for ever."""
    counts = Counter(identity(item) for item in objects)
    seen = set()
    for item in objects:
        if counts[identity(item)] > 1 and identity(item) not in seen:
            seen.add(identity(item))
            yield item, "metadata.name", REGISTERED_SEVERAL_TIMES.message(count=counts[identity(item)])


def weights_sum_to_all(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Istio reads any other sum as ratios without a word."""
    for item in of_kind(objects, "VirtualService"):
        for number, route in enumerate(item["spec"].get("http", ())):
            weights = [target["weight"] for target in route.get("route", ()) if "weight" in target]
            if weights and sum(weights) != HUNDRED_PERCENT:
                message = WEIGHTS_NOT_HUNDRED.message(total=sum(weights), weights=sum(weights))
                yield item, f"spec.http[{number}].route", message


def streams_have_no_timeout(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """A route's time-out cuts every stream; a retry after a byte runs a tool twice."""
    for item in of_kind(objects, "VirtualService"):
        for number, route in enumerate(item["spec"].get("http", ())):
            named = names_its_tools(route)
            if "timeout" in route and not named:
                message = TIMEOUT_CUTS_STREAMS.message()
                yield item, f"spec.http[{number}].timeout", message
            unsafe = UNSAFE_RETRIES & set(route.get("retries", {}).get("retryOn", "").split(","))
            if unsafe and not named:
                message = RETRY_RUNS_TOOL_TWICE.message(conditions=", ".join(sorted(unsafe)))
                yield item, f"spec.http[{number}].retries.retryOn", message


UNSAFE_RETRIES: Final = frozenset({"5xx", "gateway-error", "reset", "retriable-4xx", "envoy-ratelimited"})
"""Retry conditions under which Envoy sent a POST three times (measured with 5xx, gateway-error, reset)."""


def every_server_is_allowed_to_somebody(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Under default deny, a server without an allow policy that has a rule answers 403 to all.

    The policies of a remote cluster are in that of its control plane, so nothing can be said of them here.
    """
    if any(
        CONTROL_PLANE_ANNOTATION in item["metadata"].get("annotations", {}) for item in of_kind(objects, "Namespace")
    ):
        return
    policies = of_kind(objects, "AuthorizationPolicy")
    opening = [item for item in policies if item["spec"].get("rules") and item["spec"].get("action") == "ALLOW"]
    for item in servers(objects):
        labels, namespace = pod_labels(item), item["metadata"]["namespace"]
        if not any(selects(policy, namespace, labels) for policy in opening):
            yield item, "", NO_ALLOWED_CALLER.message()


def selects(policy: Manifest, namespace: str, labels: dict[str, str]) -> bool:
    """Whether a policy is for pods with `labels` in `namespace`; one without a selector is for all of its namespace."""
    wanted = policy["spec"].get("selector", {}).get("matchLabels", {})
    return bool(policy["metadata"]["namespace"] == namespace and wanted.items() <= labels.items())


def one_autoscaler_each(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Two autoscalers on one workload undo each other."""
    targets = Counter(target_of(item) for item in of_kind(objects, "ScaledObject", "HorizontalPodAutoscaler"))
    for item in of_kind(objects, "ScaledObject", "HorizontalPodAutoscaler"):
        if targets[target_of(item)] > 1:
            yield item, "spec.scaleTargetRef", TWO_AUTOSCALERS.message()


def drains_may_go_on(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """A budget that never lets a pod go blocks node drains for ever; of two for one pod, evictions fail."""
    budgets = of_kind(objects, "PodDisruptionBudget")
    for item in budgets:
        spec = item["spec"]
        for field, blocking in (("maxUnavailable", (0, "0%")), ("minAvailable", ("100%",))):
            if spec.get(field) in blocking:
                yield (
                    item,
                    f"spec.{field}",
                    BUDGET_BLOCKS_DRAIN.message(value=spec[field]),
                )
    for server in servers(objects):
        labels, namespace = pod_labels(server), server["metadata"]["namespace"]
        found = [item for item in budgets if selects(item, namespace, labels)]
        if len(found) > 1:
            names = " and ".join(item["metadata"]["name"] for item in found)
            yield server, "", TWO_BUDGETS.message(names=names)


def servers_are_restricted(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Pod security "restricted" refuses the pod otherwise, long after `up` has succeeded."""
    for item in servers(objects):
        pod = item["spec"]["template"]["spec"]
        pod_context = pod.get("securityContext", {})
        for number, container in enumerate(pod["containers"]):
            context = {**pod_context, **container.get("securityContext", {})}
            for field, wanted in RESTRICTED.items():
                if context.get(field) != wanted:
                    path = f"spec.template.spec.containers[{number}].securityContext.{field}"
                    yield item, path, POD_NOT_RESTRICTED.message(value=context.get(field), wanted=wanted)


RESTRICTED: Final[dict[str, Any]] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""Source: Kubernetes, "Pod Security Standards", profile Restricted."""


def servers_can_drain(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """The kubelet kills what is still draining when the grace period ends."""
    for item in servers(objects):
        pod = item["spec"]["template"]["spec"]
        grace = pod.get("terminationGracePeriodSeconds", KUBERNETES_GRACE_SECONDS)
        drain = max(int(value) for value in env_values(pod, contract.ENV_GRACE_SECONDS) or ["0"])
        if drain >= grace:
            message = GRACE_BEFORE_DRAIN.message(grace=grace, drain=drain)
            yield item, "spec.template.spec.terminationGracePeriodSeconds", message


KUBERNETES_GRACE_SECONDS: Final = 30
"""Source: Kubernetes API, default of `terminationGracePeriodSeconds`."""


def proxies_have_every_filter(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Istio's proxy lacks some of Envoy's filters; one it lacks costs the whole listener, on a gateway every route."""
    oldest = ".".join(map(str, ISTIO_FLOOR))
    for item in of_kind(objects, "EnvoyFilter"):
        for name in foreign_filters(item, oldest):
            yield item, "spec.configPatches", FILTER_NOT_IN_PROXY.message(name=name, oldest=oldest)


def of_kind(objects: Sequence[Manifest], *kinds: str) -> list[Manifest]:
    """Objects of some kinds."""
    return [item for item in objects if item["kind"] in kinds]


def servers(objects: Sequence[Manifest]) -> list[Manifest]:
    """Deployments of MCP servers and of the registry."""
    return [item for item in of_kind(objects, "Deployment") if belongs_to_server(item)]


def target_of(item: Manifest) -> tuple[str, str, str]:
    """Namespace, kind and name of what an autoscaler scales."""
    target = item["spec"]["scaleTargetRef"]
    return item["metadata"]["namespace"], target.get("kind", "Deployment"), target["name"]


def env_values(pod: dict[str, Any], name: str) -> list[str]:
    """Plain values of an environment variable in a pod's containers."""
    variables = [variable for container in pod["containers"] for variable in container.get("env", ())]
    return [variable["value"] for variable in variables if variable["name"] == name and "value" in variable]


RULES: Final[tuple[Callable[[Sequence[Manifest]], Iterator[Finding]], ...]] = (
    unique_identities,
    weights_sum_to_all,
    streams_have_no_timeout,
    every_server_is_allowed_to_somebody,
    one_autoscaler_each,
    drains_may_go_on,
    servers_are_restricted,
    servers_can_drain,
    proxies_have_every_filter,
    one_route_for_a_request,
    sessions_before_choices,
    *AUTOSCALER_RULES,
)
"""All rules, in the order of their reports."""
