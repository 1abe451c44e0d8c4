"""Arguments of a rollout: the versions that run side by side and how requests are split, one model per `strategy`."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import In, Model
from meshed_mcp.components.mesh.routing.validation import header_name, header_regex
from meshed_mcp.components.mesh.service.validation import without_duplicates
from meshed_mcp.error_codes.service import ROLLOUT_NOT_HUNDRED, ROLLOUT_UNUSED_FIELDS

PREVIEW_HEADER: Final = "x-deployment-stage"
"""Product rule: the name that the project's first blue-green routes used."""

HUNDRED_PERCENT: Final = 100


class RolloutStrategy(StrEnum):
    """Rollout strategy of a new version."""

    NONE = "none"
    """One version; a rolling update replaces its pods."""

    CANARY = "canary"
    """Two versions side by side; requests are split by weight."""

    BLUE_GREEN = "blue_green"
    """Two versions side by side; the active one gets all requests except those with the preview header."""

    AB = "ab"
    """Two versions side by side, selected by a request header."""


STRATEGY_BY_FIELD: Final = {
    "image": RolloutStrategy.CANARY,
    "weights": RolloutStrategy.CANARY,
    "mirror": RolloutStrategy.CANARY,
    "active": RolloutStrategy.BLUE_GREEN,
    "header": RolloutStrategy.BLUE_GREEN,
    "preview_replicas": RolloutStrategy.BLUE_GREEN,
    "regex": RolloutStrategy.AB,
}
"""Field -> strategy to suggest when it is set without one."""


class Color(StrEnum):
    """The two versions of a blue-green rollout."""

    BLUE = "blue"
    """The service's own `image`, in the Deployment that has the service's name."""

    GREEN = "green"
    """The rollout's `image`."""


class Weights(Model):
    """Split of the requests in percent; the sum must be 100, because Istio treats any other sum as ratios."""

    stable: int = Field(ge=0, le=100)
    """Percent of the requests to the stable version."""

    canary: int = Field(ge=0, le=100)
    """Percent of the requests to the canary."""

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
    """Mirrored traffic: tool calls that the other version gets too, with discarded responses."""

    tools: Annotated[list[str], AfterValidator(without_duplicates)] = Field(min_length=1)
    """Tools to mirror; each must be `read_only` in `tools`, because a mirrored call runs the tool again."""

    percent: float = Field(default=100, gt=0, le=100)
    """Share of their calls to mirror, in percent."""


class NoRollout(Model):
    """One version; a rolling update replaces its pods."""

    second: ClassVar[None] = None
    mirror: ClassVar[None] = None

    strategy: Literal[RolloutStrategy.NONE] = RolloutStrategy.NONE
    """`none`."""

    @model_validator(mode="before")
    @classmethod
    def _has_no_unused_fields(cls, value: Any) -> Any:
        unused = [field for field in value if field in STRATEGY_BY_FIELD] if isinstance(value, dict) else []
        if unused:
            strategy = next((STRATEGY_BY_FIELD[field] for field in unused if field != "image"), RolloutStrategy.CANARY)
            raise ROLLOUT_UNUSED_FIELDS.error(fields=" and ".join(unused), strategy=strategy)
        return value


class Canary(Model):
    """Two versions side by side; each request goes to one of them by weight.

    Sessions of `legacy: sticky` stay with their version; only new sessions follow the weights.
    """

    second: ClassVar[str] = contract.CANARY

    strategy: Literal[RolloutStrategy.CANARY]
    """`canary`."""

    image: In[str]
    """Container image of the canary."""

    weights: Weights
    """Split of the requests."""

    mirror: Mirror | None = None
    """Traffic mirrored to the canary, independent of its weight; unset = none."""


class BlueGreen(Model):
    """Two versions side by side: the active one gets all requests except those with the preview header.

    Set `active` to the other color to switch.
    """

    second: ClassVar[str] = contract.GREEN

    strategy: Literal[RolloutStrategy.BLUE_GREEN]
    """`blue_green`."""

    image: In[str]
    """Container image of green; the `image` of the service is blue."""

    active: Color = Color.BLUE
    """Color that gets all requests without the header. Sessions of `legacy: sticky` stay with their color."""

    header: Annotated[str, AfterValidator(header_name)] = PREVIEW_HEADER
    """Header whose value `blue` or `green` selects a color."""

    preview_replicas: int | None = Field(default=None, ge=1, le=1000)
    """Minimum pods of the inactive color; raise it to the current load before a switch. Unset = the minimum of the
    service."""

    mirror: Mirror | None = None
    """Traffic mirrored to the inactive color; unset = none."""


class ABTest(Model):
    """Two versions side by side: requests with a matching header get the variant, all others the stable version."""

    second: ClassVar[str] = contract.VARIANT
    mirror: ClassVar[None] = None

    strategy: Literal[RolloutStrategy.AB]
    """`ab`."""

    image: In[str]
    """Container image of the variant."""

    header: Annotated[str, AfterValidator(header_name)] = "user-agent"
    """Header to match. Clients can send any value, so it is no access control."""

    regex: Annotated[str, AfterValidator(header_regex)]
    """Regular expression (RE2) that the header's whole value must match, such as `.*Mobile.*`."""


def _tagged(value: Any) -> Any:
    """A mapping without `strategy` gets `none`."""
    if isinstance(value, dict) and "strategy" not in value:
        return {"strategy": RolloutStrategy.NONE.value, **value}
    return value


Rollout = Annotated[NoRollout | Canary | BlueGreen | ABTest, Field(discriminator="strategy"), BeforeValidator(_tagged)]
"""One of the strategies; without `strategy`, `none`."""
