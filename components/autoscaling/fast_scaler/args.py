"""Arguments of the fast scaler (`keda.fast_scaler`); its objects are in `manifests.py`."""

from typing import Final

from pydantic import Field

from meshed_mcp.components.core.args import In, Model

OUT_OF_REACH: Final = "1000000000"
"""`activationThreshold` that no load exceeds. KEDA itself writes a raised minimum only while no trigger is active:
0.06 s, against up to 15 s until the HPA's next sync (measured). The HPA scales by the value all the same."""


class FastScalerSettings(Model):
    """A small process that raises minimums in an emergency, of the same image as the services."""

    image: In[str]
    """Image with this package's runtime."""

    hold_seconds: int = Field(default=300, ge=30, le=3600)
    """How long a raised minimum is held. The default is the HPA's own stabilization of shrinking."""

    replicas: int = Field(default=2, ge=1, le=3)
    """Processes. They write the same, so that two do no harm, and one may be lost with its node."""
