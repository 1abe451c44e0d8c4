"""What a stack may say about monitoring: one frozen model, the only source of validation, defaults and documentation.

Days, GiB and seconds are whole numbers with the unit in the field's name. Not here: chart values
(`observability/prometheus/values.py`), the objects made of them (`observability/tracing/jaeger.py`, `dashboards/`),
registration (`component.py`).
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp.components.alerts.settings import AlertOverrides
from meshed_mcp.components.core.args import In, Model
from meshed_mcp.components.core.names import host_name, namespace_name, object_name
from meshed_mcp.components.observability.alertmanager.args import EmailReceiver, SecretFile
from meshed_mcp.components.observability.grafana.gateway import GrafanaExposure
from meshed_mcp.components.observability.grafana.login import GrafanaLogin
from meshed_mcp.components.observability.kiali.args import KialiSettings
from meshed_mcp.components.observability.prometheus.remote_write_args import RemoteWrite
from meshed_mcp.components.observability.prometheus.slo import SloSettings
from meshed_mcp.components.observability.sizing.resources import Reservation
from meshed_mcp.components.observability.tracing.collector_args import CollectorSettings
from meshed_mcp.components.observability.tracing.jaeger_args import JaegerSettings
from meshed_mcp.error_codes.observability import EXPOSED_WITHOUT_LOGIN, INVALID_POD_REFERENCE, LOGIN_WITHOUT_URL
from meshed_mcp.error_codes.values import INVALID_WEB_ADDRESS


def web_address(text: str) -> str:
    """`text` without a slash at its end. Raises ValueError with what to write instead."""
    if not text.startswith(("https://", "http://")):
        raise INVALID_WEB_ADDRESS.error(text=text, example="https://grafana.example.com")
    return text.rstrip("/")


def pods_reference(text: str) -> str:
    """`text` as it is, if it names pods. Raises ValueError with what to write instead."""
    namespace, slash, app = text.partition("/")
    try:
        namespace_name(namespace)
        if slash:
            object_name(app)
    except ValueError as error:
        raise INVALID_POD_REFERENCE.error(text=text, error=error) from None
    return text


class CertManagerInstall(StrEnum):
    """Who brings cert-manager."""

    RELEASE = "release"
    """The official chart, pinned."""

    EXISTING = "existing"
    """The cluster has it already; nothing is installed."""


class Platform(StrEnum):
    """Whether the cluster lets its control plane be scraped."""

    MANAGED = "managed"
    """EKS, GKE, AKS and alike: scheduler, controller manager, etcd and kube-proxy cannot be reached."""

    SELF_MANAGED = "self-managed"
    """kubeadm and alike: they can, so they are scraped and alerted on."""


class CertManagerSettings(Model):
    """cert-manager: issues the certificate of the Prometheus operator's admission webhook."""

    install: CertManagerInstall = CertManagerInstall.RELEASE
    """Who brings cert-manager."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = "cert-manager"
    """Namespace of cert-manager, made by the stack unless it exists."""

    replicas: int = Field(default=2, ge=1, le=5)
    """Controller, webhook and CA injector, each."""


class PrometheusSettings(Model):
    """Prometheus: how long and how much it keeps, and on what."""

    retention_days: int = Field(default=15, ge=1, le=3650)
    """Age after which samples go; a full volume removes the oldest earlier."""

    storage_gib: int = Field(default=50, ge=1, le=65536)
    """Volume of each replica, GiB. 50 servers of 2 pods and 20 tools fill 22 GB in 15 days at 5 s."""

    replicas: int = Field(default=1, ge=1, le=3)
    """Each scrapes everything for itself; two survive the loss of a node."""

    scrape_interval_seconds: int = Field(default=30, ge=5, le=300)
    """For monitors that name none. MCP servers name 5 s themselves."""

    readers: list[Annotated[str, AfterValidator(pods_reference)]] = Field(default_factory=list)
    """Who may ask it beside monitoring: "namespace", or "namespace/app" by the pods' label `app`. Autoscalers of the
    same stack are added."""

    remote_write: RemoteWrite | None = None
    """A second place that gets the samples; unset = none."""

    resources: Reservation = Reservation(cpu="500m", memory="4Gi")


class AlertmanagerSettings(Model):
    """Alertmanager."""

    replicas: int = Field(default=1, ge=1, le=5)
    """Replicas gossip to deduplicate notifications."""

    email: EmailReceiver | None = None
    """Email receiver for alerts of severity critical and warning."""

    webhook: SecretFile | None = None
    """URL of a pager or chat for critical alerts, and for warnings if there is no email receiver."""

    heartbeat: SecretFile | None = None
    """URL that Alertmanager posts to every minute; its service notifies you when the posts stop."""

    storage_gib: int = Field(default=1, ge=1, le=1024)
    """Volume of each replica, GiB: silences and the notification log."""

    resources: Reservation = Reservation(cpu="20m", memory="128Mi")


class GrafanaSettings(Model):
    """Grafana: one replica on its own volume."""

    admin_secret: Annotated[str, AfterValidator(object_name)] = "grafana-admin"  # noqa: S105 - a Secret's name
    """Secret in the stack's namespace with the keys `admin-user` and `admin-password`."""

    admin_password: In[str] | None = None
    """Makes that Secret, with the user `admin`. Unset: the Secret must come from elsewhere, Grafana waits for it."""

    url: Annotated[str, AfterValidator(web_address)] | None = None
    """Address under which people open it, for the links of alerts; the one inside the cluster if unset."""

    login: GrafanaLogin | None = None
    """Log-in at an identity provider. Unset: the administrator alone, by password."""

    expose: GrafanaExposure | None = None
    """The way to it through the ingress gateway of the mesh, under the host of `url`. Unset: by port-forward alone."""

    loki_url: Annotated[str, AfterValidator(web_address)] | None = None
    """A Loki that has the logs, as a third data source: traces lead to their lines, and lines to their traces."""

    @model_validator(mode="after")
    def _login_comes_back(self) -> Self:
        if self.login is not None and self.url is None:
            raise LOGIN_WITHOUT_URL.error()
        return self

    @model_validator(mode="after")
    def _exposed_behind_a_log_in(self) -> Self:
        if self.expose is not None and (self.login is None or not (self.url or "").startswith("https://")):
            raise EXPOSED_WITHOUT_LOGIN.error()
        return self

    storage_gib: int = Field(default=5, ge=1, le=1024)
    """Volume, GiB: users, preferences, what was made by hand."""

    resources: Reservation = Reservation(cpu="100m", memory="512Mi")


