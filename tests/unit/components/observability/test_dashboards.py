"""Dashboards as Grafana's sidecar gets them."""

import json
from typing import Any

import pytest

from meshed_mcp.components.observability.dashboards.classic import GRID_WIDTH, classic_json
from meshed_mcp.components.observability.dashboards.config_maps import manifests
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Panel, Query, Threshold, Unit

CONFIG_MAPS = manifests("watch")
BOARDS: list[dict[str, Any]] = [json.loads(text) for item in CONFIG_MAPS for text in item["data"].values()]
PANELS = [pytest.param(panel, id=panel["title"]) for board in BOARDS for panel in board["panels"]]


def board(*panels: Panel) -> dict[str, Any]:
    """A dashboard of `panels` alone."""
    return classic_json(Dashboard("uid", "title", "description", (), panels))


def panel(kind: Kind = Kind.LINES, width: int = 12, thresholds: tuple[Threshold, ...] = ()) -> Panel:
    """A panel with one query."""
    query = Query("vector(1)", "")
    return Panel("title", "description", Unit.COUNT, (query,), 5, kind=kind, width=width, thresholds=thresholds)


def test_the_sidecar_finds_every_dashboard_under_a_key_of_its_own() -> None:
    """Chart, sidecar: label grafana_dashboard "1"; two ConfigMaps with one key overwrite each other's file."""
    assert all(item["metadata"]["labels"]["grafana_dashboard"] == "1" for item in CONFIG_MAPS)
    keys = [key for item in CONFIG_MAPS for key in item["data"]]
    assert keys == sorted(set(keys))
    assert all(item["metadata"]["annotations"] == {"grafana_folder": "MCP"} for item in CONFIG_MAPS)


def test_a_dashboard_fits_into_a_config_map() -> None:
    """Kubernetes, ConfigMap: data of at most 1 MiB."""
    assert all(len(json.dumps(item)) < 2**20 for item in CONFIG_MAPS)


def test_rendering_twice_gives_the_same_text() -> None:
    """Product rule: a deployment without changes changes nothing."""
    assert manifests("watch") == CONFIG_MAPS


def test_the_page_of_the_services_keeps_its_address() -> None:
    """Grafana: links and favourites hold the uid."""
    assert [(item["uid"], item["schemaVersion"], item["editable"]) for item in BOARDS] == [("mcp-services", 42, False)]


def test_the_page_of_the_services_answers_the_operators_questions() -> None:
    """Issue of the walking slice: calls, errors, latency, load, replicas, CPU, memory, tools."""
    assert [item["title"] for item in BOARDS[0]["panels"]] == [
        "Tool calls",
        "Errors",
        "Latency of tool calls",
        "Most called tools",
        "Calls in work and waiting",
        "Replicas",
        "CPU per pod",
        "Memory per pod",
    ]


def test_there_is_one_data_source_and_it_is_chosen_on_the_page() -> None:
    """grafana#10786: files are provisioned as they are, so `__inputs` and ${DS_...} stay empty."""
    for item in BOARDS:
        kinds = [variable["type"] for variable in item["templating"]["list"]]
        assert kinds.count("datasource") == 1
        assert "__inputs" not in item


@pytest.mark.parametrize("shown", PANELS)
def test_every_panel_says_what_it_shows_in_which_unit_from_the_chosen_source(shown: dict[str, Any]) -> None:
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


@pytest.mark.parametrize("shown", PANELS)
def test_every_panel_keeps_to_the_choice_of_namespace_and_server(shown: dict[str, Any]) -> None:
    """Product rule: what is chosen at the head of the page holds for the whole page."""
    assert all("$namespace" in target["expr"] and "$server" in target["expr"] for target in shown["targets"])


def test_ids_and_letters_are_unique() -> None:
    """Grafana: of panels with one id, or queries with one letter, only one is shown."""
    for item in BOARDS:
        ids = [shown["id"] for shown in item["panels"]]
        assert len(ids) == len(set(ids))
        for shown in item["panels"]:
            letters = [target["refId"] for target in shown["targets"]]
            assert len(letters) == len(set(letters))


def test_panels_stand_side_by_side_and_never_over_each_other() -> None:
    """Grafana, gridPos: 24 columns."""
    places = [item["gridPos"] for item in board(panel(width=16), panel(width=8), panel(width=16), panel())["panels"]]
    assert [(place["x"], place["y"]) for place in places] == [(0, 0), (16, 0), (0, 8), (0, 16)]
    assert all(place["x"] + place["w"] <= GRID_WIDTH for place in places)


def test_bars_show_now_and_lines_the_whole_range() -> None:
    """Grafana, Prometheus queries: instant or range."""
    targets = [item["targets"][0] for item in board(panel(Kind.LINES), panel(Kind.BARS))["panels"]]
    assert [target["instant"] for target in targets] == [False, True]
    assert [target["range"] for target in targets] == [True, False]


def test_a_threshold_colours_what_lies_above_it() -> None:
    """Grafana, thresholds: the first step has no value and is the colour below all others."""
    (shown,) = board(panel(thresholds=(Threshold(0.05, "red"),)))["panels"]
    steps = shown["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert steps == [{"value": None, "color": "green"}, {"value": 0.05, "color": "red"}]


def test_short_peaks_are_not_averaged_away() -> None:
    """Grafana: the shortest step is the data source's 30 s unless the panel names its own."""
    assert board(panel())["panels"][0]["interval"] == "5s"
