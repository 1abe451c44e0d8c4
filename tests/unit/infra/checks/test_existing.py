"""Stacks whose parts exist in the cluster already, in every combination, as the program registers them."""

import itertools
import json
from typing import Any, Final

import pytest

from meshed_mcp.infra.checks import check
from meshed_mcp.infra.checks.existing import Existing, existing_objects
from meshed_mcp.infra.program import deploy
from meshed_mcp.infra.recording.recorder import Recording, record_program

PROMETHEUS: Final = {"install": "existing", "url": "http://prometheus.monitoring.svc:9090"}
COLLECTOR: Final = {"install": "existing", "otlp_endpoint": "http://otel.observability.svc:4318"}
WHOLE: Final = {"prometheus": PROMETHEUS, "grafana": {"install": "existing"}, "jaeger": COLLECTOR}
NAMED: Final = {"install": "existing", "name": "gateways/shared"}

MESHES: Final[dict[str, Any]] = {
    "own": {},
    "none": {"mode": "none"},
    "existing": {"install": "existing"},
    "existing with a named gateway": {"install": "existing", "gateway": NAMED},
    "own with an existing gateway": {"gateway": {"install": "existing"}},
    "existing ambient": {"install": "existing", "mode": "ambient", "outbound": "ALLOW_ANY"},
}
MONITORING: Final[dict[str, Any]] = {
    "own": {},
    "prometheus": {"prometheus": PROMETHEUS},
    "grafana": {"grafana": {"install": "existing"}},
    "collector": {"jaeger": COLLECTOR},
    "whole": WHOLE,
}


def recorded(mesh: Any, monitoring: Any) -> Recording:
    """What the program registers for a stack with one service, exposed where there is a gateway."""
    service = {"image": "registry.example/a:1", "callers": ["agents/planner"], "expose": mesh.get("mode") != "none"}
    keys = {"services": {"mcp-a": service}, "mesh": mesh, "observability": monitoring}
    config = {f"meshed-mcp:{key}": json.dumps(value) for key, value in keys.items()}
    return record_program(deploy, "meshed-mcp", "stack", config)


@pytest.mark.parametrize(("mesh", "monitoring"), list(itertools.product(MESHES, MONITORING)))
def test_every_combination_is_registered_and_passes_the_check(mesh: str, monitoring: str) -> None:
    """Requirement CFG-13: what preview accepts, the components accept too, and every reference leads somewhere."""
    report = check(recorded(MESHES[mesh], MONITORING[monitoring]))
    assert [issue.line for issue in report.issues] == []


def test_existing_objects_are_those_of_the_arguments() -> None:
    """Requirement CMP-15: references may name a Gateway and a namespace that the stack declares as existing."""
    found = existing_objects(recorded(MESHES["existing with a named gateway"], WHOLE))
    assert found == Existing(frozenset({"monitoring"}), frozenset({"gateways/shared"}))
    assert existing_objects(recorded({}, {})) == Existing()
