"""The autoscaler of every target, by KEDA or without it. Arguments in, Kubernetes objects out."""

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, KedaInstall
from meshed_mcp.components.autoscaling.hpa.native import autoscaler
from meshed_mcp.components.autoscaling.keda.scaled_object import scaled_object
from meshed_mcp.components.core.manifest import Manifest


def manifests(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """A ScaledObject for every target whose size may change; where KEDA is left out, a HorizontalPodAutoscaler."""
    make = autoscaler if args.keda.install is KedaInstall.NONE else scaled_object
    return [make(name, target, args) for name, target in args.targets.items() if target.scales]
