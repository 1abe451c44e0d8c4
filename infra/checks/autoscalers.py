"""Rules on ScaledObjects, HPAs and VPAs that the API server and KEDA's webhook accept and that then do not scale."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from meshed_mcp.components.core.errors import excerpt, suggestion
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.error_codes import check as codes
from meshed_mcp.infra.checks.references import Finding, object_title, of_kind, running_containers

_TYPES: Final = """
activemq apache-iggy apache-kafka arangodb artemis-queue aws-cloudwatch aws-dynamodb aws-dynamodb-streams
aws-kinesis-stream aws-sqs-queue azure-app-insights azure-blob azure-cosmosdb azure-data-explorer azure-eventhub
azure-log-analytics azure-monitor azure-pipelines azure-queue azure-servicebus beanstalkd cassandra couchdb cpu cron
datadog dynatrace elastic-forecast elasticsearch etcd external external-push forgejo-runner gcp-cloudtasks gcp-pubsub
gcp-stackdriver gcp-storage github-runner gitlab-runner graphite huawei-cloudeye ibmmq influxdb ionos-monitoring kafka
kubernetes-resource kubernetes-workload liiklus loki memory metrics-api mongodb mssql mysql nats-jetstream new-relic
nsq openstack-metric openstack-swift opensearch postgresql predictkube prometheus pulsar rabbitmq redis redis-cluster
redis-cluster-streams redis-sentinel redis-sentinel-streams redis-streams selenium-grid solace-direct-messaging
solace-event-queue solarwinds solr splunk splunk-observability stan sumologic temporal
"""
TRIGGER_TYPES: Final = frozenset(_TYPES.split())
"""Trigger types of KEDA 2.21. Its webhook accepts others, and no HPA follows. Source: `scalers_builder.go`."""

_NUMERIC: Final = """
threshold activationThreshold desiredReplicas lagThreshold activationLagThreshold queueLength activationQueueLength
listLength activationListLength targetQueueLength targetMetricValue targetQueryValue targetValue activationTargetValue
activationTargetQueryValue queueSize pendingEntriesCount messageCount
"""
NUMERIC_KEYS: Final = frozenset(_NUMERIC.split())
"""Metadata keys that every trigger parses as a number. Source: KEDA 2.21, "Scalers"."""

RESOURCES: Final = frozenset({"cpu", "memory"})
"""Resource triggers and resource metrics, measured as the pods' usage."""

KEDA_MINIMUM: Final = 0
"""Source: KEDA, ScaledObject, default of `minReplicaCount`."""

RECREATE: Final = "Recreate"
"""Source: VPA, default of `updateMode`."""

ANY_CONTAINER: Final = "*"
"""Source: VPA, `containerPolicies[].containerName`, the default policy."""


