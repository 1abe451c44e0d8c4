"""Recording rules of the forecast, its alert, and KEDA's: one PrometheusRule. Arguments in, an object out.

Not here: the PromQL (`promql/forecast.py`), the trigger that reads it (`autoscaling/keda/scaled_object.py`).
"""

from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.alerts.autoscaling import FORECAST, KEDA_OPERATOR
from meshed_mcp.components.alerts.record import Scope
from meshed_mcp.components.alerts.rule import Links, alert_rules
from meshed_mcp.components.autoscaling import cost_alert
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, KedaInstall, ScalingTarget
from meshed_mcp.components.autoscaling.forecast.args import ForecastSettings, Prediction
from meshed_mcp.components.autoscaling.keda.values import OPERATOR
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.promql import forecast as queries

RULES: Final = "mcp-scaling"
"""Name of the PrometheusRule."""

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
    groups += cost_alert.groups(args, links(args))
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
            "rules": [*seasonal, *recorded(derived), *misses(args, settings)],
        },
    ]


def recorded(expressions: dict[str, str]) -> list[Rule]:
    """Recording rules, evaluated in this order."""
    return [{"record": name, "expr": text} for name, text in expressions.items()]


def misses(args: AutoscalingPolicyArgs, settings: ForecastSettings) -> list[Rule]:
    """The alert on a forecast with mode `on` that is not trusted; scaling is reactive while it fires."""
    scope = Scope(args.namespace, settings.trusted_error_percent / 100, servers=tuple(foreseen(args, Prediction.ON)))
    return list(alert_rules(FORECAST, scope, links(args), args.alerts))


def links(args: AutoscalingPolicyArgs) -> Links:
    """Where the links of the alerts lead."""
    return Links(args.runbooks_url, args.dashboards_url)


def keda_groups(args: AutoscalingPolicyArgs) -> list[Rule]:
    """The alert on a KEDA operator that this program installs: every HPA of the cluster waits for it."""
    if args.keda.install is not KedaInstall.RELEASE:
        return []
    rules = list(alert_rules(KEDA_OPERATOR, Scope(args.keda.namespace, name=OPERATOR), links(args), args.alerts))
    return [{"name": "mcp-scaling-alerts", "rules": rules}] if rules else []
