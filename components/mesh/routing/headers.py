"""Validators of request headers in route rules: names and RE2 patterns. They return the value or raise ValueError."""

import re
from typing import Final

import re2

from meshed_mcp.error_codes import service as codes

_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
"""Source: RFC 9110, section 5.6.2, token; in lower case, as proxies normalize them."""

RESERVED_PREFIXES: Final = ("mcp-", "x-envoy-", "x-forwarded-")
"""Headers that MCP and proxies set themselves."""

RESERVED: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "authorization", "cookie"})
"""Headers that frame or authorize a request."""

MAX_PROGRAM: Final = 100
"""Largest RE2 program. Source: Envoy, default of `re2.max_program_size.error_level`; Istio sets 32768, but a header
pattern of that size is a mistake."""


def header_name(name: str) -> str:
    """Name of a request header that selects a version."""
    if _NAME.fullmatch(name) is None:
        raise codes.INVALID_HEADER_NAME.error(name=name)
    if name in RESERVED or name.startswith(RESERVED_PREFIXES):
        raise codes.RESERVED_HEADER.error(name=name)
    return name


def header_regex(pattern: str) -> str:
    """Pattern that matches the whole value of a header. Source: RE2, "Syntax"."""
    if not pattern:
        raise codes.EMPTY_PATTERN.error()
    options = re2.Options()
    options.log_errors = False
    try:
        program = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        raise codes.INVALID_PATTERN.error(pattern=pattern, reason=reason) from None
    if program.programsize > MAX_PROGRAM:
        raise codes.PATTERN_TOO_LARGE.error(characters=len(pattern), steps=program.programsize, most=MAX_PROGRAM)
    return pattern