class ObservabilityStackArgs(Model):
    """Arguments of `ObservabilityStack`; the defaults suit a production cluster of some fifty servers."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = "monitoring"
    """Namespace of everything but cert-manager; made by the stack, outside the mesh."""

    platform: Platform = Platform.MANAGED
    """Whether the control plane's parts can be scraped."""

    cert_manager: CertManagerSettings = CertManagerSettings()
    prometheus: PrometheusSettings = PrometheusSettings()
    alertmanager: AlertmanagerSettings = AlertmanagerSettings()
    grafana: GrafanaSettings = GrafanaSettings()
    jaeger: JaegerSettings = JaegerSettings()
    collectors: CollectorSettings | None = None
    """OpenTelemetry Collectors before Jaeger; unset = Jaeger takes the spans itself."""

    kiali: KialiSettings | None = None
    """Kiali; unset = it is not installed."""

    store_all_istio_metrics: bool = False
    """True = every standard metric of Istio is stored; false = requests, their durations and TCP, and the sizes of
    requests and answers only where Kiali shows them."""

    slo: SloSettings = SloSettings()
    """Objectives of services and tools."""

    alerts: AlertOverrides = Field(default={})
    """Name of an alert -> what the stack changes in it, the alerts on autoscaling included. The names, thresholds and
    units are in docs/reference/alerts.md."""

    monthly_cost_budget: float | None = Field(default=None, gt=0)
    """Monthly cost of the pods of all servers, in OpenCost's currency, above which MCPCostBudget fires."""

    runbooks_url: str = "docs/runbooks"
    """Base of the alerts' runbook links, without a trailing slash: a URL, or the folder in this repository."""

    cluster_domain: Annotated[str, AfterValidator(host_name)] = "cluster.local"
    """DNS suffix of the cluster; as the mesh's."""

    storage_class: Annotated[str, AfterValidator(object_name)] | None = None
    """StorageClass of every volume of the stack; the cluster's default if unset."""

    chart_mirror: str | None = None
    """Repository (URL) or folder that holds every chart; where they are published if unset."""

    @property
    def proxy_sizes(self) -> bool:
        """Whether the sizes of the proxies' requests are stored: two thirds of their series."""
        return self.store_all_istio_metrics or self.kiali is not None
