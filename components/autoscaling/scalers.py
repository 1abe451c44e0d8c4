"""The autoscaler of every target: a ScaledObject, or a HorizontalPodAutoscaler without KEDA."""

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.hpa.native import native_hpa
from meshed_mcp.components.autoscaling.keda.scaled_object import scaled_object
from meshed_mcp.components.core.charts import OptionalInstall
from meshed_mcp.components.core.manifest import Manifest


def autoscaler_manifests(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """One autoscaler for every target whose bounds differ."""
    make = native_hpa if args.keda.install is OptionalInstall.NONE else scaled_object
    return [make(name, target, args) for name, target in args.targets.items() if target.scales]
