"""Values that repeat an upstream default, compared with the real programs and CRDs."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from meshed_mcp.components.autoscaling import scale_out_latency
from meshed_mcp.components.autoscaling.hpa import algorithm
from meshed_mcp.components.autoscaling.nodes import provisioning
from meshed_mcp.components.autoscaling.scaling_args import ScaleDown, ScaleUp
from tests.engines.api_server import ApiServer

HPA: dict[str, Any] = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "defaults", "namespace": "default"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "defaults"},
        "maxReplicas": 3,
        "behavior": {"scaleUp": {}, "scaleDown": {}},
    },
}


@pytest.fixture(scope="module")
def flags(find_engine: Callable[[str], Path]) -> dict[str, str]:
    """Defaults of the controller manager's flags, as its help says them."""
    text = subprocess.run(
        [str(find_engine("kube-controller-manager")), "--help"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    found = re.findall(r"--(horizontal-pod-autoscaler-[a-z-]+) .*?\(default ([^)]+)\)", " ".join(text.split()))
    return dict(found)


def test_periods_and_tolerance_are_the_controllers(flags: dict[str, str]) -> None:
    """kube-controller-manager: sync period, tolerance, scale-down stabilization."""
    assert flags["horizontal-pod-autoscaler-sync-period"] == f"{algorithm.SYNC_SECONDS}s"
    assert scale_out_latency.HPA_SYNC_SECONDS == algorithm.SYNC_SECONDS
    assert float(flags["horizontal-pod-autoscaler-tolerance"]) * 100 == ScaleDown().tolerance_percent
    assert ScaleDown().stabilization_seconds == 300
    assert flags["horizontal-pod-autoscaler-downscale-stabilization"] == "5m0s"


def test_behavior_that_repeats_kubernetes_equals_the_servers_defaults(api_server: ApiServer) -> None:
    """Kubernetes API, HPA v2: defaults of `behavior.scaleUp`; the policies are the product's own."""
    assert api_server.client.apply(HPA) is None
    filled = (api_server.client.get(HPA) or {})["spec"]["behavior"]
    api_server.client.delete(HPA)
    assert filled["scaleUp"]["stabilizationWindowSeconds"] == ScaleUp().stabilization_seconds
    assert {policy["periodSeconds"] for policy in filled["scaleUp"]["policies"]} == {ScaleUp().period_seconds}


def test_node_pool_defaults_are_karpenters(crd_dir: Path) -> None:
    """Karpenter's CRD: age of a node, and how many may be removed at a time."""
    (crd,) = [item for item in yaml.safe_load_all((crd_dir / "karpenter-1.15.0.yaml").read_text()) if is_pool(item)]
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    template = spec["template"]["properties"]["spec"]["properties"]
    assert template["expireAfter"]["default"] == provisioning.EXPIRE_AFTER
    assert spec["disruption"]["properties"]["budgets"]["default"] == [{"nodes": provisioning.DISRUPTED_NODES}]


def is_pool(item: dict[str, Any] | None) -> bool:
    """Whether a CRD is the NodePool's."""
    return item is not None and item["spec"]["names"]["kind"] == "NodePool"


def test_settings_against_kedas_defaults_are_still_needed(crd_dir: Path) -> None:
    """KEDA's CRD: a fallback is static, and shrinks, unless another behavior is set."""
    text = (crd_dir / "keda-2.21.0.yaml").read_text()
    (crd,) = [item for item in yaml.safe_load_all(text) if item and item["spec"]["names"]["kind"] == "ScaledObject"]
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    behavior = spec["fallback"]["properties"]["behavior"]
    assert behavior["default"] == "static"
    assert "currentReplicasIfHigher" in behavior["enum"]
