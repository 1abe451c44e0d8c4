"""PrometheusRule of autoscaling: recording rules of the forecast, and alerts on forecast, KEDA and cost.

The PromQL is in `promql/forecast.py`, the trigger that reads it in `autoscaling/keda/scaled_object.py`.
"""

from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.alerts.autoscaling import FORECAST, KEDA_OPERATOR, SERVICE_BUDGET
from meshed_mcp.components.alerts.record import Scope
from meshed_mcp.components.alerts.rule import Links, alert_rules
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, ScalingTarget
from meshed_mcp.components.autoscaling.forecast.args import ForecastSettings, Prediction
from meshed_mcp.components.autoscaling.keda.values import OPERATOR
from meshed_mcp.components.core.charts import OptionalInstall
from meshed_mcp.components.core.manifest import Manifest, prometheus_rule
from meshed_mcp.components.promql import forecast as queries

RULES: Final = "mcp-scaling"
"""Name of the PrometheusRule."""

LOAD_INTERVAL: Final = "30s"
FORECAST_INTERVAL: Final = "1m"
"""Evaluation intervals; `FORECAST_INTERVAL` is part of the least horizon."""

Rule = dict[str, Any]


def forecast_rules(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """The PrometheusRule; none without `forecast`, or without any rule."""
    if args.forecast is None:
        return []
    servers = forecast_services(args, Prediction.FORECAST_ONLY, Prediction.ON)
    groups = [*(forecast_groups(args, servers, args.forecast) if servers else []), *keda_groups(args)]
    groups += cost_groups(args)
    return [prometheus_rule(RULES, args.namespace, groups)] if groups else []


def forecast_services(args: AutoscalingPolicyArgs, *wanted: Prediction) -> list[str]:
    """Services whose prediction mode is one of `wanted`, each once."""
    found = [target.service or name for name, target in args.targets.items() if prediction(target, args) in wanted]
    return [*dict.fromkeys(found)]


def prediction(target: ScalingTarget, args: AutoscalingPolicyArgs) -> Prediction:
    """Prediction mode of one target: `off` without forecast or KEDA, or if it does not scale on in-flight requests.

    A canary has none: its share of the load follows the weights, not the time of day.
    """
    uncounted = target.in_flight_per_replica is None or not target.scales
    if args.forecast is None or args.keda.install is OptionalInstall.NONE or uncounted:
        return Prediction.OFF
    return Prediction.OFF if target.version == contract.CANARY else target.prediction or args.forecast.mode


def forecast_groups(args: AutoscalingPolicyArgs, servers: list[str], settings: ForecastSettings) -> list[Rule]:
    """Recording rules of load, forecast, error and trust of `servers`, and the alert on the forecast."""
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
        {"name": "mcp-load", "interval": LOAD_INTERVAL, "rules": recording_rules(load)},
        {
            "name": "mcp-forecast",
            "interval": FORECAST_INTERVAL,
            "rules": [*seasonal, *recording_rules(derived), *forecast_alerts(args, settings)],
        },
    ]


def recording_rules(expressions: dict[str, str]) -> list[Rule]:
    """Recording rules, evaluated in this order."""
    return [{"record": name, "expr": text} for name, text in expressions.items()]


def forecast_alerts(args: AutoscalingPolicyArgs, settings: ForecastSettings) -> list[Rule]:
    """The alert on a forecast with mode `on` that is not trusted; scaling is reactive while it fires."""
    servers = tuple(forecast_services(args, Prediction.ON))
    scope = Scope(args.namespace, settings.trusted_error_percent / 100, servers=servers)
    return list(alert_rules(FORECAST, scope, links(args), args.alerts))


def links(args: AutoscalingPolicyArgs) -> Links:
    """Base URLs of the alerts' links."""
    return Links(args.runbooks_url, args.dashboards_url)


def keda_groups(args: AutoscalingPolicyArgs) -> list[Rule]:
    """The alert on a KEDA operator that the stack installs: every HPA of the cluster depends on it."""
    if args.keda.install is not OptionalInstall.COMPONENT:
        return []
    rules = list(alert_rules(KEDA_OPERATOR, Scope(args.keda.namespace, name=OPERATOR), links(args), args.alerts))
    return [{"name": "mcp-scaling-alerts", "rules": rules}] if rules else []


def cost_groups(args: AutoscalingPolicyArgs) -> list[Rule]:
    """The alert on every target with a budget and a price whose replicas cost more.

    A deployment lowers `max_replicas` to the budget; the alert covers sizes set by hand and raised minimums.
    """
    scopes = [
        Scope(
            args.namespace,
            target.monthly_budget,
            servers=(target.deployment or name,),
            name=name,
            replica_month_cost=target.replica_month_cost,
            labels={"namespace": args.namespace},
        )
        for name, target in args.targets.items()
        if target.monthly_budget and target.replica_month_cost
    ]
    rules = [rule for scope in scopes for rule in alert_rules(SERVICE_BUDGET, scope, links(args), args.alerts)]
    return [{"name": "mcp-spend", "rules": rules}] if rules else []
