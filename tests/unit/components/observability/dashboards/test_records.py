"""Dashboards as Grafana's sidecar loads them."""

import json
from typing import Any

import pytest

from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.dashboards.classic import GRID_WIDTH, classic_json
from meshed_mcp.components.observability.dashboards.config_maps import dashboard_config_maps
from meshed_mcp.components.observability.dashboards.records import (
    Dashboard,
    Kind,
    Panel,
    Query,
    Threshold,
    Uid,
    Unit,
    Variable,
)

ARGS = ObservabilityStackArgs(namespace="watch")
CONFIG_MAPS = dashboard_config_maps(ARGS)
BOARDS: list[dict[str, Any]] = [json.loads(text) for item in CONFIG_MAPS for text in item["data"].values()]
BY_UID = {board["uid"]: board for board in BOARDS}
PANELS = [pytest.param(panel, id=f"{board['uid']}-{panel['title']}") for board in BOARDS for panel in board["panels"]]


def board(*panels: Panel) -> dict[str, Any]:
    """A dashboard with `panels`."""
    return classic_json(Dashboard(Uid.OVERVIEW, "description", (), panels))


def panel(kind: Kind = Kind.TIME_SERIES, width: int = 12, thresholds: tuple[Threshold, ...] = ()) -> Panel:
    """A panel with one query."""
    query = Query("vector(1)", "")
    return Panel("title", "description", Unit.COUNT, (query,), 5, kind=kind, width=width, thresholds=thresholds)


def test_sidecar_finds_every_dashboard_under_a_unique_key() -> None:
    """Chart, sidecar: label grafana_dashboard "1"; two ConfigMaps with one key overwrite each other's file."""
    assert all(item["metadata"]["labels"]["grafana_dashboard"] == "1" for item in CONFIG_MAPS)
    keys = [key for item in CONFIG_MAPS for key in item["data"]]
    assert keys == sorted(set(keys))
    assert all(item["metadata"]["annotations"] == {"grafana_folder": "MCP"} for item in CONFIG_MAPS)


def test_dashboard_fits_into_a_config_map() -> None:
    """Kubernetes, ConfigMap: data of at most 1 MiB."""
    assert all(len(json.dumps(item)) < 2**20 for item in CONFIG_MAPS)


def test_rendering_twice_gives_the_same_text() -> None:
    """Requirement CMP-6: a deployment without a change shows no change."""
    assert dashboard_config_maps(ARGS) == CONFIG_MAPS


def test_dashboards_keep_their_uids() -> None:
    """Grafana: links, alerts and favorites hold the uid."""
    uids = "autoscaling capacity cost infrastructure mesh monitoring overview performance registry services usage"
    assert [item["uid"] for item in BOARDS] == [f"mcp-{uid}" for uid in uids.split()]
    assert {(item["schemaVersion"], item["editable"]) for item in BOARDS} == {(42, False)}


PANEL_TITLES = {
    "mcp-overview": {
        "Firing alerts",
        "Watchdog age",
        "Error budget remaining",
        "Latency budget remaining",
        "Error ratio",
    },
    "mcp-services": {"Tool calls", "Error ratio", "Tool call latency", "Protocol versions", "Replicas", "CPU per pod"},
    "mcp-registry": {"Requests by route", "Error ratio", "Latency", "Servers and leases", "Budgets remaining"},
    "mcp-autoscaling": {
        "Desired and ready replicas",
        "Forecast and load",
        "Forecast trusted",
        "CPU recommendation and request",
        "Memory recommendation and request",
    },
    "mcp-monitoring": {"Share of the cluster", "Series in memory", "Slowest scrapes", "Volume usage"},
    "mcp-mesh": {"Requests", "5xx ratio", "Proxy failures", "Requests without mutual TLS"},
    "mcp-usage": {"Calls by organization", "Calls by organization and tool", "Most called tools", "Token rate"},
    "mcp-cost": {"Cost by server", "Most expensive tools", "Most expensive organizations", "Share of the cluster cost"},
    "mcp-capacity": {
        "Concurrency slots in use",
        "Growth of the operation rate",
        "Node resources requested",
        "Free space of monitoring volumes",
    },
    "mcp-infrastructure": {"Nodes", "Node memory usage", "Node disk usage", "Volume usage", "Pods not running"},
    "mcp-performance": {"Latency with exemplars", "Queued requests", "CPU throttling", "Pod tool calls"},
}


@pytest.mark.parametrize(("uid", "titles"), PANEL_TITLES.items())
def test_each_dashboard_has_the_panels_of_its_purpose(uid: str, titles: set[str]) -> None:
    """Requirement OBS-7: each dashboard has one purpose."""
    assert titles <= {item["title"] for item in BY_UID[uid]["panels"]}


