"""Renders dashboard records as Grafana's classic JSON (v1).

File provisioning of Grafana 13.0 rejects v2 and migrates v1 on load. The data source is a variable, because only the
import dialog fills in `__inputs`, not the sidecar.
"""

from collections.abc import Iterable
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Panel, Query, Variable
from meshed_mcp.components.promql import selectors, traffic

SCHEMA_VERSION: Final = 42
"""Version of the classic form that Grafana 13 writes."""

GRID_WIDTH: Final = 24
"""Columns of a dashboard. Source: Grafana, `gridPos`."""

DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
TAG: Final = "mcp"
"""Tag of all our dashboards, by which they link to each other."""

ANNOTATION_SECONDS: Final = 60
"""Duration of the annotation of a release; the step of a dashboard of a day still hits it."""

REF_IDS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
REFRESH_ON_TIME_RANGE: Final = 2
"""Reload a variable's values when the time range changes. Source: Grafana, `VariableRefresh`."""

ALL_VALUES: Final = {
    "multi": True,
    "includeAll": True,
    "allValue": ".+",
    "current": {"text": ["All"], "value": ["$__all"]},
}

DATASOURCE_VARIABLE: Final = {
    "name": "datasource",
    "label": "Data source",
    "type": "datasource",
    "query": "prometheus",
}
DASHBOARD_LINKS: Final = {
    "type": "dashboards",
    "title": "MCP",
    "tags": [TAG],
    "asDropdown": False,
    "includeVars": True,
    "keepTime": True,
}
"""Links to our other dashboards that keep variables and time. Source: Grafana, "Manage dashboard links"."""

LINK_VARIABLES: Final = (
    "var-namespace=${__field.labels.namespace}"
    f"&var-server=${{__field.labels.{contract.LABEL_SERVER}}}&${{__url_time_range}}"
)
"""Variables of a link from a series to its server's dashboard. Source: Grafana, "Configure data links"."""

LAST: Final = {"calcs": ["lastNotNull"]}
OPTIONS: Final = {
    Kind.TIME_SERIES: {
        "legend": {"showLegend": True, "displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    Kind.BAR_GAUGE: {
        "reduceOptions": LAST,
        "orientation": "horizontal",
        "displayMode": "basic",
        "showUnfilled": True,
    },
    Kind.STAT: {"reduceOptions": LAST, "textMode": "value_and_name", "graphMode": "none"},
}
"""Options of each type of panel that differ from its defaults."""

Json = dict[str, Any]


def classic_json(dashboard: Dashboard) -> Json:
    """The dashboard as Grafana loads it."""
    return {
        "uid": dashboard.uid.value,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": [TAG],
        "schemaVersion": SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "utc",
        "annotations": {"list": [release_annotations(dashboard)]},
        "links": [DASHBOARD_LINKS],
        "templating": {"list": [DATASOURCE_VARIABLE, *map(query_variable, dashboard.variables)]},
        "panels": list(positioned_panels(dashboard.panels)),
    }


def release_annotations(dashboard: Dashboard) -> Json:
    """An annotation at each new release of the selected servers, or of all if the dashboard has no such variable.

    Source: Grafana, "Annotate visualizations", Prometheus.
    """
    variables = {variable.name for variable in dashboard.variables}
    namespace, server = (f"${name}" if name in variables else ".+" for name in ("namespace", "server"))
    expression = traffic.new_releases(selectors.selector(namespace, server, regex=True), ANNOTATION_SECONDS)
    query = {"refId": "Releases", "datasource": DATASOURCE, "expr": expression, "interval": f"{ANNOTATION_SECONDS}s"}
    return {
        "name": "Releases",
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "blue",
        "target": query,
        "titleFormat": f"{{{{{contract.LABEL_SERVER}}}}} {{{{{contract.LABEL_RELEASE}}}}}",
        "textFormat": f"as {{{{{contract.LABEL_VERSION}}}}} in {{{{namespace}}}}",
    }


def positioned_panels(panels: Iterable[Panel]) -> Iterable[Json]:
    """Panels from left to right; one that does not fit starts a new row below the highest of the last row."""
    x = y = row_height = 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > GRID_WIDTH:
            x, y, row_height = 0, y + row_height, 0
        yield panel_json(number, panel, {"x": x, "y": y, "w": panel.width, "h": panel.height})
        x, row_height = x + panel.width, max(row_height, panel.height)


def panel_json(number: int, panel: Panel, position: Json) -> Json:
    """One panel; its id is unique, because Grafana drops panels that share one."""
    return {
        "id": number,
        "type": panel.kind.value,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": position,
        "interval": f"{panel.scrape_seconds}s",  # Grafana's default is the data source's 30 s, which hides 5 s peaks
        "fieldConfig": {"defaults": field_defaults(panel), "overrides": []},
        "options": OPTIONS[panel.kind],
        "targets": [target(ref, query, panel.kind) for ref, query in zip(REF_IDS, panel.queries, strict=False)],
    }


def field_defaults(panel: Panel) -> Json:
    """Unit, start of the axis, thresholds, data link, and the text without data."""
    axis = {} if panel.axis_min is None else {"min": panel.axis_min}
    link = {"title": "This server", "url": f"/d/{panel.links_to}?{LINK_VARIABLES}"}
    links = {} if panel.links_to is None else {"links": [link]}
    text = {"noValue": panel.no_value} if panel.no_value else {}
    return {"unit": panel.unit.value, **axis, **thresholds(panel), **links, **text}


def target(ref_id: str, query: Query, kind: Kind) -> Json:
    """One query of a panel: a range query for time series, else an instant query."""
    instant = kind is not Kind.TIME_SERIES
    return {
        "refId": ref_id,
        "datasource": DATASOURCE,
        "expr": query.expression,
        "legendFormat": query.legend,
        "instant": instant,
        "range": not instant,
        "exemplar": query.exemplars,
    }


def thresholds(panel: Panel) -> Json:
    """Colors by value; a time series also draws them as lines."""
    if not panel.thresholds:
        return {}
    steps = [
        {"value": None, "color": panel.base_color},
        *({"value": step.value, "color": step.color} for step in panel.thresholds),
    ]
    found: Json = {"thresholds": {"mode": "absolute", "steps": steps}, "color": {"mode": "thresholds"}}
    if panel.kind is Kind.TIME_SERIES:
        return found | {"color": {"mode": "palette-classic"}, "custom": {"thresholdsStyle": {"mode": "dashed"}}}
    return found


def query_variable(variable: Variable) -> Json:
    """A variable of label values; with `multi` it is All at first."""
    query = f"label_values({variable.selector}, {variable.label})"
    return {
        "name": variable.name,
        "label": variable.title,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": variable.name},
        "definition": query,
        "refresh": REFRESH_ON_TIME_RANGE,
        "sort": 1,
        **(ALL_VALUES if variable.multi else {"multi": False, "includeAll": False}),
    }
