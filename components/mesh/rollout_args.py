"""Arguments of a rollout: which versions of a service run, and how calls are divided between them.

Values in, frozen models out. Not here: the routes and Deployments that follow (traffic.py, workload.py).
"""

from enum import StrEnum

from pydantic import Field, model_validator

from meshed_mcp.components.core.args import In, Model


class RolloutStrategy(StrEnum):
    """How a new version takes over."""

    NONE = "none"
    """One version; a rolling update replaces its pods."""

    CANARY = "canary"
    """Two versions side by side; calls are divided by weight."""


class Weights(Model):
    """Shares of the calls in percent; the mesh would silently read any other sum as ratios."""

    stable: int = Field(ge=0, le=100)
    """Percent of the calls that the stable version gets."""

    canary: int = Field(ge=0, le=100)
    """Percent of the calls that the canary gets."""

    @model_validator(mode="after")
    def _sums_to_all(self) -> "Weights":
        total = self.stable + self.canary
        if total != 100:  # noqa: PLR2004 - percent
            raise ValueError(
                f"stable {self.stable} and canary {self.canary} sum to {total}, not 100; "
                f"write stable: {100 - self.canary} or canary: {100 - self.stable}"
            )
        return self


class Rollout(Model):
    """Which versions of a service run and how calls are divided between them."""

    strategy: RolloutStrategy = RolloutStrategy.NONE
    """`none` or `canary`."""

    image: In[str] | None = None
    """Container image of the canary; only with strategy canary."""

    weights: Weights | None = None
    """Division of the calls; only with strategy canary."""

    @model_validator(mode="after")
    def _has_what_the_strategy_needs(self) -> "Rollout":
        given = {"image": self.image, "weights": self.weights}
        if self.strategy is RolloutStrategy.CANARY:
            missing = [field for field, value in given.items() if value is None]
            if missing:
                raise ValueError(f"strategy canary needs {' and '.join(missing)}; add it, or write strategy: none")
        else:
            unused = [field for field, value in given.items() if value is not None]
            if unused:
                raise ValueError(
                    f"strategy none does not use {' and '.join(unused)}; remove it, or write strategy: canary"
                )
        return self
