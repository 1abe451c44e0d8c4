"""Headers that a stack names in routes: each function returns its argument, or raises ValueError with the fix.

Form only. Not here: the routes (virtual_service.py), headers of MCP itself (mesh/authorization/policy.py).
"""

import re
from typing import Final

import re2

from meshed_mcp.error_codes.service import (
    EMPTY_PATTERN,
    INVALID_HEADER_NAME,
    INVALID_PATTERN,
    PATTERN_TOO_LARGE,
    RESERVED_HEADER,
)

_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
"""Source: RFC 9110, section 5.6.2, token; in lower case, as proxies keep them."""

RESERVED_PREFIXES: Final = ("mcp-", "x-envoy-", "x-forwarded-")
"""Headers that MCP and the proxies set themselves: a choice by them would say something else."""

RESERVED: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "authorization", "cookie"})
"""Headers that frame or authorize a request; a route by them would part what belongs together."""

MAX_PROGRAM: Final = 100
"""Largest RE2 program. Source: Envoy, default of the runtime key `re2.max_program_size.error_level`; Istio's proxies
have 32768, but a header's rule as long as that is a mistake."""


def header_name(name: str) -> str:
    """Name of a request header that clients may set to choose a version."""
    if _NAME.fullmatch(name) is None:
        raise INVALID_HEADER_NAME.error(name=name)
    if name in RESERVED or name.startswith(RESERVED_PREFIXES):
        raise RESERVED_HEADER.error(name=name)
    return name


def header_regex(pattern: str) -> str:
    """A pattern for a header's whole value, as proxies match it. Source: RE2, "Syntax"."""
    if not pattern:
        raise EMPTY_PATTERN.error()
    options = re2.Options()
    options.log_errors = False
    try:
        program = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        raise INVALID_PATTERN.error(pattern=pattern, reason=reason) from None
    if program.programsize > MAX_PROGRAM:
        raise PATTERN_TOO_LARGE.error(characters=len(pattern), steps=program.programsize, most=MAX_PROGRAM)
    return pattern
