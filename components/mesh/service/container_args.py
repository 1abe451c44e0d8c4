"""Arguments of the server container: Secrets, resources and graceful shutdown."""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, Field, field_validator, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import Model, camel
from meshed_mcp.components.core.names import object_name
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes
from meshed_mcp.components.pod.extended_resources import ExtendedResources, collected
from meshed_mcp.error_codes.service import CPU_ABOVE_LIMIT, GRACE_TOO_SHORT, MEMORY_ABOVE_LIMIT
from meshed_mcp.error_codes.values import INVALID_SECRET_KEY

_SECRET_KEY: Final = re.compile(r"(?!\.\.|\.$)[-._a-zA-Z0-9]{1,253}")
"""Source: Kubernetes, "Secrets", key names; the API server rejects `.` and names that begin with `..`."""


def _key_name(value: str) -> str:
    if _SECRET_KEY.fullmatch(value) is None:
        raise INVALID_SECRET_KEY.error(value=value)
    return value


KeyName = Annotated[str, AfterValidator(_key_name)]
"""Key of a Secret or ConfigMap."""


class SecretKey(Model):
    """One key of a Secret in the service's namespace."""

    secret: Annotated[str, AfterValidator(object_name)]
    """Name of the Secret."""

    key: KeyName
    """Key of the Secret."""


def _cpu(value: str) -> str:
    cpu_millicores(value)
    return value


def _memory(value: str) -> str:
    memory_bytes(value)
    return value


Cpu = Annotated[str, AfterValidator(_cpu)]
Memory = Annotated[str, AfterValidator(_memory)]
"""Kubernetes quantities."""


class ServerResources(Model):
    """CPU and memory of the server container, as Kubernetes quantities."""

    cpu: Cpu = "100m"
    """CPU request, the base of the autoscaler's percentage: `250m`, `0.5` or `2`."""

    cpu_limit: Cpu | None = None
    """CPU limit, at which the container is throttled; unset = never throttled, which keeps latency low."""

    memory: Memory = "128Mi"
    """Memory request: `512Mi`, `1Gi`."""

    memory_limit: Memory = "512Mi"
    """Memory limit, at which the container is killed."""

    extended: ExtendedResources = Field(default_factory=dict)
    """Extended resources, as request and limit: `{nvidia.com/gpu: 1}`; their names may also stand beside `cpu`."""

    @model_validator(mode="before")
    @classmethod
    def _collects_extended_resources(cls, raw: Any) -> Any:
        return collected(raw)

    @field_validator("cpu", "cpu_limit", mode="before")
    @classmethod
    def _accepts_plain_numbers(cls, value: object) -> object:
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("memory", "memory_limit", mode="before")
    @classmethod
    def _explains_plain_numbers(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _limits_hold_requests(self) -> "ServerResources":
        if self.cpu_limit is not None and cpu_millicores(self.cpu) > cpu_millicores(self.cpu_limit):
            raise CPU_ABOVE_LIMIT.error(cpu=self.cpu, cpu_limit=self.cpu_limit)
        if memory_bytes(self.memory) > memory_bytes(self.memory_limit):
            raise MEMORY_ABOVE_LIMIT.error(memory=self.memory, memory_limit=self.memory_limit)
        return self


MAX_GRACE_SECONDS: Final = 3600
"""Maximum grace period: a drained node waits no longer (`nodes.karpenter.drain_minutes`)."""


class Drain(Model):
    """Graceful shutdown of a pod."""

    pre_stop_delay_seconds: int = Field(default=5, ge=0, le=600)
    """Seconds for which a terminating replica still accepts requests, until endpoints and proxies are updated. With
    `legacy: sticky`, also how long it serves its own sessions."""

    grace_seconds: int = Field(default=30, ge=5, le=MAX_GRACE_SECONDS)
    """Maximum seconds from SIGTERM to exit: `pre_stop_delay_seconds` and the longest tool call must fit in. The default
    follows from the longest `call_seconds` of `limits` and `pools`, if one is set."""

    @model_validator(mode="after")
    def _leaves_time_for_calls(self) -> "Drain":
        least = self.pre_stop_delay_seconds + math.ceil(contract.CLOSING_SECONDS)
        if least >= self.grace_seconds:
            raise GRACE_TOO_SHORT.error(
                pre_stop=self.pre_stop_delay_seconds,
                grace=self.grace_seconds,
                closing=contract.CLOSING_SECONDS,
                least=least,
            )
        return self


def derive_termination_grace_period(raw: Any) -> Any:
    """Raw settings of a service with `drain.grace_seconds` for its longest `call_seconds`, unless they set it."""
    drain, pools = _given(raw, "drain", {}), _given(raw, "pools", {})
    holders = [_given(raw, "limits", {}), *(pools.values() if isinstance(pools, Mapping) else ())]
    longest = max(_integer(_given(holder, "call_seconds", None)) for holder in holders)
    if not longest or not isinstance(drain, Mapping | BaseModel) or _given(drain, "grace_seconds", None) is not None:
        return raw
    delay = _integer(_given(drain, "pre_stop_delay_seconds", Drain().pre_stop_delay_seconds))
    needed = max(Drain().grace_seconds, longest + delay + math.ceil(contract.CLOSING_SECONDS))
    given = dict(drain) if isinstance(drain, Mapping) else drain.model_dump(exclude_unset=True)
    return {**raw, "drain": {**given, "grace_seconds": min(needed, MAX_GRACE_SECONDS)}}


def _given(holder: Any, field: str, default: Any) -> Any:
    """A field's value if it is set, in snake or camel case."""
    if isinstance(holder, BaseModel):
        return getattr(holder, field) if field in holder.model_fields_set else default
    if isinstance(holder, Mapping):
        return next((holder[name] for name in (field, camel(field)) if name in holder), default)
    return default


def _integer(value: Any) -> int:
    """The value, or 0 for a wrong type, which the model rejects later."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
