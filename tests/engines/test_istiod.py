"""A real istiod admits every rendered Istio object and rejects invalid ones.

What istiod makes of the objects: test_istiod_proxies.py. Their schemas: test_api_server.py.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from meshed_mcp.components.core.charts import ISTIO_VERSION
from meshed_mcp.infra.recording import record
from tests.engines import istiod_mesh
from tests.engines.api_server import ApiServer
from tests.engines.istiod import Istiod, started
from tests.stacks import GOVERNED_ELSEWHERE, JUDGED, WITHOUT_MESH, recording

PROJECT: Final = Path(__file__).parent.parent.parent


def _objects(stack: str) -> list[dict[str, Any]]:
    return recording(stack).objects


STACKS: Final[dict[str, Callable[[], Sequence[dict[str, Any]]]]] = {
    **{stack: partial(_objects, stack) for stack in JUDGED if stack not in (*GOVERNED_ELSEWHERE, *WITHOUT_MESH)},
    "conformance": lambda: record(PROJECT / "examples" / "conformance", "dev").objects,
    "judged mesh": istiod_mesh.objects,
}
"""The repository's and the example stacks, the example with sessions, and the stack whose proxies are judged."""

EXPECTED_WARNING: Final = (
    "EnvoyFilter exposes internal implementation details that may change at any time. Prefer other APIs if possible, "
    "and exercise extreme caution, especially around upgrades."
)
"""Said of every EnvoyFilter. No other API keeps MCP sessions on their replica, and these tests are the caution."""


@pytest.fixture(scope="module")
def istiod(
    find_engine: Callable[[str], Path], api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Istiod]:
    """An istiod that has seen nothing but CRDs."""
    program, folder = find_engine("pilot-discovery"), tmp_path_factory.mktemp("istiod")
    with started(program, api_server, istiod_mesh.mesh_config(), folder) as ready:
        yield ready


def test_the_validator_has_the_release_that_is_installed() -> None:
    """Requirement PRJ-7: what another minor version admits or generates proves nothing."""
    script = (PROJECT / "engines" / "istiod.sh").read_text()
    assert re.findall(r"^ISTIOD_RELEASE=(\S+)", script, re.MULTILINE) == [ISTIO_VERSION.rpartition(".")[0]]


@pytest.mark.parametrize("stack", STACKS)
def test_every_rendered_object_is_admitted_without_a_warning(istiod: Istiod, stack: str) -> None:
    """Istio's own validation, as its webhook runs it in a cluster: a warning means a rule without effect."""
    objects = [item for item in STACKS[stack]() if item["apiVersion"].partition("/")[0].endswith(".istio.io")]
    assert objects
    for item in objects:
        verdict = istiod.admit(item)
        unexpected = [text for text in verdict.warnings if text != EXPECTED_WARNING]
        assert (verdict.allowed, unexpected) == (True, []), f"{item['kind']} {item['metadata']['name']}: {verdict}"


def envoy_filter(value: dict[str, Any]) -> dict[str, Any]:
    """The specification of an EnvoyFilter that adds one HTTP filter."""
    return {
        "configPatches": [
            {
                "applyTo": "HTTP_FILTER",
                "match": {"context": "SIDECAR_INBOUND"},
                "patch": {"operation": "INSERT_BEFORE", "value": value},
            }
        ]
    }


def weighted(*weights: int) -> dict[str, Any]:
    """The specification of a route to one destination for each weight."""
    routes = [{"destination": {"host": f"mcp-{number}"}, "weight": weight} for number, weight in enumerate(weights)]
    return {"hosts": ["mcp-rag"], "http": [{"route": routes}]}


def locality(**settings: Any) -> dict[str, Any]:
    """The specification of connection rules by locality."""
    outliers = {"consecutive5xxErrors": 5}
    policy = {"loadBalancer": {"localityLbSetting": settings}, "outlierDetection": outliers}
    return {"host": "mcp-rag", "trafficPolicy": policy}


@pytest.mark.parametrize(
    ("kind", "spec", "words"),
    [
        pytest.param("VirtualService", weighted(0, 0), "total destination weight = 0", id="no weight at all"),
        pytest.param(
            "VirtualService",
            {"hosts": ["mcp-rag"], "http": [{"route": [{"destination": {"host": "mcp-rag"}}], "timeout": "0s"}]},
            "must be greater than 1ms",
            id="a time-out of nothing",
        ),
        pytest.param(
            "DestinationRule",
            locality(distribute=[{"from": "a/*", "to": {"a/*": 100}}], failover=[{"from": "a", "to": "b"}]),
            "can not simultaneously specify",
            id="distribute with failover",
        ),
        pytest.param(
            "EnvoyFilter",
            envoy_filter({"name": "limit", "typed_config": {"stat_prefix": "limit"}}),
            "Any JSON doesn't have '@type'",
            id="a filter without its type",
        ),
    ],
)
def test_istiod_rejects_invalid_objects(istiod: Istiod, kind: str, spec: dict[str, Any], words: str) -> None:
    """Negative control, in the words of Istio 1.31: proves that validation is active."""
    version = "v1alpha3" if kind == "EnvoyFilter" else "v1"
    metadata = {"name": "refused", "namespace": "default"}
    verdict = istiod.admit(
        {"apiVersion": f"networking.istio.io/{version}", "kind": kind, "metadata": metadata, "spec": spec}
    )
    assert not verdict.allowed
    assert words in verdict.message


def test_istiod_warns_of_a_rule_without_effect(istiod: Istiod) -> None:
    """Negative control: failover that never happens, as no outlier detection finds unhealthy pods."""
    spec = locality(failover=[{"from": "a", "to": "b"}])
    del spec["trafficPolicy"]["outlierDetection"]
    metadata = {"name": "warned", "namespace": "default"}
    verdict = istiod.admit(
        {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": metadata, "spec": spec}
    )
    assert verdict.allowed
    assert "outlier detection" in "".join(verdict.warnings)
