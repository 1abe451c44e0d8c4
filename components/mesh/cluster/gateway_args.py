"""Arguments of the ingress gateway: its size, or where an existing one is."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.charts import ChartInstall
from meshed_mcp.components.core.names import namespace_name, namespaced_name, object_name
from meshed_mcp.components.core.object_metadata import Annotations, SelectorLabels
from meshed_mcp.components.mesh.service.container_args import Cpu, Memory
from meshed_mcp.error_codes.code import raise_all
from meshed_mcp.error_codes.mesh import EXISTING_GATEWAY_SIZE, GATEWAY_PLACE_UNUSED, MINIMUM_ABOVE_MAXIMUM

INGRESS_NAMESPACE: Final = "istio-ingress"
"""Namespace of the ingress gateway. Source: Istio, "Installing Gateways"."""

INGRESS_RELEASE: Final = "istio-ingress"
"""Helm release, Service and ServiceAccount of the gateway. Source: Istio chart `gateway`, `gateway.name`."""

INGRESS_SELECTOR: Final = {"istio": "ingress"}
"""Pod label: the release name without `istio-`. Source: Istio chart `gateway`, `gateway.selectorLabels`."""


class Scale(Model):
    """Replicas and resource requests of a control plane component or gateway."""

    min_replicas: int = Field(ge=1, le=100)
    """Minimum of the HorizontalPodAutoscaler; from 2 on the charts render a PodDisruptionBudget."""

    max_replicas: int = Field(ge=1, le=100)
    """Maximum of the HorizontalPodAutoscaler."""

    cpu: Cpu
    """CPU request per replica, as a Kubernetes quantity."""

    memory: Memory
    """Memory request per replica, as a Kubernetes quantity."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "Scale":
        if self.min_replicas > self.max_replicas:
            raise MINIMUM_ABOVE_MAXIMUM.error(min_replicas=self.min_replicas, max_replicas=self.max_replicas)
        return self


class GatewayScale(Scale):
    """Replicas and resource requests of a gateway, and annotations of its Service."""

    annotations: Annotations = Field(default_factory=dict)
    """Annotations of the Service of type LoadBalancer, which the controllers of clouds read, such as
    `service.beta.kubernetes.io/aws-load-balancer-type`."""


class IngressGateway(GatewayScale):
    """The ingress gateway: replicas, resource requests and Service annotations, or the pods of an existing one."""

    install: ChartInstall = ChartInstall.COMPONENT
    """`component` (the stack installs the chart `gateway`) or `existing` (the cluster has one)."""

    min_replicas: int = Field(default=2, ge=1, le=100)
    """Minimum of the HorizontalPodAutoscaler; from 2 on the chart renders a PodDisruptionBudget."""

    max_replicas: int = Field(default=5, ge=1, le=100)
    """Maximum of the HorizontalPodAutoscaler."""

    cpu: Cpu = "500m"
    """CPU request per replica, as a Kubernetes quantity."""

    memory: Memory = "256Mi"
    """Memory request per replica, as a Kubernetes quantity."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = INGRESS_NAMESPACE
    """Namespace of the existing gateway's pods, and of the TLS Secrets that they serve."""

    service_account: Annotated[str, AfterValidator(object_name)] = INGRESS_RELEASE
    """Service account of the existing gateway's pods; services accept requests of this identity."""

    selector: SelectorLabels = Field(default_factory=lambda: dict(INGRESS_SELECTOR), min_length=1)
    """Labels of the existing gateway's pods, which select it in our Gateway object."""

    name: Annotated[str, AfterValidator(namespaced_name)] | None = None
    """Existing Gateway object as "namespace/name", which has the hosts and certificates. Unset = the stack creates one
    for the selected pods."""

    @model_validator(mode="after")
    def _has_an_effect(self) -> "IngressGateway":
        sizes = {*GatewayScale.model_fields} & self.model_fields_set
        places = {"namespace", "service_account", "selector", "name"} & self.model_fields_set
        if self.install is ChartInstall.EXISTING:
            raise_all(EXISTING_GATEWAY_SIZE.message(field=field) for field in sorted(sizes))
        else:
            raise_all(GATEWAY_PLACE_UNUSED.message(field=field) for field in sorted(places))
        return self
