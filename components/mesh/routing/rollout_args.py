"""Arguments of a rollout: which versions of a service run side by side, and which calls each of them gets.

Values in, frozen models out: one choice, tagged by `strategy`. Not here: the routes and Deployments that follow
(virtual_service.py, mesh/service/workload.py), and how the second version scales (infra/planning/autoscaling.py).
"""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import In, Model
from meshed_mcp.components.core.names import listed
from meshed_mcp.components.mesh.routing.headers import header_name, header_regex
from meshed_mcp.error_codes.service import ROLLOUT_NOT_HUNDRED, ROLLOUT_UNUSED_FIELDS
from meshed_mcp.error_codes.values import LISTED_TWICE

PREVIEW_HEADER: Final = "x-deployment-stage"
"""Product rule: the name that the project's first blue-green routes used."""

HUNDRED_PERCENT: Final = 100


class RolloutStrategy(StrEnum):
    """How a new version takes over."""

    NONE = "none"
    """One version; a rolling update replaces its pods."""

    CANARY = "canary"
    """Two versions side by side; calls are divided by weight."""

    BLUE_GREEN = "blue_green"
    """Two versions side by side; one gets all calls, the other those that ask for it by a header."""

    AB = "ab"
    """Two versions side by side; a header of the call decides."""


USED_BY: Final = {
    "image": RolloutStrategy.CANARY,
    "weights": RolloutStrategy.CANARY,
    "mirror": RolloutStrategy.CANARY,
    "active": RolloutStrategy.BLUE_GREEN,
    "header": RolloutStrategy.BLUE_GREEN,
    "preview_replicas": RolloutStrategy.BLUE_GREEN,
    "regex": RolloutStrategy.AB,
}
"""Field -> the strategy that whoever writes it without one means."""


class Color(StrEnum):
    """The two versions of a blue-green rollout."""

    BLUE = "blue"
    """The service's own `image`, in the Deployment that has the service's name."""

    GREEN = "green"
    """The rollout's `image`."""


class Weights(Model):
    """Shares of the calls in percent; the mesh would silently read any other sum as ratios."""

    stable: int = Field(ge=0, le=100)
    """Percent of the calls that the stable version gets."""

    canary: int = Field(ge=0, le=100)
    """Percent of the calls that the canary gets."""

    @model_validator(mode="after")
    def _sums_to_all(self) -> "Weights":
        total = self.stable + self.canary
        if total != HUNDRED_PERCENT:
            raise ROLLOUT_NOT_HUNDRED.error(
                stable=self.stable,
                canary=self.canary,
                total=total,
                rest_stable=100 - self.canary,
                rest_canary=100 - self.stable,
            )
        return self


class Mirror(Model):
    """Calls that the other version gets too, as copies whose answers nobody sees."""

    tools: list[str] = Field(min_length=1)
    """Tools whose calls are copied; each must be declared `read_only` in `tools`, as a copy runs the tool again."""

    percent: float = Field(default=100, gt=0, le=100)
    """Share of their calls that is copied."""

    @field_validator("tools")
    @classmethod
    def _are_different(cls, value: list[str]) -> list[str]:
        twice = sorted({tool for tool in value if value.count(tool) > 1})
        if twice:
            raise LISTED_TWICE.error(names=listed(twice))
        return value


class NoRollout(Model):
    """One version; a rolling update replaces its pods."""

    second: ClassVar[None] = None
    mirror: ClassVar[None] = None

    strategy: Literal[RolloutStrategy.NONE] = RolloutStrategy.NONE
    """`none`."""

    @model_validator(mode="before")
    @classmethod
    def _has_nothing_of_a_strategy(cls, value: Any) -> Any:
        unused = [field for field in value if field in USED_BY] if isinstance(value, dict) else []
        if unused:
            strategy = next((USED_BY[field] for field in unused if field != "image"), RolloutStrategy.CANARY)
            raise ROLLOUT_UNUSED_FIELDS.error(fields=" and ".join(unused), strategy=strategy)
        return value


class Canary(Model):
    """Two versions side by side; calls are divided by weight, drawn for each of them.

    Sessions of `legacy: sticky` stay with the version that they began on: only new ones follow the weights.
    """

    second: ClassVar[str] = contract.CANARY

    strategy: Literal[RolloutStrategy.CANARY]
    """`canary`."""

    image: In[str]
    """Container image of the canary."""

    weights: Weights
    """Division of the calls."""

    mirror: Mirror | None = None
    """Calls of which the canary gets copies, whatever its weight; unset = none."""


class BlueGreen(Model):
    """Two versions side by side: the active one gets all calls, the other those that ask for it by a header.

    Writing the other color as `active` switches.
    """

    second: ClassVar[str] = contract.GREEN

    strategy: Literal[RolloutStrategy.BLUE_GREEN]
    """`blue_green`."""

    image: In[str]
    """Container image of green; the service's own `image` is blue's."""

    active: Color = Color.BLUE
    """The color that gets all calls without the header. Sessions of `legacy: sticky` stay where they began."""

    header: str = PREVIEW_HEADER
    """Header whose value `blue` or `green` picks a color."""

    preview_replicas: int | None = Field(default=None, ge=1, le=1000)
    """Least pods of the color that is not active: as many as the calls need, before a switch. Unset = as few as the
    service's least."""

    mirror: Mirror | None = None
    """Calls of which the color that is not active gets copies; unset = none."""

    @field_validator("header")
    @classmethod
    def _is_header(cls, value: str) -> str:
        return header_name(value)


class ABTest(Model):
    """Two versions side by side: calls whose header matches get the variant, all others the service's own image."""

    second: ClassVar[str] = contract.VARIANT
    mirror: ClassVar[None] = None

    strategy: Literal[RolloutStrategy.AB]
    """`ab`."""

    image: In[str]
    """Container image of the variant."""

    header: str = "user-agent"
    """Header that decides. A client may send any; it is a choice of version, no protection."""

    regex: str
    """Regular expression (RE2) that the header's whole value must match, such as `.*Mobile.*`."""

    @field_validator("header")
    @classmethod
    def _is_header(cls, value: str) -> str:
        return header_name(value)

    @field_validator("regex")
    @classmethod
    def _is_regex(cls, value: str) -> str:
        return header_regex(value)


def _tagged(value: Any) -> Any:
    """A mapping that names no strategy means none."""
    if isinstance(value, dict) and "strategy" not in value:
        return {"strategy": RolloutStrategy.NONE.value, **value}
    return value


Rollout = Annotated[NoRollout | Canary | BlueGreen | ABTest, Field(discriminator="strategy"), BeforeValidator(_tagged)]
"""One of the strategies, by its tag; without a tag `none`."""
