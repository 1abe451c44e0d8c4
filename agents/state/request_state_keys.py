"""Parsing and validation of request state keys. Errors never repeat a key. Source: SDK 2.3, AESGCMRequestStateCodec."""

import json
from typing import Any, Final

from meshed_mcp.error_codes.runtime import NO_STATE_KEY, STATE_KEY_TOO_SHORT, STATE_KEY_TWICE, STATE_KEYS_NOT_JSON

MIN_KEY_BYTES: Final = 32  # minimum length of a key
_FIX: Final = "set one key per line, each as `openssl rand -hex 32` gives it, the one that seals first"


def parse_state_keys(text: str) -> tuple[str, ...]:
    """Return the keys, one per line or a JSON list of strings, sealing key first. Raises ValueError."""
    keys = _json_list(text) if text.lstrip().startswith("[") else [line.strip() for line in text.splitlines()]
    found = [key for key in keys if key]
    if not found:
        raise NO_STATE_KEY.error(fix=_FIX)
    for number, key in enumerate(found, 1):
        if (size := len(key.encode())) < MIN_KEY_BYTES:
            raise STATE_KEY_TOO_SHORT.error(number=number, count=len(found), size=size, least=MIN_KEY_BYTES, fix=_FIX)
        if key in found[: number - 1]:
            raise STATE_KEY_TWICE.error(number=number, count=len(found), first=found.index(key) + 1, fix=_FIX)
    return tuple(found)


def _json_list(text: str) -> list[str]:
    try:
        value: Any = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, list) or not all(isinstance(key, str) for key in value):
        raise STATE_KEYS_NOT_JSON.error(fix=_FIX)
    return value
