"""Keys of the request state, as an operator writes them: checked before they seal anything.

In: the text of one environment variable. Out: the keys, the sealing one first, or a ValueError that repeats none.
Not here: what is sealed with them (request_state.py). Source of the rules: official SDK 2.3, `AESGCMRequestStateCodec`.
"""

import json
from typing import Any, Final

from meshed_mcp.error_codes.runtime import NO_STATE_KEY, STATE_KEY_TOO_SHORT, STATE_KEY_TWICE, STATE_KEYS_NOT_JSON

LEAST_BYTES: Final = 32
"""Shortest key. Source: official SDK 2.3, `AESGCMRequestStateCodec`."""

_FIX: Final = "set one key per line, each as `openssl rand -hex 32` gives it, the one that seals first"


def state_keys(written: str) -> tuple[str, ...]:
    """The keys of `written`: a line each, or a JSON list of texts. Raises ValueError with one line and no key."""
    keys = _json_list(written) if written.lstrip().startswith("[") else [line.strip() for line in written.splitlines()]
    found = [key for key in keys if key]
    if not found:
        raise NO_STATE_KEY.error(fix=_FIX)
    for number, key in enumerate(found, 1):
        if len(key.encode()) < LEAST_BYTES:
            size = len(key.encode())
            raise STATE_KEY_TOO_SHORT.error(number=number, count=len(found), size=size, least=LEAST_BYTES, fix=_FIX)
        if key in found[: number - 1]:
            raise STATE_KEY_TWICE.error(number=number, count=len(found), first=found.index(key) + 1, fix=_FIX)
    return tuple(found)


def _json_list(written: str) -> list[str]:
    try:
        value: Any = json.loads(written)
    except ValueError:
        value = None
    if not isinstance(value, list) or not all(isinstance(key, str) for key in value):
        raise STATE_KEYS_NOT_JSON.error(fix=_FIX)
    return value
