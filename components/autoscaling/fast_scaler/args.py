"""Arguments of the autoscaler agents: the fast scaler (`keda.fast_scaler`) and pod deletion costs (`deletion_cost`)."""

from typing import Final

from pydantic import Field

from meshed_mcp.components.core.args import In, Model

OUT_OF_REACH: Final = "1000000000"
"""`activationThreshold` that no load exceeds. KEDA writes a raised minimum itself only while no trigger is active:
0.06 s, against up to 15 s until the HPA's next sync (measured). The HPA scales by the value all the same."""


class FastScalerSettings(Model):
    """Agent that raises the minimum of services as soon as their load needs it."""

    image: In[str]
    """Image with this package's runtime."""

    hold_seconds: int = Field(default=300, ge=30, le=3600)
    """Seconds that a raised minimum is held. Source: the HPA's default stabilization of scale-in."""

    replicas: int = Field(default=2, ge=1, le=3)
    """Pods of the agent. They write the same values, so one may be lost with its node."""


class DeletionCostSettings(Model):
    """Agent that annotates each replica of session-counting services with its pod deletion cost."""

    image: In[str]
    """Image with this package's runtime."""

    steps: int = Field(default=20, ge=2, le=1000)
    """Steps between an empty replica and one with `sessions_per_replica`. The annotation changes when a replica passes
    a step, at most once a minute, because Kubernetes advises against frequent updates."""
