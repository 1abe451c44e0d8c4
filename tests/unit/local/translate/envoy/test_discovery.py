"""Discovery files of a running Envoy."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from meshed_mcp.local.translate.envoy.bootstrap import ingress, sidecar
from meshed_mcp.local.translate.envoy.discovery import Discovery, clusters_response, discovery, listeners_response
from meshed_mcp.local.translate.envoy.tls import KeyFiles
from meshed_mcp.local.translate.topology import Topology
from tests.unit.local import local_objects

LaidOut = Callable[[list[dict[str, Any]]], Topology]
FILES = KeyFiles(chain=Path("chain"), key=Path("key"), root=Path("root"))
FOLDER = Path("/run/front-0")
ALL = FOLDER / "endpoints" / f"outbound|8000||{local_objects.BACK}.json"
CANARY = FOLDER / "endpoints" / f"outbound|8000|canary|{local_objects.BACK}.json"


def of_front(laid: Topology) -> Discovery:
    """The files of the sidecar of `front`."""
    (front,) = [pod for pod in laid.pods if pod.name == "front-0"]
    return discovery(sidecar(laid, front, FILES), FOLDER)


def without_canary(laid: Topology) -> Topology:
    """The stack without canary replicas."""
    return replace(laid, pods=tuple(pod for pod in laid.pods if pod.deployment.name != "back-canary"))


def test_endpoints_of_services_are_read_from_files(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Envoy, EDS from files: one file contains the endpoints of one cluster."""
    files = of_front(laid_out(objects))
    (assignment,) = files.endpoints[ALL]["resources"]
    assert assignment["cluster_name"] == f"outbound|8000||{local_objects.BACK}"
    assert len(assignment["endpoints"][0]["lb_endpoints"]) == 3
    (cluster,) = [each for each in files.clusters if each["name"] == assignment["cluster_name"]]
    assert cluster["type"] == "EDS"
    assert cluster["eds_cluster_config"]["eds_config"]["path_config_source"] == {"path": str(ALL)}
    assert "load_assignment" not in cluster


def test_the_local_process_endpoint_is_static(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Requirement LOC-6: a sidecar and its process start and stop together."""
    (own,) = [each for each in of_front(laid_out(objects)).clusters if each["name"].startswith("inbound|")]
    assert own["type"] == "STATIC"
    assert own["load_assignment"]["endpoints"]


def test_a_replica_change_updates_endpoints_only(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Requirement LOC-6: any other update would close connections with in-flight calls."""
    laid = laid_out(objects)
    with_it, without_it = of_front(laid), of_front(without_canary(laid))
    assert replace(with_it, endpoints=without_it.endpoints) == without_it
    changed = {file for file, content in with_it.endpoints.items() if content != without_it.endpoints[file]}
    assert changed == {ALL, CANARY}


def test_a_weight_change_updates_routes_only(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """As istiod does: RDS apart from LDS, so that a canary step closes no connection."""
    before = of_front(laid_out(objects))
    (route,) = local_objects.find(objects, "VirtualService", "back")["spec"]["http"]
    route["route"][0]["weight"], route["route"][1]["weight"] = 50, 50
    after = of_front(laid_out(objects))
    assert replace(before, routes=after.routes) == after
    assert before.routes[FOLDER / "routes" / "outbound.json"] != after.routes[FOLDER / "routes" / "outbound.json"]


def test_the_version_of_a_response_follows_its_content(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Envoy repeats it in `version_text`, which is how a change is known to have arrived."""
    laid = laid_out(objects)
    one, same, other = of_front(laid), of_front(laid), of_front(without_canary(laid))
    assert one.endpoints[ALL]["version_info"] == same.endpoints[ALL]["version_info"]
    assert one.endpoints[ALL]["version_info"] != other.endpoints[ALL]["version_info"]


def test_resources_carry_their_types(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Envoy, DiscoveryResponse: `resources` are of type Any."""
    files = of_front(laid_out(objects))
    for made, kind in (
        (clusters_response(files.clusters), "Cluster"),
        (listeners_response(files.listeners), "Listener"),
    ):
        assert {each["@type"].rpartition(".")[2] for each in made["resources"]} == {kind}


@pytest.mark.parametrize("proxy", ["sidecar", "gateway"])
def test_no_listener_shares_its_address(objects: list[dict[str, Any]], laid_out: LaidOut, proxy: str) -> None:
    """Envoy, Listener `enable_reuse_port`: two runs that start at once must not both get the port."""
    laid = laid_out(objects)
    found = (
        sidecar(laid, laid.pods[0], FILES)
        if proxy == "sidecar"
        else ingress(laid, laid.stack.gateways[0], FILES, 8080, "127.16.0.2")
    )
    assert {each["enable_reuse_port"] for each in found["static_resources"]["listeners"]} == {False}
