"""Recording rules of the forecast, its alert, and KEDA's: one PrometheusRule. Arguments in, an object out.

Not here: the PromQL (`core/forecast_queries.py`), the trigger that reads it (`scaled_object.py`).
"""

from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.autoscaling import spend
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, KedaInstall, ScalingTarget
from meshed_mcp.components.autoscaling.forecast_args import ForecastSettings, Prediction
from meshed_mcp.components.autoscaling.keda_values import OPERATOR
from meshed_mcp.components.core import forecast_queries as queries
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata

RULES: Final = "mcp-scaling"
"""Name of the PrometheusRule."""

DASHBOARD: Final = "/d/mcp-autoscaling"
"""Page of `observability/dashboards/autoscaling.py`; its address never changes."""

LOAD_INTERVAL: Final = "30s"
FORECAST_INTERVAL: Final = "1m"
"""How often rules are evaluated; the second is part of the least horizon."""

Rule = dict[str, Any]


def manifests(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """The PrometheusRule, where the arguments ask for rules and there is something to record or to watch."""
    if args.forecast is None:
        return []
    servers = foreseen(args, Prediction.FORECAST_ONLY, Prediction.ON)
    groups = [*(forecast_groups(args, servers, args.forecast) if servers else []), *keda_groups(args)]
    groups += spend.groups(args, links("MCPServiceBudget", args))
    if not groups:
        return []
    return [manifest("monitoring.coreos.com/v1", "PrometheusRule", metadata(RULES, args.namespace), {"groups": groups})]


def foreseen(args: AutoscalingPolicyArgs, *wanted: Prediction) -> list[str]:
    """Services of which a forecast may do one of `wanted`, each once; a target may be named otherwise."""
    found = [target.service or name for name, target in args.targets.items() if prediction(target, args) in wanted]
    return [*dict.fromkeys(found)]


def prediction(target: ScalingTarget, args: AutoscalingPolicyArgs) -> Prediction:
    """What a forecast may do for one target: nothing where it is not recorded, no calls count, or KEDA is left out.

    A canary has none: its share of the load follows the weights, not the time of day.
    """
    uncounted = target.in_flight_per_replica is None or not target.scales
    if args.forecast is None or args.keda.install is KedaInstall.NONE or uncounted:
        return Prediction.OFF
    return Prediction.OFF if target.version == contract.CANARY else target.prediction or args.forecast.mode


def forecast_groups(args: AutoscalingPolicyArgs, servers: list[str], settings: ForecastSettings) -> list[Rule]:
    """Load, forecast, error and trust of `servers`."""
    horizon, most = settings.horizon_minutes, settings.trusted_error_percent / 100
    load = {
        queries.DEMAND: queries.demand(args.namespace, servers),
        queries.MEAN_5M: queries.mean("5m"),
        queries.MEAN_1H: queries.mean("1h"),
    }
    seasonal = [
        {"record": queries.SEASONAL, "labels": {"lag": f"{days}d"}, "expr": queries.seasonal(days, horizon)}
        for days in queries.DAYS
    ]
    derived = {
        queries.FORECAST: queries.forecast(horizon),
        queries.ERROR: queries.error(horizon),
        queries.WAPE: queries.absolute_error(),
        queries.UNDERFORECAST: queries.underforecast(),
        queries.TRUSTED: queries.trusted(most),
    }
    return [
        {"name": "mcp-load", "interval": LOAD_INTERVAL, "rules": recorded(load)},
        {
            "name": "mcp-forecast",
            "interval": FORECAST_INTERVAL,
            "rules": [*seasonal, *recorded(derived), misses(args, settings)],
        },
    ]


def recorded(expressions: dict[str, str]) -> list[Rule]:
    """Recording rules, evaluated in this order."""
    return [{"record": name, "expr": text} for name, text in expressions.items()]


def misses(args: AutoscalingPolicyArgs, settings: ForecastSettings) -> Rule:
    """Alert on a forecast that is on and not trusted any more; while it lasts, scaling is reactive alone."""
    on = foreseen(args, Prediction.ON)
    scope = f'namespace="{args.namespace}",{contract.LABEL_SERVER}=~"{"|".join(on)}"'
    server, percent = f"{{{{ $labels.{contract.LABEL_SERVER} }}}}", settings.trusted_error_percent
    return {
        "alert": "MCPForecastMisses",
        "expr": f"{queries.WAPE}{{{scope}}} >= {percent / 100:g}",
        "for": "6h",
        "labels": {"severity": "info"},
        "annotations": {
            "summary": f"The forecast of {server} is {{{{ $value | humanizePercentage }}}} off, more than {percent} %",
            "description": "It adds no replicas until its error of a day is smaller. If its load has no daily or "
            "weekly rhythm any more, write prediction: forecast-only for it.",
            **links("MCPForecastMisses", args),
        },
    }


def links(alert: str, args: AutoscalingPolicyArgs) -> dict[str, str]:
    """Where an alert's page is, and the dashboard that shows it."""
    page = {"runbook_url": f"{args.runbooks_url}/{alert}.md"}
    return page if args.dashboards_url is None else page | {"dashboard_url": f"{args.dashboards_url}{DASHBOARD}"}


def keda_groups(args: AutoscalingPolicyArgs) -> list[Rule]:
    """Alert on a KEDA that this program installs and that does not run: every HPA of the cluster then waits for it."""
    if args.keda.install is not KedaInstall.RELEASE:
        return []
    select = f'{{namespace="{args.keda.namespace}",deployment="{OPERATOR}"}}'
    available = f"kube_deployment_status_replicas_available{select}"
    rule = {
        "alert": "KEDAOperatorMissing",
        "expr": f"{available} == 0 or absent({available})",
        "for": "2m",
        "labels": {"severity": "critical"},
        "annotations": {
            "summary": "No KEDA operator runs, so no autoscaler of the cluster acts in time",
            "description": "Each query of a metric now waits 60 s for it, and the HPA controller has 5 workers: plain "
            f"HPAs wait too. Look at the pods of the Deployment {OPERATOR} in {args.keda.namespace}.",
            **links("KEDAOperatorMissing", args),
        },
    }
    return [{"name": "mcp-scaling-alerts", "rules": [rule]}]
