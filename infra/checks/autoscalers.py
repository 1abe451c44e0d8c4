"""Rules on what scales: what KEDA's webhook and the API server accept, and what then scales nothing or twice.

Objects in, findings out. They judge ScaledObjects, HPAs and VPAs of any program that uses the components; what a stack
writes is refused earlier, in its own words. Not here: that a target exists (references.py), that it has one autoscaler
(rules.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from meshed_mcp.components.core.errors import excerpt, suggestion
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.error_codes.check import (
    FALLBACK_NEVER_ACTS,
    REQUEST_MISSING,
    RESIZED_AND_SCALED,
    TRIGGER_NOT_A_NUMBER,
    UNKNOWN_TRIGGER,
    UPDATE_MODE_IS_FALSE,
    ZERO_NEVER_LEFT,
)
from meshed_mcp.infra.checks.keda_triggers import NUMBERS, RESOURCES, TRIGGER_TYPES
from meshed_mcp.infra.checks.references import title
from meshed_mcp.infra.checks.routes import Finding

KEDA_MINIMUM: Final = 0
"""Size that KEDA shrinks to where nothing is written. Source: KEDA, ScaledObject, `minReplicaCount`."""

RECREATE: Final = "Recreate"
"""What a VPA does where nothing is written. Source: VPA, `updateMode`."""

ANY_CONTAINER: Final = "*"
"""Source: VPA, `containerPolicies[].containerName`, the policy of all that have none."""


def triggers_are_known(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """An unknown trigger, or a number that is none: accepted, and no HPA follows (measured)."""
    for item in of_kind(objects, "ScaledObject"):
        for number, trigger in enumerate(item["spec"]["triggers"]):
            field, kind = f"spec.triggers[{number}]", trigger["type"]
            if kind not in TRIGGER_TYPES:
                message = UNKNOWN_TRIGGER.message(kind=kind, suggested=suggestion(kind, sorted(TRIGGER_TYPES)))
                yield item, f"{field}.type", message
            for key in sorted(NUMBERS & trigger["metadata"].keys()):
                if not is_number(trigger["metadata"][key]):
                    yield (
                        item,
                        f"{field}.metadata.{key}",
                        TRIGGER_NOT_A_NUMBER.message(value=excerpt(trigger["metadata"][key])),
                    )


def composites_keep_their_fallback(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """KEDA reads a composite's target as a whole number where there is a fallback; another ends it in silence."""
    for item in of_kind(objects, "ScaledObject"):
        modifiers = item["spec"].get("advanced", {}).get("scalingModifiers", {})
        target = modifiers.get("target")
        if target is not None and "fallback" in item["spec"] and not str(target).isdecimal():
            message = FALLBACK_NEVER_ACTS.message(target=excerpt(target))
            yield item, "spec.advanced.scalingModifiers.target", message


