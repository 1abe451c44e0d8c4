"""Headers that a stack names in routes: each function returns its argument, or raises ValueError with the fix.

Form only. Not here: the routes (traffic.py), headers of MCP itself (security.py).
"""

import re
from typing import Final

import re2

_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
"""Source: RFC 9110, section 5.6.2, token; in lower case, as proxies keep them."""

RESERVED_PREFIXES: Final = ("mcp-", "x-envoy-", "x-forwarded-")
"""Headers that MCP and the proxies set themselves: a choice by them would say something else."""

RESERVED: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "authorization", "cookie"})
"""Headers that frame or authorise a request; a route by them would part what belongs together."""

MAX_PROGRAM: Final = 100
"""Largest RE2 program. Source: Envoy, default of the runtime key `re2.max_program_size.error_level`; Istio's proxies
have 32768, but a header's rule as long as that is a mistake."""


def header_name(name: str) -> str:
    """Name of a request header that clients may set to choose a version."""
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no header name; write lower-case letters, digits and '-', such as 'x-stage'")
    if name in RESERVED or name.startswith(RESERVED_PREFIXES):
        raise ValueError(f"{name!r} has a meaning of its own and cannot choose a version; write one such as 'x-stage'")
    return name


def header_regex(pattern: str) -> str:
    """A pattern for a header's whole value, as proxies match it. Source: RE2, "Syntax"."""
    if not pattern:
        raise ValueError("is empty, which matches an empty header only; write a pattern such as '.*Mobile.*'")
    options = re2.Options()
    options.log_errors = False
    try:
        program = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        raise ValueError(
            f"{pattern!r} is no RE2 pattern ({reason}); proxies match in linear time, so there are no look-aheads, "
            f"look-behinds and back references; write it without them, such as '.*Mobile.*'"
        ) from None
    if program.programsize > MAX_PROGRAM:
        raise ValueError(
            f"the pattern of {len(pattern)} characters becomes a program of {program.programsize} steps, of which "
            f"a proxy takes at most {MAX_PROGRAM}; write a shorter one, without large repetitions"
        )
    return pattern
