"""Arguments of pod deletion costs, which decide the order of scale-in; the objects are in `pod_deletion_cost.py`."""

from pydantic import Field

from meshed_mcp.components.core.args import In, Model


class DeletionCostSettings(Model):
    """A small process that marks each replica of services that count sessions with what it costs to remove it."""

    image: In[str]
    """Image with this package's runtime."""

    steps: int = Field(default=20, ge=2, le=1000)
    """Steps between an empty replica and one with `sessions_per_replica`; a replica is marked again when it passes one,
    once a minute at most. Kubernetes asks for few updates of this mark."""
