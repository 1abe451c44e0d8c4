"""Rules on autoscalers: objects that KEDA, the HPA and the VPA accept and that then do not scale."""

import copy
from typing import Any

import pytest

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.infra.checks.rules import rule_issues
from tests.stacks import recording
from tests.unit.infra.damages import Damage, damage, lines, one


@pytest.fixture
def objects() -> list[Manifest]:
    """The objects of dev, to be damaged."""
    return copy.deepcopy(recording("dev").objects)


def resizer(**spec: Any) -> Damage:
    """Adds a VPA of mcp-controller, whose CPU the autoscaler counts."""

    def apply(objects: list[Manifest]) -> None:
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "mcp-controller"}
        named = {"name": "mcp-controller", "namespace": "mcp-system"}
        kind = {"apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler"}
        objects.append({**kind, "metadata": named, "spec": {"targetRef": target, **spec}})

    return apply


def plain_autoscaler(objects: list[Manifest]) -> None:
    """Replace the ScaledObject by an HPA on the CPU of whole pods, and remove the server's request."""
    objects.remove(one(objects, "ScaledObject", "mcp-controller"))
    metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
    objects.append(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "plain", "namespace": "mcp-system"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "mcp-controller"},
                "maxReplicas": 3,
                "metrics": [{"type": "Resource", "resource": metric}],
            },
        }
    )
    unrequested(objects)


def unrequested(objects: list[Manifest]) -> None:
    """Take the CPU request away."""
    pod = one(objects, "Deployment", "mcp-controller")["spec"]["template"]["spec"]
    del pod["containers"][0]["resources"]["requests"]["cpu"]


def cpu_alone_from(minimum: int | None) -> Damage:
    """Leaves the CPU trigger alone, with a minimum or none."""

    def apply(objects: list[Manifest]) -> None:
        spec = one(objects, "ScaledObject", "mcp-controller")["spec"]
        spec["triggers"] = [each for each in spec["triggers"] if each["type"] == "cpu"]
        del spec["minReplicaCount"]
        if minimum is not None:
            spec["minReplicaCount"] = minimum

    return apply


SCALED = "ScaledObject mcp-system/mcp-controller: spec"
VPA = "VerticalPodAutoscaler mcp-system/mcp-controller: spec"

SCALING_DAMAGES: dict[str, tuple[Damage, str]] = {
    "unknown trigger": (
        damage("ScaledObject", "mcp-controller", "spec.triggers.0.type", "promtheus"),
        f"{SCALED}.triggers[0].type: 'promtheus' is not a trigger of KEDA; did you mean prometheus?",
    ),
    "threshold that is no number": (
        damage("ScaledObject", "mcp-controller", "spec.triggers.0.metadata.threshold", "many"),
        (
            f"{SCALED}.triggers[0].metadata.threshold: 'many' is not a number, and KEDA would make no HPA of it; "
            "set digits in quotes, such as '28'"
        ),
    ),
    "fractional target of a composite with a fallback": (
        damage("ScaledObject", "mcp-controller", "spec.advanced.scalingModifiers", {"formula": "a", "target": "0.8"}),
        (
            f"{SCALED}.advanced.scalingModifiers.target: '0.8' is not a whole number, so the fallback would never act; "
            "set one such as '1' and scale the formula, or use plain triggers, of which the largest counts"
        ),
    ),
    "CPU alone with a minimum of 0": (
        cpu_alone_from(0),
        f"{SCALED}.minReplicaCount: is 0, which CPU and memory alone never leave; set 1 or more",
    ),
    "CPU alone with KEDA's own minimum": (
        cpu_alone_from(None),
        f"{SCALED}.minReplicaCount: is 0, which CPU and memory alone never leave; set 1 or more",
    ),
    "missing request": (
        unrequested,
        (
            f"{SCALED}.scaleTargetRef: container server of mcp-system/mcp-controller requests no cpu, and the "
            "autoscaler counts a share of it; set resources.requests.cpu, or do not count it"
        ),
    ),
    "missing request of a plain autoscaler": (
        plain_autoscaler,
        (
            "HorizontalPodAutoscaler mcp-system/plain: spec.scaleTargetRef: container server of "
            "mcp-system/mcp-controller requests no cpu, and the autoscaler counts a share of it; "
            "set resources.requests.cpu, or do not count it"
        ),
    ),
    "VPA that resizes by default": (
        resizer(),
        (
            f"{VPA}.resourcePolicy.containerPolicies: Recreate resizes server/cpu, "
            "which ScaledObject mcp-system/mcp-controller counts; set 'Off', or remove the resource"
        ),
    ),
    "VPA on a counted resource": (
        resizer(
            updatePolicy={"updateMode": "InPlaceOrRecreate"},
            resourcePolicy={"containerPolicies": [{"containerName": "server", "controlledResources": ["cpu"]}]},
        ),
        f"{VPA}.resourcePolicy.containerPolicies: InPlaceOrRecreate resizes server/cpu, which ScaledObject",
    ),
    "unquoted Off": (
        resizer(updatePolicy={"updateMode": False}),
        (
            f"{VPA}.updatePolicy.updateMode: is false, as YAML 1.1 reads off without quotes, "
            "and the API server rejects it; set 'Off'"
        ),
    ),
}


@pytest.mark.parametrize(("apply", "line"), SCALING_DAMAGES.values(), ids=SCALING_DAMAGES)
def test_a_target_scaled_by_nothing_or_twice_is_one_error(objects: list[Manifest], apply: Damage, line: str) -> None:
    """Requirement CMP-14: what KEDA's webhook admits and fails on later (measured) is an error."""
    apply(objects)
    (found,) = lines(rule_issues(objects))
    assert found.startswith(line)


@pytest.mark.parametrize(
    "apply",
    [
        resizer(updatePolicy={"updateMode": "Off"}),
        resizer(resourcePolicy={"containerPolicies": [{"containerName": "server", "controlledResources": ["memory"]}]}),
        resizer(resourcePolicy={"containerPolicies": [{"containerName": "*", "mode": "Off"}]}),
        damage("ScaledObject", "mcp-controller", "spec.advanced.scalingModifiers", {"formula": "a", "target": "2"}),
        damage("ScaledObject", "mcp-controller", "spec.triggers.0.metadata.threshold", "0.5"),
        cpu_alone_from(1),
    ],
    ids=["advice", "another resource", "no container", "whole target", "half a call", "CPU alone from 1"],
)
def test_a_valid_autoscaler_has_no_error(objects: list[Manifest], apply: Damage) -> None:
    """Requirement PRJ-1: each rule has a case in which it is silent."""
    apply(objects)
    assert lines(rule_issues(objects)) == []