def zero_can_be_left(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Where no pod runs, no CPU and no memory is used: nothing would ever add the first one."""
    for item in of_kind(objects, "ScaledObject"):
        kinds = {trigger["type"] for trigger in item["spec"]["triggers"]}
        if kinds <= RESOURCES and item["spec"].get("minReplicaCount", KEDA_MINIMUM) == 0:
            message = ZERO_NEVER_LEFT.message()
            yield item, "spec.minReplicaCount", message


def counted_resources_are_requested(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """A share of a request that nobody made is no number: the HPA says so in its events and does nothing."""
    workloads = deployments(objects)
    for item, wanted in counting(objects, shares=True):
        pod = workloads.get(target_of(item), {})
        for container in pod.get("containers", ()):
            requested = container.get("resources", {}).get("requests", {})
            for resource in sorted(RESOURCES - requested.keys()):
                if wanted & {f"{container['name']}/{resource}", f"{ANY_CONTAINER}/{resource}"}:
                    yield (
                        item,
                        "spec.scaleTargetRef",
                        REQUEST_MISSING.message(
                            container=container["name"], workload="/".join(target_of(item)), resource=resource
                        ),
                    )


def nothing_is_resized_and_counted(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """An HPA adds replicas because a request is short, a VPA raises the request: each undoes the other."""
    counted = [(target_of(item), item, wanted) for item, wanted in counting(objects)]
    for vpa in of_kind(objects, "VerticalPodAutoscaler"):
        mode = vpa["spec"].get("updatePolicy", {}).get("updateMode", RECREATE)
        if mode is False:
            message = UPDATE_MODE_IS_FALSE.message()
            yield vpa, "spec.updatePolicy.updateMode", message
        if mode in {"Off", False}:
            continue
        where = vpa["metadata"]["namespace"], vpa["spec"]["targetRef"]["name"]
        for place, scaler, wanted in counted:
            both = [name for name in sorted(wanted) if place == where and resized(vpa, *name.split("/"))]
            for name in both:
                message = RESIZED_AND_SCALED.message(mode=mode, name=name, scaler=title(scaler))
                yield vpa, "spec.resourcePolicy.containerPolicies", message


def resized(vpa: Manifest, container: str, resource: str) -> bool:
    """Whether a VPA changes a resource of a container; of any, where the container is `*`."""
    policies = vpa["spec"].get("resourcePolicy", {}).get("containerPolicies", [])
    own = {policy["containerName"]: policy for policy in policies}
    if container == ANY_CONTAINER:
        named = [*own.values(), *([] if ANY_CONTAINER in own else [{}])]
    else:
        named = [own.get(container, own.get(ANY_CONTAINER, {}))]
    return any(
        policy.get("mode") != "Off" and resource in policy.get("controlledResources", RESOURCES) for policy in named
    )


def counting(objects: Sequence[Manifest], *, shares: bool = False) -> Iterator[tuple[Manifest, set[str]]]:
    """Every autoscaler and the resources that it counts, `container/resource`; only `shares` of requests, if asked."""
    kinds = {"Utilization"} if shares else {"Utilization", "AverageValue", "Value"}
    for item in of_kind(objects, "ScaledObject"):
        triggers = [each for each in item["spec"]["triggers"] if each["type"] in RESOURCES]
        counted = [each for each in triggers if each.get("metricType", "Utilization") in kinds]
        yield item, {f"{each['metadata'].get('containerName', ANY_CONTAINER)}/{each['type']}" for each in counted}
    for item in of_kind(objects, "HorizontalPodAutoscaler"):
        sources = [source for metric in item["spec"].get("metrics", ()) for source in of_pods(metric)]
        counted = [source for source in sources if source["target"]["type"] in kinds]
        yield item, {f"{source.get('container', ANY_CONTAINER)}/{source['name']}" for source in counted}


def of_pods(metric: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What one metric of an HPA takes from the pods' own use. Source: Kubernetes, HPA v2, MetricSpec."""
    return [metric[field] for field in ("resource", "containerResource") if field in metric]


def deployments(objects: Sequence[Manifest]) -> dict[tuple[str, str], Any]:
    """(namespace, name) -> the pod of every Deployment."""
    found = of_kind(objects, "Deployment")
    return {
        (item["metadata"]["namespace"], item["metadata"]["name"]): item["spec"]["template"]["spec"] for item in found
    }


def target_of(item: Manifest) -> tuple[str, str]:
    """Namespace and name of what an autoscaler scales."""
    return item["metadata"]["namespace"], item["spec"]["scaleTargetRef"]["name"]


def is_number(text: Any) -> bool:
    """Whether KEDA reads a number there; a template or a name of a variable is none."""
    try:
        return abs(float(text)) < float("inf")
    except (TypeError, ValueError):
        return False


def of_kind(objects: Sequence[Manifest], kind: str) -> list[Manifest]:
    """Objects of a kind."""
    return [item for item in objects if item["kind"] == kind]


AUTOSCALER_RULES: Final = (
    triggers_are_known,
    composites_keep_their_fallback,
    zero_can_be_left,
    counted_resources_are_requested,
    nothing_is_resized_and_counted,
)
"""In the order of their reports."""
