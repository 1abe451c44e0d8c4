"""Arguments of ObservabilityStack: validation, defaults and documentation of the stack key `observability`."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp.components.alerts.settings import AlertOverrides
from meshed_mcp.components.core.args import In, Model
from meshed_mcp.components.core.charts import ChartInstall
from meshed_mcp.components.core.names import host_name, namespace_name, object_name
from meshed_mcp.components.core.object_metadata import ObjectDefaults, SelectorLabels
from meshed_mcp.components.core.platform import ClusterPlatform
from meshed_mcp.components.observability.alertmanager.args import EmailReceiver, SecretFile
from meshed_mcp.components.observability.existing import PrometheusSelectors, part_issues
from meshed_mcp.components.observability.grafana.gateway import GrafanaExposure
from meshed_mcp.components.observability.grafana.login import GrafanaLogin
from meshed_mcp.components.observability.kiali.args import KialiSettings
from meshed_mcp.components.observability.prometheus.remote_write_args import RemoteWrite
from meshed_mcp.components.observability.prometheus.slo import SloSettings
from meshed_mcp.components.observability.sizing.resources import Reservation
from meshed_mcp.components.observability.tracing.collector_args import CollectorSettings
from meshed_mcp.components.observability.tracing.jaeger_args import JaegerSettings
from meshed_mcp.error_codes.code import raise_all
from meshed_mcp.error_codes.observability import EXPOSED_WITHOUT_LOGIN, INVALID_POD_REFERENCE, LOGIN_WITHOUT_URL
from meshed_mcp.error_codes.values import INVALID_WEB_ADDRESS


def web_address(text: str) -> str:
    """`text` without a trailing slash, if it is an HTTP URL. Raises ValueError with what to set instead."""
    if not text.startswith(("https://", "http://")):
        raise INVALID_WEB_ADDRESS.error(text=text, example="https://grafana.example.com")
    return text.rstrip("/")


def pods_reference(text: str) -> str:
    """`text` unchanged, if it is a namespace or "namespace/app". Raises ValueError with what to set instead."""
    namespace, slash, app = text.partition("/")
    try:
        namespace_name(namespace)
        if slash:
            object_name(app)
    except ValueError as error:
        raise INVALID_POD_REFERENCE.error(text=text, error=error) from None
    return text


class Platform(StrEnum):
    """Kind of the cluster's control plane."""

    MANAGED = "managed"
    """EKS, GKE, AKS and similar: scheduler, controller manager, etcd and kube-proxy cannot be scraped."""

    SELF_MANAGED = "self-managed"
    """kubeadm and similar: Prometheus scrapes them and alerts on them."""


