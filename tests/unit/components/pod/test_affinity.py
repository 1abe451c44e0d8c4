"""Affinity of the platform and of the stack together."""

from meshed_mcp.components.mesh.service.scheduling import off_spot, on_spot
from meshed_mcp.components.pod.affinity import combined_affinity

ARM = {"matchExpressions": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]}]}
GPU = {"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def test_required_terms_hold_together() -> None:
    """Kubernetes API, NodeSelector: terms are alternatives, expressions of one term must all hold."""
    given = {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [ARM, GPU]}}}
    (spot,) = off_spot()["affinity"]["nodeAffinity"][REQUIRED]["nodeSelectorTerms"]
    found = combined_affinity(off_spot()["affinity"], given)
    assert found["nodeAffinity"][REQUIRED]["nodeSelectorTerms"] == [
        {"matchExpressions": [*spot["matchExpressions"], *each["matchExpressions"]]} for each in (ARM, GPU)
    ]


def test_preferences_add_up_and_other_parts_are_kept() -> None:
    """Kubernetes API, NodeAffinity: weights of preferences are summed."""
    preference = {"weight": 5, "preference": ARM}
    given = {"nodeAffinity": {PREFERRED: [preference]}, "podAntiAffinity": {}}
    found = combined_affinity(on_spot()["affinity"], given)
    assert len(found["nodeAffinity"][PREFERRED]) == 2
    assert preference in found["nodeAffinity"][PREFERRED]
    assert found["podAntiAffinity"] == {}
