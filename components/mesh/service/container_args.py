"""Arguments of the container of a server: secrets, resources, and how it ends.

Values in, frozen models out. Not here: the service around the container (args.py) and the Deployment (workload.py).
"""

import math
import re
from typing import Final

from pydantic import Field, field_validator, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import object_name
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes
from meshed_mcp.error_codes.service import CPU_ABOVE_LIMIT, GRACE_TOO_SHORT, MEMORY_ABOVE_LIMIT
from meshed_mcp.error_codes.values import INVALID_SECRET_KEY

_SECRET_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")
"""Source: Kubernetes, "Secrets", names of keys."""


class SecretKey(Model):
    """One key of a Secret in the service's namespace."""

    secret: str
    """Name of the Secret."""

    key: str
    """Key inside the Secret."""

    @field_validator("secret")
    @classmethod
    def _names_a_secret(cls, value: str) -> str:
        return object_name(value)

    @field_validator("key")
    @classmethod
    def _names_a_key(cls, value: str) -> str:
        if _SECRET_KEY.fullmatch(value) is None:
            raise INVALID_SECRET_KEY.error(value=value)
        return value


class ServerResources(Model):
    """CPU and memory of the container `server`, as Kubernetes quantities."""

    cpu: str = "100m"
    """CPU the scheduler reserves, and the base of the autoscaler's percentage: `250m`, `0.5` or `2`."""

    cpu_limit: str | None = None
    """CPU at which the container is throttled; unset = not throttled, so latency stays even on a busy node."""

    memory: str = "128Mi"
    """Memory the scheduler reserves: `512Mi`, `1Gi`."""

    memory_limit: str = "512Mi"
    """Memory at which the container is killed."""

    @field_validator("cpu", "cpu_limit", mode="before")
    @classmethod
    def _accepts_plain_numbers(cls, value: object) -> object:
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("cpu", "cpu_limit")
    @classmethod
    def _is_cpu(cls, value: str | None) -> str | None:
        if value is not None:
            cpu_millicores(value)
        return value

    @field_validator("memory", "memory_limit", mode="before")
    @classmethod
    def _explains_plain_numbers(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("memory", "memory_limit")
    @classmethod
    def _is_memory(cls, value: str) -> str:
        memory_bytes(value)
        return value

    @model_validator(mode="after")
    def _limits_hold_requests(self) -> "ServerResources":
        if self.cpu_limit is not None and cpu_millicores(self.cpu) > cpu_millicores(self.cpu_limit):
            raise CPU_ABOVE_LIMIT.error(cpu=self.cpu, cpu_limit=self.cpu_limit)
        if memory_bytes(self.memory) > memory_bytes(self.memory_limit):
            raise MEMORY_ABOVE_LIMIT.error(memory=self.memory, memory_limit=self.memory_limit)
        return self


MOST_GRACE_SECONDS: Final = 3600
"""Longest grace period: a node that must go waits no longer (`nodes.karpenter.drain_minutes`)."""


class Drain(Model):
    """How a pod ends without losing a call."""

    pre_stop_delay_seconds: int = Field(default=5, ge=0, le=600)
    """Seconds between "not ready" and the end of accepting calls, while endpoints and proxies notice. With
    `legacy: sticky`, as long as a replica that ends goes on serving its own sessions."""

    grace_seconds: int = Field(default=30, ge=5, le=MOST_GRACE_SECONDS)
    """Seconds from SIGTERM to exit at the latest: the longest tool call must fit into what pre_stop_delay_seconds leaves.
    Where a service names `limits.call_seconds`, or a pool its own, the default follows from the longest of them."""

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
