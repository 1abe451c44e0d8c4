"""Sealing of request state with keys that may change while the process runs.

Source: SDK 2.3, `RequestStateCodec` and `RequestStateSecurity`, "rotation ring".
"""

from collections.abc import Callable
from time import monotonic
from typing import Final

from mcp.server.request_state import AESGCMRequestStateCodec

from meshed_mcp.agents.process.secret_files import ParsedSecret, Secret
from meshed_mcp.agents.state.request_state_keys import parse_state_keys

PROPAGATION_SECONDS: Final = 180.0
"""Time in which a changed Secret reaches the files of every replica. Source: Kubernetes, "ConfigMaps", "Mounted
ConfigMaps are updated automatically": the kubelet's sync period, 60 s with jitter, and the delay of its cache, at most
60 s by default of `ttl`; the rest is a margin."""


class RotatingCodec:
    """A `RequestStateCodec`: the first key seals, every key unseals.

    A first key that this process has not seen before seals only after PROPAGATION_SECONDS, if the key in use stays in
    the list: until then a replica without the new key may get the next round.
    """

    def __init__(self, keys: Secret, clock: Callable[[], float] = monotonic) -> None:
        """Take keys as `parse_state_keys` reads them; `clock` returns seconds. Raises MessageError."""
        self._keys, self._clock = ParsedSecret(keys, parse_state_keys), clock
        self._switch_at = clock()
        found = self._keys.get()
        self._use(found, found[0])

    def seal(self, payload: bytes) -> str:
        """Return a token that holds `payload`."""
        return self._current().seal(payload)

    def unseal(self, token: str) -> bytes:
        """Return what `seal` was given. Raises InvalidRequestState."""
        return self._current().unseal(token)

    def _current(self) -> AESGCMRequestStateCodec:
        found = self._keys.get()
        if found is not self._found:
            is_delayed = found[0] not in self._found and self._sealing in found
            self._switch_at = self._clock() + (PROPAGATION_SECONDS if is_delayed else 0)
            self._use(found, self._sealing if is_delayed else found[0])
        elif self._sealing != found[0] and self._clock() >= self._switch_at:
            self._use(found, found[0])
        return self._codec

    def _use(self, found: tuple[str, ...], sealing: str) -> None:
        self._found, self._sealing = found, sealing
        self._codec = AESGCMRequestStateCodec([sealing, *(key for key in found if key != sealing)])
