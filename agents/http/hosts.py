"""Which values of the Host header a replica answers to.

In: the allow-list of the settings. Out: yes or no for one header. The rule is the SDK's, for every path of a process.
Not here: the answer 421 (drain.py), the Origin check, which only the MCP endpoint has (service.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

ANY_PORT: Final = ":*"


@dataclass(frozen=True)
class AllowedHosts:
    """An allow-list that is asked once per request: `name`, `name:port`, or `name:*` for every port."""

    exact: frozenset[str] = field(default_factory=frozenset)
    with_any_port: tuple[str, ...] = ()

    @classmethod
    def of(cls, hosts: Sequence[str]) -> Self:
        """Take the list apart."""
        return cls(
            frozenset(host for host in hosts if not host.endswith(ANY_PORT)),
            tuple(host.removesuffix("*") for host in hosts if host.endswith(ANY_PORT)),
        )

    def __contains__(self, host: object) -> bool:
        return isinstance(host, str) and (host in self.exact or host.startswith(self.with_any_port))
