"""The simulated HPA and the real controller: the same loads give the same replicas at every sync.

The controller runs with a sync period of 2 s in place of 15, and every window is shortened alike, to half a sync less
than a whole number of them: an event is then never exactly as old as its window, which in a cluster is left to chance.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from meshed_mcp.components.autoscaling.hpa.algorithm import SYNC_SECONDS, Autoscaler
from meshed_mcp.components.autoscaling.hpa.native import behavior
from meshed_mcp.components.autoscaling.scaling_args import ScalingSettings
from tests.engines.api_server import ApiServer
from tests.engines.hpa_api_proxy import Front, Workload, served
from tests.engines.processes import free_port, running
from tests.engines.waiting import wait_for

REAL_SYNC_SECONDS: Final = 2
START: Final = 10
"""Replicas before the first sync: more than the first loads need, which the controller must not take at once."""

SHAPE: Final = (100, 100, 130, 620, 1500, 1500, 900, 180, 60, 20, 20, 20, 20, 20)
"""Steps, a burst, a return to less than a replica."""

TARGET: Final = 28
NAMESPACE: Final = "default"

CASES: Final[dict[str, dict[str, Any]]] = {
    "hpa-defaults": {},
    "hpa-hundred": {"scale_up": {"percent": 100}, "scale_down": {"stabilization_seconds": 60}},
    "hpa-slow": {
        "scale_up": {"percent": 50, "period_seconds": 60},
        "scale_down": {"percent": 10, "period_seconds": 30, "stabilization_seconds": 60},
    },
    "hpa-pods": {"scale_down": {"percent": None, "pods": 2, "period_seconds": 45, "stabilization_seconds": 75}},
    "hpa-both": {"scale_down": {"percent": 25, "pods": 3, "period_seconds": 30, "stabilization_seconds": 60}},
    "hpa-steady": {
        "scale_up": {"stabilization_seconds": 45, "tolerance_percent": 10},
        "scale_down": {"stabilization_seconds": 60, "tolerance_percent": 2},
    },
}
"""Name -> settings, in the simulator's seconds, all multiples of its sync period."""


def settings(case: str) -> ScalingSettings:
    """The settings of a case, between 2 and 60 replicas."""
    return ScalingSettings.model_validate({"min_replicas": 2, "max_replicas": 60, **CASES[case]})


def loads(case: str) -> list[float]:
    """The shape with some noise: one script per case, the same at every run."""
    noise = random.Random(case)  # noqa: S311 - a script, no secret
    return [round(value * noise.uniform(0.9, 1.1), 3) for value in SHAPE]


def real_seconds(simulated: int) -> int:
    """A window of the simulator on the controller's clock: half a sync less than its whole number of syncs."""
    syncs = simulated // SYNC_SECONDS
    return syncs * REAL_SYNC_SECONDS - REAL_SYNC_SECONDS // 2 if syncs else 0


def autoscaler(case: str) -> dict[str, Any]:
    """The object that KEDA makes of a target that counts calls, on the controller's clock."""
    wanted = settings(case)
    rules = behavior(wanted.scale_up, wanted.scale_down)
    for rule in rules.values():
        rule["stabilizationWindowSeconds"] = real_seconds(rule["stabilizationWindowSeconds"])
        rule["policies"] = [{**item, "periodSeconds": real_seconds(item["periodSeconds"])} for item in rule["policies"]]
    metric = {"metric": {"name": case}, "target": {"type": "AverageValue", "averageValue": str(TARGET)}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": case, "namespace": NAMESPACE},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": case},
            "minReplicas": wanted.min_replicas,
            "maxReplicas": wanted.max_replicas,
            "behavior": rules,
            "metrics": [{"type": "External", "external": metric}],
        },
    }


def simulated(case: str) -> list[int]:
    """The sizes that the simulator chooses."""
    size, found = START, []
    controller = Autoscaler(settings(case))
    for tick, load in enumerate(loads(case)):
        size = controller.sync(tick * SYNC_SECONDS, size, [(load, TARGET)])
        found.append(size)
    return found


@pytest.fixture(scope="module")
def real_sizes(
    api_server: ApiServer, find_engine: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[int]]:
    """Case -> the sizes that the real controller chose; all cases run side by side."""
    program, folder = find_engine("kube-controller-manager"), tmp_path_factory.mktemp("controller-manager")
    workloads = {case: Workload(START, loads(case)) for case in CASES}
    with served(Front(api_server.kubeconfig, workloads)) as address:
        with running(command(program, address, folder), folder / "kube-controller-manager.log") as manager:
            assert [refusal for case in CASES if (refusal := api_server.client.apply(autoscaler(case)))] == []
            wait_for(lambda: manager.runs() and all(item.is_over for item in workloads.values()), "every load", 120)
        for case in CASES:
            api_server.client.delete(autoscaler(case))
    return {case: item.sizes[: len(SHAPE)] for case, item in workloads.items()}


def command(program: Path, address: str, folder: Path) -> list[str]:
    """The controller manager with the one controller."""
    kubeconfig = folder / "kubeconfig.yaml"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "front",
                "clusters": [{"name": "front", "cluster": {"server": address}}],
                "users": [{"name": "anonymous", "user": {}}],
                "contexts": [{"name": "front", "context": {"cluster": "front", "user": "anonymous"}}],
            }
        )
    )
    return [
        str(program), f"--kubeconfig={kubeconfig}", "--controllers=horizontal-pod-autoscaler-controller",
        "--leader-elect=false", "--bind-address=127.0.0.1", f"--secure-port={free_port()}",
        f"--cert-dir={folder / 'certificates'}", f"--horizontal-pod-autoscaler-sync-period={REAL_SYNC_SECONDS}s",
        "--concurrent-horizontal-pod-autoscaler-syncs=6",
    ]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_simulator_decides_like_the_real_controller(case: str, real_sizes: dict[str, list[int]]) -> None:
    """Kubernetes 1.36, kube-controller-manager's own HPA controller, fed the same metric at each of its syncs."""
    assert real_sizes[case] == simulated(case)


def test_the_loads_scale_out_and_in(real_sizes: dict[str, list[int]]) -> None:
    """A comparison of controllers that never scale would prove nothing."""
    assert {len(sizes) for sizes in real_sizes.values()} == {len(SHAPE)}
    assert min(max(sizes) for sizes in real_sizes.values()) > START
    assert sum(sizes[-1] < max(sizes) for sizes in real_sizes.values()) > len(CASES) // 2