def test_dashboard_has_at_most_20_panels() -> None:
    """Requirement OBS-7: each panel costs queries, so a dashboard has at most 20."""
    assert all(0 < len(item["panels"]) <= 20 for item in BOARDS)


def test_every_dashboard_links_to_the_others_and_keeps_its_variables() -> None:
    """Grafana, "Manage dashboard links": by tag, with variables and time."""
    for item in BOARDS:
        (link,) = item["links"]
        assert set(link["tags"]) <= set(item["tags"])
        assert (link["type"], link["includeVars"], link["keepTime"]) == ("dashboards", True, True)


def test_click_on_a_server_opens_its_dashboard() -> None:
    """Grafana, "Configure data links": labels of the series that was clicked on."""
    shown = {item["title"]: item["fieldConfig"]["defaults"] for item in BY_UID["mcp-overview"]["panels"]}
    (link,) = shown["Error budget remaining"]["links"]
    assert link["url"].startswith("/d/mcp-services?var-namespace=${__field.labels.namespace}&var-server=${__field.")


def test_titles_are_unique_on_a_dashboard() -> None:
    """Requirement OBS-7: a title identifies one panel."""
    assert all(len({shown["title"] for shown in item["panels"]}) == len(item["panels"]) for item in BOARDS)


def test_thresholds_are_those_of_the_service_level_objectives() -> None:
    """Requirement OBS-7: red means that the stack's objective is missed."""
    args = ObservabilityStackArgs.model_validate(
        {"slo": {"default": {"availability_percent": 99, "latency_seconds": 0.5}}}
    )
    texts = [text for item in dashboard_config_maps(args) for text in item["data"].values()]
    boards = {item["uid"]: item for item in map(json.loads, texts)}
    steps = {
        shown["title"]: [step["value"] for step in shown["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        for shown in boards["mcp-services"]["panels"]
        if "thresholds" in shown["fieldConfig"]["defaults"]
    }
    assert steps["Error ratio"] == [None, 0.01, 0.144]
    assert steps["Tool call latency"] == [None, 0.5]


def test_overspent_error_budget_is_red_and_may_be_negative() -> None:
    """Requirement OBS-7: a high remaining budget is green, unlike a high error rate."""
    shown = next(item for item in BY_UID["mcp-services"]["panels"] if item["title"] == "Error budget remaining")
    defaults = shown["fieldConfig"]["defaults"]
    assert defaults["thresholds"]["steps"][0] == {"value": None, "color": "red"}
    assert "min" not in defaults


def test_exemplars_are_shown_on_latency_histograms() -> None:
    """Grafana, Prometheus queries: exemplars come with range queries of a histogram's buckets alone."""
    targets = [target for board in BOARDS for shown in board["panels"] for target in shown["targets"]]
    drawn = [target for target in targets if target["exemplar"]]
    assert all(target["range"] and "_bucket{" in target["expr"] for target in drawn)
    assert any(target["exemplar"] for target in BY_UID["mcp-performance"]["panels"][0]["targets"])


def test_pod_variable_selects_one_pod_at_a_time() -> None:
    """Requirement OBS-7: all pods at once would be a thousand lines and the most expensive query."""
    choices = [item for board in BOARDS for item in board["templating"]["list"] if item["type"] == "query"]
    of_pods = [item for item in choices if item["definition"].endswith(", pod)")]
    assert of_pods
    assert not any(item["includeAll"] or item["multi"] for item in of_pods)


def test_single_choice_variable_has_no_all_option() -> None:
    """Grafana, query variables: `allValue` would be sent for "All"."""
    variable = Variable("pod", "Pod", "up", "pod", multi=False)
    made = classic_json(Dashboard(Uid.OVERVIEW, "description", (variable,), ()))
    shown = made["templating"]["list"][1]
    assert (shown["multi"], shown["includeAll"]) == (False, False)
    assert "allValue" not in shown


def test_dashboard_has_one_data_source_variable() -> None:
    """grafana#10786: files are provisioned as they are, so `__inputs` and ${DS_...} stay empty."""
    for item in BOARDS:
        kinds = [variable["type"] for variable in item["templating"]["list"]]
        assert kinds.count("datasource") == 1
        assert "__inputs" not in item


@pytest.mark.parametrize("shown", PANELS)
def test_every_panel_has_description_unit_data_source_and_query(shown: dict[str, Any]) -> None:
    """Grafana's dashboard linter: panel-title-description, panel-units, panel-datasource, panel-no-targets."""
    assert shown["title"]
    assert shown["description"]
    assert shown["fieldConfig"]["defaults"]["unit"]
    assert shown["targets"]
    sources = [shown["datasource"], *(target["datasource"] for target in shown["targets"])]
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)


@pytest.mark.parametrize("shown", PANELS)
def test_every_rate_follows_the_time_range(shown: dict[str, Any]) -> None:
    """Grafana's dashboard linter: target-rate-interval; a fixed window is empty or hides peaks at other zooms."""
    expressions = [target["expr"] for target in shown["targets"] if "rate(" in target["expr"]]
    assert all("[$__rate_interval]" in expression for expression in expressions)


def test_every_panel_uses_the_variables_of_its_dashboard() -> None:
    """Requirement OBS-7: namespace and server of a dashboard filter each of its panels."""
    for item in BOARDS:
        chosen = {f"${choice['name']}" for choice in item["templating"]["list"]} & {"$namespace", "$server"}
        for shown in item["panels"]:
            free = shown["title"] in (*OF_CLUSTER, *OF_ONE_POD)
            assert free or all(name in each["expr"] for each in shown["targets"] for name in chosen), shown["title"]


OF_CLUSTER = {
    "Node resources requested",
    "Free space of monitoring volumes",
    "Series in memory",
    "Stored blocks",
    "Proxies connected to istiod",
    "Configuration convergence time",
    "Rejected configuration",
}
"""Panels of nodes, istiod and monitoring itself, which are independent of the selected servers."""

OF_ONE_POD = {"Pod CPU", "Pod memory"}
"""Panels of the selected pod from cAdvisor, which has no label of the server."""


def test_every_dashboard_marks_new_releases() -> None:
    """Requirement OBS-7: a release of the selected servers is the first suspect of a change."""
    for item in BOARDS:
        (mark,) = item["annotations"]["list"]
        assert mark["enable"]
        assert mark["target"]["expr"].startswith("(sum by (namespace, mcp_server_name, version, release)")
        chosen = {choice["name"] for choice in item["templating"]["list"]}
        assert ('mcp_server_name=~"$server"' in mark["target"]["expr"]) == ("server" in chosen)


def test_pod_histograms_are_queried_for_one_server_only() -> None:
    """Requirement OBS-7: a query reads some thousand series at most; totals are recorded by rules."""
    for item in BOARDS:
        raw = [t for shown in item["panels"] for t in shown["targets"] if "mcp_server_operation_duration" in t["expr"]]
        choices = {choice["name"]: choice for choice in item["templating"]["list"]}
        assert not raw or not choices["server"]["includeAll"], item["uid"]


def test_every_variable_is_used() -> None:
    """Grafana's dashboard linter: a variable that changes nothing misleads."""
    for item in BOARDS:
        names = [choice["name"] for choice in item["templating"]["list"] if choice["type"] == "query"]
        texts = [target["expr"] for shown in item["panels"] for target in shown["targets"]]
        assert all(any(f"${name}" in text for text in texts) for name in names)


def test_panel_ids_and_query_letters_are_unique() -> None:
    """Grafana: of panels with one id, or queries with one letter, only one is shown."""
    for item in BOARDS:
        ids = [shown["id"] for shown in item["panels"]]
        assert len(ids) == len(set(ids))
        for shown in item["panels"]:
            letters = [target["refId"] for target in shown["targets"]]
            assert len(letters) == len(set(letters))


def test_panels_do_not_overlap() -> None:
    """Grafana, gridPos: 24 columns."""
    places = [item["gridPos"] for item in board(panel(width=16), panel(width=8), panel(width=16), panel())["panels"]]
    assert [(place["x"], place["y"]) for place in places] == [(0, 0), (16, 0), (0, 8), (0, 16)]
    assert all(place["x"] + place["w"] <= GRID_WIDTH for place in places)


def test_bars_use_instant_queries_and_lines_range_queries() -> None:
    """Grafana, Prometheus queries: instant or range."""
    targets = [
        item["targets"][0] for item in board(panel(Kind.TIME_SERIES), panel(Kind.BAR_GAUGE), panel(Kind.STAT))["panels"]
    ]
    assert [target["instant"] for target in targets] == [False, True, True]
    assert [target["range"] for target in targets] == [True, False, False]


def test_threshold_colors_the_values_above_it() -> None:
    """Grafana, thresholds: the first step has no value and is the color below all others."""
    (shown,) = board(panel(thresholds=(Threshold(0.05, "red"),)))["panels"]
    steps = shown["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert steps == [{"value": None, "color": "green"}, {"value": 0.05, "color": "red"}]


def test_panels_set_an_interval_below_the_default_step() -> None:
    """Grafana: the shortest step is the data source's 30 s unless the panel names its own."""
    assert board(panel())["panels"][0]["interval"] == "5s"
