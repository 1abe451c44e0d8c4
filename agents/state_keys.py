"""Keys of the request state, as an operator writes them: checked before they seal anything.

In: the text of one environment variable. Out: the keys, the sealing one first, or a ValueError that repeats none.
Not here: what is sealed with them (state.py). Source of the rules: official SDK 2.3, `AESGCMRequestStateCodec`.
"""

import json
from typing import Any, Final

LEAST_BYTES: Final = 32
"""Shortest key. Source: official SDK 2.3, `AESGCMRequestStateCodec`."""

_FIX: Final = "write one key per line, each as `openssl rand -hex 32` gives it, the one that seals first"


def state_keys(written: str) -> tuple[str, ...]:
    """The keys of `written`: a line each, or a JSON list of texts. Raises ValueError with one line and no key."""
    keys = _json_list(written) if written.lstrip().startswith("[") else [line.strip() for line in written.splitlines()]
    found = [key for key in keys if key]
    if not found:
        raise ValueError(f"holds no key; {_FIX}")
    for number, key in enumerate(found, 1):
        if len(key.encode()) < LEAST_BYTES:
            size = len(key.encode())
            raise ValueError(f"key {number} of {len(found)} has {size} bytes, fewer than {LEAST_BYTES}; {_FIX}")
        if key in found[: number - 1]:
            raise ValueError(f"key {number} of {len(found)} repeats key {found.index(key) + 1}; {_FIX}")
    return tuple(found)


def _json_list(written: str) -> list[str]:
    try:
        value: Any = json.loads(written)
    except ValueError:
        value = None
    if not isinstance(value, list) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"begins with '[' and is no JSON list of texts; {_FIX}")
    return value
