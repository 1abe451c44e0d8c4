"""Parts of monitoring that the cluster has already: their inputs, and the fields that have no effect then."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, Field

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.charts import ChartInstall
from meshed_mcp.components.core.object_metadata import SelectorLabels
from meshed_mcp.error_codes import observability as codes
from meshed_mcp.error_codes.code import Message

if TYPE_CHECKING:
    from meshed_mcp.components.observability.args import ObservabilityStackArgs


class PrometheusSelectors(Model):
    """The `matchLabels` by which an existing Prometheus selects objects; those of the stack must match them."""

    pod_monitor: SelectorLabels = Field(default_factory=dict)
    """`podMonitorSelector`; empty = every PodMonitor."""

    rule: SelectorLabels = Field(default_factory=dict)
    """`ruleSelector`; empty = every PrometheusRule."""


USED_OF_EXISTING: Final = {
    "prometheus": {"install", "url", "namespace", "selectors", "readers", "retention_days", "scrape_interval_seconds"},
    "grafana": {"install", "url", "dashboard_labels", "folder", "folder_annotation"},
    "jaeger": {"install", "otlp_endpoint"},
}
"""Part -> its fields that have an effect where the cluster has the part."""

ONLY_OF_EXISTING: Final = {
    "prometheus": {"url", "namespace", "selectors"},
    "grafana": {"dashboard_labels", "folder_annotation"},
    "jaeger": {"otlp_endpoint"},
}
"""Part -> its fields that describe an existing one."""

REQUIRED_OF_EXISTING: Final = {"prometheus": "url", "jaeger": "otlp_endpoint"}
"""Part -> the field that says where the existing one is."""

PARTS_OF_PROMETHEUS: Final = ("alertmanager", "cert_manager", "platform")
"""Fields of the stack that configure what comes with an existing Prometheus."""


def installed(part: BaseModel) -> bool:
    """Whether the stack installs `part`."""
    return getattr(part, "install", None) is ChartInstall.COMPONENT


def part_issues(args: "ObservabilityStackArgs") -> Iterator[Message]:
    """Fields without effect in an installed or existing part, and existing parts without their place."""
    for name, used in USED_OF_EXISTING.items():
        part: BaseModel = getattr(args, name)
        given = part.model_fields_set
        if installed(part):
            for field in sorted(ONLY_OF_EXISTING[name] & given):
                yield codes.EXISTING_PART_ONLY.message(part=name).at(f"{name}.{field}")
            continue
        for field in sorted(given - used):
            yield codes.INSTALLED_PART_ONLY.message(part=name).at(f"{name}.{field}")
        required = REQUIRED_OF_EXISTING.get(name)
        if required is not None and getattr(part, required) is None:
            yield codes.EXISTING_PART_WITHOUT_PLACE.message(part=name, field=required).at(f"{name}.{required}")
    yield from dependent_issues(args)
    yield from selector_issues(args)


def dependent_issues(args: "ObservabilityStackArgs") -> Iterator[Message]:
    """Parts that work only beside one that the stack installs."""
    for field in PARTS_OF_PROMETHEUS if not installed(args.prometheus) else ():
        if field in args.model_fields_set:
            yield codes.INSTALLED_PART_ONLY.message(part="prometheus").at(field)
    if not installed(args.jaeger) and args.collectors is not None:
        yield codes.COLLECTORS_WITHOUT_JAEGER.message().at("collectors")
    if not args.mesh:
        yield from (message.at(field) for field, message in mesh_issues(args))


def mesh_issues(args: "ObservabilityStackArgs") -> Iterator[tuple[str, Message]]:
    """(field, message) of what needs a mesh."""
    if args.kiali is not None:
        yield "kiali", codes.KIALI_WITHOUT_MESH.message()
    if args.grafana.expose is not None:
        yield "grafana.expose", codes.GRAFANA_ROUTE_WITHOUT_MESH.message()


def selector_issues(args: "ObservabilityStackArgs") -> Iterator[Message]:
    """Selectors of an existing Prometheus that do not match the labels of our monitors and rules."""
    wanted = args.prometheus.selectors
    labeled = {"pod_monitor": ("monitor_labels", args.monitor_labels), "rule": ("rule_labels", rule_labels(args))}
    for kind, (field, labels) in labeled.items():
        selector: SelectorLabels = getattr(wanted, kind)
        missing = {key: value for key, value in selector.items() if labels.get(key) != value}
        if missing:
            pairs = ", ".join(f"{key}: {value}" for key, value in missing.items())
            yield codes.SELECTOR_EXCLUDES.message(field=field, labels=pairs).at(f"prometheus.selectors.{kind}")


def rule_labels(args: "ObservabilityStackArgs") -> SelectorLabels:
    """Labels of every PrometheusRule: `rule_labels`, otherwise those of the monitors."""
    return args.monitor_labels if args.rule_labels is None else args.rule_labels


def prometheus_namespace(args: "ObservabilityStackArgs") -> str:
    """Namespace of the pods that scrape."""
    return args.prometheus.namespace or args.namespace


def owns_namespace(args: "ObservabilityStackArgs") -> bool:
    """Whether the stack creates its namespace of monitoring: it runs pods there."""
    return any(installed(part) for part in (args.prometheus, args.grafana, args.jaeger)) or args.kiali is not None