class CertManagerSettings(Model):
    """cert-manager: issues the certificate of the Prometheus operator's admission webhook."""

    install: ChartInstall = ChartInstall.COMPONENT
    """How cert-manager is installed."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = "cert-manager"
    """Namespace of cert-manager; the stack creates it unless `install` is `existing`."""

    replicas: int = Field(default=2, ge=1, le=5)
    """Replicas of controller, webhook and CA injector each."""


class PrometheusSettings(Model):
    """Prometheus: retention, storage, scrapes, resources; or where an existing one is."""

    install: ChartInstall = ChartInstall.COMPONENT
    """`component` (the stack installs the operator, Prometheus and Alertmanager) or `existing` (the cluster has them).
    """

    url: Annotated[str, AfterValidator(web_address)] | None = None
    """URL of an existing Prometheus in the cluster, such as `http://prometheus-operated.monitoring.svc:9090`."""

    namespace: Annotated[str, AfterValidator(namespace_name)] | None = None
    """Namespace of an existing Prometheus, whose pods may scrape; unset = the namespace of monitoring."""

    selectors: PrometheusSelectors = PrometheusSelectors()
    """Selectors of an existing Prometheus, if you want them compared with `monitor_labels` and `rule_labels`."""

    retention_days: int = Field(default=15, ge=1, le=3650)
    """Days after which Prometheus deletes samples; on a full volume it deletes the oldest earlier."""

    storage_gib: int = Field(default=50, ge=1, le=65536)
    """Volume of each replica, GiB. 50 servers of 2 pods and 20 tools need 22 GB for 15 days at 5 s."""

    replicas: int = Field(default=1, ge=1, le=3)
    """Replicas, each of which scrapes all targets; two survive the loss of a node."""

    scrape_interval_seconds: int = Field(default=30, ge=5, le=300)
    """Default scrape interval, seconds; monitors of MCP servers set 5 s."""

    readers: list[Annotated[str, AfterValidator(pods_reference)]] = Field(default_factory=list)
    """Pods outside monitoring that may query Prometheus: "namespace", or "namespace/app" by the pods' label `app`.
    Autoscalers of the same stack are added."""

    remote_write: RemoteWrite | None = None
    """Remote write to a second endpoint; unset = none."""

    resources: Reservation = Reservation(cpu="500m", memory="4Gi")


class AlertmanagerSettings(Model):
    """Alertmanager: replicas, receivers, storage."""

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
    """Grafana: one replica on its own volume; or how an existing one finds dashboards."""

    install: ChartInstall = ChartInstall.COMPONENT
    """`component` (the stack installs Grafana) or `existing` (its sidecar loads the dashboards' ConfigMaps)."""

    dashboard_labels: SelectorLabels = Field(default_factory=lambda: {"grafana_dashboard": "1"}, min_length=1)
    """Labels of the dashboards' ConfigMaps, by which the sidecar of an existing Grafana finds them. Source of the
    default: kube-prometheus-stack."""

    folder: str = Field(default="MCP", min_length=1, max_length=64)
    """Folder of the dashboards."""

    folder_annotation: str = Field(default="grafana_folder", min_length=1, max_length=253)
    """Annotation with the folder that the sidecar of an existing Grafana reads (`sidecar.dashboards.folderAnnotation`).
    """

    admin_secret: Annotated[str, AfterValidator(object_name)] = "grafana-admin"  # noqa: S105 - a Secret's name
    """Secret in the stack's namespace with the keys `admin-user` and `admin-password`."""

    admin_password: In[str] | None = None
    """Password of the user `admin`, from which the stack creates the Secret. Unset: create the Secret yourself; Grafana
    waits for it."""

    url: Annotated[str, AfterValidator(web_address)] | None = None
    """URL of Grafana for users and for links in alerts; unset = the address inside the cluster."""

    login: GrafanaLogin | None = None
    """Login with an identity provider. Unset: only the administrator can log in, by password."""

    expose: GrafanaExposure | None = None
    """Exposes Grafana through the ingress gateway under the host of `url`. Unset: only by port-forward."""

    loki_url: Annotated[str, AfterValidator(web_address)] | None = None
    """URL of Loki, as a data source that links traces and log lines."""

    @model_validator(mode="after")
    def _login_and_exposure_are_whole(self) -> Self:
        if self.login is not None and self.url is None:
            raise LOGIN_WITHOUT_URL.error()
        if self.expose is not None and (self.login is None or not (self.url or "").startswith("https://")):
            raise EXPOSED_WITHOUT_LOGIN.error()
        return self

    storage_gib: int = Field(default=5, ge=1, le=1024)
    """Volume, GiB: users, preferences, dashboards created by hand."""

    resources: Reservation = Reservation(cpu="100m", memory="512Mi")


class ObservabilityStackArgs(Model):
    """Arguments of `ObservabilityStack`; the defaults suit a production cluster of about fifty servers."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = "monitoring"
    """Namespace of all parts except cert-manager, outside the mesh. The stack creates it, unless every part in it is
    `existing`."""

    istio_namespace: Annotated[str, AfterValidator(namespace_name)] = "istio-system"
    """Namespace of istiod, for Kiali."""

    mesh: bool = True
    """False = a cluster without Istio: no monitors, rules, alerts and dashboards of proxies and istiod."""

    monitor_labels: SelectorLabels = Field(default_factory=dict)
    """Labels of every PodMonitor, by which an existing Prometheus selects them: `release: kube-prometheus-stack`."""

    rule_labels: SelectorLabels | None = None
    """Labels of every PrometheusRule; unset = as `monitor_labels`."""

    platform: Platform = Platform.MANAGED
    """Whether Prometheus can scrape the control plane."""

    cluster_platform: ClusterPlatform | None = None
    """Kubernetes distribution or managed service; a stack derives it from `platform`."""

    cert_manager: CertManagerSettings = CertManagerSettings()
    prometheus: PrometheusSettings = PrometheusSettings()
    alertmanager: AlertmanagerSettings = AlertmanagerSettings()
    grafana: GrafanaSettings = GrafanaSettings()
    jaeger: JaegerSettings = JaegerSettings()
    collectors: CollectorSettings | None = None
    """OpenTelemetry Collectors in front of Jaeger; unset = Jaeger receives spans directly."""

    kiali: KialiSettings | None = None
    """Kiali; unset = not installed."""

    store_all_istio_metrics: bool = False
    """True = store all standard metrics of Istio; false = requests, durations and TCP, and request and response sizes
    only with Kiali."""

    slo: SloSettings = SloSettings()
    """Service level objectives of services and tools."""

    alerts: AlertOverrides = Field(default={})
    """Name of an alert -> its settings, alerts on autoscaling included. Names, thresholds and units are in
    docs/reference/alerts.md."""

    monthly_cost_budget: float | None = Field(default=None, gt=0)
    """Monthly cost of all servers' pods, in OpenCost's currency, above which MCPCostBudget fires; unset = no alert."""

    runbooks_url: str = "docs/runbooks"
    """Base of the runbook links of alerts, without a trailing slash: a URL, or the folder in this repository."""

    cluster_domain: Annotated[str, AfterValidator(host_name)] = "cluster.local"
    """DNS suffix of the cluster."""

    storage_class: Annotated[str, AfterValidator(object_name)] | None = None
    """StorageClass of all volumes; unset = the cluster's default."""

    defaults: ObjectDefaults = ObjectDefaults()
    """Labels, annotations and pull secrets of every object and pod."""

    chart_mirror: str | None = None
    """Repository (URL) or folder with all charts; unset = the official repositories."""

    @model_validator(mode="after")
    def _fits_existing_parts(self) -> Self:
        raise_all(part_issues(self))
        return self

    @property
    def stores_request_sizes(self) -> bool:
        """Whether Prometheus stores request and response sizes, two thirds of the proxies' series."""
        return self.store_all_istio_metrics or self.kiali is not None
