"""Dashboards in Grafana's classic JSON (v1). Records in, dictionaries out.

Classic, because file provisioning of Grafana 13.0 still refuses the v2 form, and migrates v1 on load. The sidecar reads
files, so the data source is a variable: `__inputs` are filled in by the import dialogue alone.
"""

from collections.abc import Iterable
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Page, Panel, Query, Variable
from meshed_mcp.components.promql import selectors, traffic

SCHEMA_VERSION: Final = 42
"""Version of the classic form that Grafana 13 writes."""

GRID_WIDTH: Final = 24
"""Columns of a dashboard. Source: Grafana, `gridPos`."""

DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
TAG: Final = "mcp"
"""All of our dashboards have it; the links at their head list what has it."""

MARK_SECONDS: Final = 60
"""Width of the mark of a release; a page of a day still meets it."""

REF_IDS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
REFRESH_ON_TIME_RANGE: Final = 2
"""Read a variable's values again whenever the time range changes. Source: Grafana, `VariableRefresh`."""

EVERYTHING: Final = {
    "multi": True,
    "includeAll": True,
    "allValue": ".+",
    "current": {"text": ["All"], "value": ["$__all"]},
}

Json = dict[str, Any]


def classic_json(dashboard: Dashboard) -> Json:
    """The dashboard as Grafana reads it."""
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
        "annotations": {"list": [releases(dashboard)]},
        "links": [other_pages()],
        "templating": {"list": [datasource_variable(), *map(query_variable, dashboard.variables)]},
        "panels": list(placed(dashboard.panels)),
    }


def releases(dashboard: Dashboard) -> Json:
    """A mark where a release appeared. Source: Grafana, "Annotate visualizations", Prometheus.

    Of the servers that are chosen, where a page has that choice; else of all.
    """
    chosen = {variable.name for variable in dashboard.variables}
    namespace, server = (f"${name}" if name in chosen else ".+" for name in ("namespace", "server"))
    expression = traffic.new_releases(selectors.selector(namespace, server, regex=True), MARK_SECONDS)
    query = {"refId": "Releases", "datasource": DATASOURCE, "expr": expression, "interval": f"{MARK_SECONDS}s"}
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


def placed(panels: Iterable[Panel]) -> Iterable[Json]:
    """The panels from left to right; one that does not fit begins a new line under the highest of the last."""
    x = y = line_height = 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > GRID_WIDTH:
            x, y, line_height = 0, y + line_height, 0
        yield panel_json(number, panel, {"x": x, "y": y, "w": panel.width, "h": panel.height})
        x, line_height = x + panel.width, max(line_height, panel.height)


def panel_json(number: int, panel: Panel, position: Json) -> Json:
    """One panel, with an id of its own: Grafana drops panels that share one."""
    return {
        "id": number,
        "type": panel.kind.value,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": position,
        "interval": f"{panel.scrape_seconds}s",  # else Grafana takes the data source's 30 s and hides 5 s peaks
        "fieldConfig": {"defaults": field_defaults(panel), "overrides": []},
        "options": options(panel.kind),
        "targets": [target(ref, query, panel.kind) for ref, query in zip(REF_IDS, panel.queries, strict=False)],
    }


def field_defaults(panel: Panel) -> Json:
    """Unit, beginning of the axis, thresholds and where a click leads."""
    lowest = {} if panel.lowest is None else {"min": panel.lowest}
    links = {} if panel.leads_to is None else {"links": [server_link(panel.leads_to)]}
    return {"unit": panel.unit.value, **lowest, **thresholds(panel), **links}


def server_link(page: Page) -> Json:
    """From a series to the page of its server. Source: Grafana, "Configure data links", `__field.labels`."""
    chosen = f"var-namespace=${{__field.labels.namespace}}&var-server=${{__field.labels.{contract.LABEL_SERVER}}}"
    return {"title": "This server", "url": f"/d/{page.value}?{chosen}&${{__url_time_range}}"}


def other_pages() -> Json:
    """Our other dashboards, with the same choices and the same time. Source: Grafana, "Manage dashboard links"."""
    return {
        "type": "dashboards",
        "title": "MCP",
        "tags": [TAG],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
    }


def target(ref_id: str, query: Query, kind: Kind) -> Json:
    """One query of a panel: over the whole range for lines, at its end for all else."""
    instant = kind is not Kind.LINES
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
    """Colors by value; a line panel also draws them."""
    if not panel.thresholds:
        return {}
    steps = [
        {"value": None, "color": panel.below},
        *({"value": step.value, "color": step.color} for step in panel.thresholds),
    ]
    drawn = {"custom": {"thresholdsStyle": {"mode": "dashed"}}} if panel.kind is Kind.LINES else {}
    return {"thresholds": {"mode": "absolute", "steps": steps}, "color": color_mode(panel.kind), **drawn}


def color_mode(kind: Kind) -> Json:
    """Lines keep one color per series; all else takes the threshold's."""
    return {"mode": "palette-classic" if kind is Kind.LINES else "thresholds"}


def options(kind: Kind) -> Json:
    """What a panel type needs to show more than its defaults."""
    match kind:
        case Kind.LINES:
            legend = {
                "showLegend": True,
                "displayMode": "table",
                "placement": "bottom",
                "calcs": ["lastNotNull", "max"],
            }
            return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
        case Kind.BARS:
            reduce = {"calcs": ["lastNotNull"]}
            return {"reduceOptions": reduce, "orientation": "horizontal", "displayMode": "basic", "showUnfilled": True}
        case Kind.NUMBER:
            return {"reduceOptions": {"calcs": ["lastNotNull"]}, "textMode": "value_and_name", "graphMode": "none"}


def datasource_variable() -> Json:
    """The one choice of the data source."""
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def query_variable(variable: Variable) -> Json:
    """A choice of label values; where several are allowed, all of them at first."""
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
        **(EVERYTHING if variable.several else {"multi": False, "includeAll": False}),
    }