def keda_triggers_are_valid(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """KEDA accepts an unknown trigger type and text in a numeric key, and creates no HPA (measured)."""
    for item in of_kind(objects, "ScaledObject"):
        for number, trigger in enumerate(item["spec"]["triggers"]):
            field, kind = f"spec.triggers[{number}]", trigger["type"]
            if kind not in TRIGGER_TYPES:
                message = codes.UNKNOWN_TRIGGER.message(kind=kind, suggested=suggestion(kind, sorted(TRIGGER_TYPES)))
                yield item, f"{field}.type", message
            for key in sorted(NUMERIC_KEYS & trigger["metadata"].keys()):
                value = trigger["metadata"][key]
                if not is_number(value):
                    yield item, f"{field}.metadata.{key}", codes.TRIGGER_NOT_A_NUMBER.message(value=excerpt(value))


def composite_targets_allow_fallback(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """With a fallback, KEDA parses a composite's target as an integer; other numbers disable the fallback silently."""
    for item in of_kind(objects, "ScaledObject"):
        modifiers = item["spec"].get("advanced", {}).get("scalingModifiers", {})
        target = modifiers.get("target")
        if target is not None and "fallback" in item["spec"] and not str(target).isdecimal():
            message = codes.FALLBACK_NEVER_ACTS.message(target=excerpt(target))
            yield item, "spec.advanced.scalingModifiers.target", message


def zero_replicas_can_scale_out(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Resource triggers cannot scale from zero: without pods there is no usage."""
    for item in of_kind(objects, "ScaledObject"):
        kinds = {trigger["type"] for trigger in item["spec"]["triggers"]}
        if kinds <= RESOURCES and item["spec"].get("minReplicaCount", KEDA_MINIMUM) == 0:
            yield item, "spec.minReplicaCount", codes.ZERO_NEVER_LEFT.message()


def scaling_resources_are_requested(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """Utilization is a percentage of the request; without a request the HPA does not scale."""
    pods = {
        (item["metadata"]["namespace"], item["metadata"]["name"]): item["spec"]["template"]["spec"]
        for item in of_kind(objects, "Deployment")
    }
    for item, scaled in scaling_resources(objects, utilization=True):
        workload = "/".join(target_of(item))
        for container in running_containers(pods.get(target_of(item), {"containers": []})):
            name, requested = container["name"], container.get("resources", {}).get("requests", {})
            for resource in sorted(RESOURCES - requested.keys()):
                if scaled & {f"{name}/{resource}", f"{ANY_CONTAINER}/{resource}"}:
                    message = codes.REQUEST_MISSING.message(container=name, workload=workload, resource=resource)
                    yield item, "spec.scaleTargetRef", message


def vertical_and_horizontal_scaling_are_disjoint(objects: Sequence[Manifest]) -> Iterator[Finding]:
    """A VPA changes the request that an HPA scales on, so that the two conflict."""
    scalers = [(target_of(item), item, scaled) for item, scaled in scaling_resources(objects)]
    for vpa in of_kind(objects, "VerticalPodAutoscaler"):
        mode = vpa["spec"].get("updatePolicy", {}).get("updateMode", RECREATE)
        if mode is False:
            yield vpa, "spec.updatePolicy.updateMode", codes.UPDATE_MODE_IS_FALSE.message()
        if mode in {"Off", False}:
            continue
        target = vpa["metadata"]["namespace"], vpa["spec"]["targetRef"]["name"]
        for scaled_target, scaler, scaled in scalers:
            conflicts = [name for name in sorted(scaled) if vpa_resizes(vpa, *name.split("/"))]
            for name in conflicts if scaled_target == target else ():
                message = codes.RESIZED_AND_SCALED.message(mode=mode, name=name, scaler=object_title(scaler))
                yield vpa, "spec.resourcePolicy.containerPolicies", message


def vpa_resizes(vpa: Manifest, container: str, resource: str) -> bool:
    """Whether a VPA changes a resource of a container; of any container for `*`."""
    policies = vpa["spec"].get("resourcePolicy", {}).get("containerPolicies", [])
    own = {policy["containerName"]: policy for policy in policies}
    if container == ANY_CONTAINER:
        named = [*own.values(), *([] if ANY_CONTAINER in own else [{}])]
    else:
        named = [own.get(container, own.get(ANY_CONTAINER, {}))]
    return any(
        policy.get("mode") != "Off" and resource in policy.get("controlledResources", RESOURCES) for policy in named
    )


def scaling_resources(objects: Sequence[Manifest], *, utilization: bool = False) -> Iterator[tuple[Manifest, set[str]]]:
    """Every autoscaler and the `container/resource` pairs it scales on; only percentages of requests if `utilization`.

    Source: KEDA, "CPU" and "Memory" scalers; Kubernetes, HPA v2, MetricSpec.
    """
    kinds = {"Utilization"} if utilization else {"Utilization", "AverageValue", "Value"}
    for item in of_kind(objects, "ScaledObject"):
        triggers = [each for each in item["spec"]["triggers"] if each["type"] in RESOURCES]
        counted = [each for each in triggers if each.get("metricType", "Utilization") in kinds]
        yield item, {f"{each['metadata'].get('containerName', ANY_CONTAINER)}/{each['type']}" for each in counted}
    for item in of_kind(objects, "HorizontalPodAutoscaler"):
        metrics = [each for metric in item["spec"].get("metrics", ()) for each in metric.items()]
        sources = [source for field, source in metrics if field in {"resource", "containerResource"}]
        counted = [source for source in sources if source["target"]["type"] in kinds]
        yield item, {f"{source.get('container', ANY_CONTAINER)}/{source['name']}" for source in counted}


def target_of(item: Manifest) -> tuple[str, str]:
    """Namespace and name of an autoscaler's target."""
    return item["metadata"]["namespace"], item["spec"]["scaleTargetRef"]["name"]


def is_number(text: Any) -> bool:
    """Whether KEDA parses `text` as a number; templates and variable names are not numbers."""
    try:
        return abs(float(text)) < float("inf")
    except (TypeError, ValueError):
        return False


AUTOSCALER_RULES: Final = (
    keda_triggers_are_valid,
    composite_targets_allow_fallback,
    zero_replicas_can_scale_out,
    scaling_resources_are_requested,
    vertical_and_horizontal_scaling_are_disjoint,
)
"""Rules of this module, in the order of the report."""
