"""Names of claims that a stack may write: of verified tokens, in settings and in the proxies' expressions.

A text in, the same text or ValueError with what to write instead out. Not here: scopes and headers (token_args.py).
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from meshed_mcp.error_codes.service import INVALID_CLAIM_NAME

_CLAIM_NAME: Final = re.compile(r"[A-Za-z0-9_:./-]{1,128}")
"""Source: RFC 7519, section 4.2: names are short texts, or URIs against collisions."""


def claim_name(value: str) -> str:
    """Name of a claim; nothing in it ends a text of an expression."""
    if _CLAIM_NAME.fullmatch(value) is None:
        raise INVALID_CLAIM_NAME.error(value=value)
    return value


ClaimName = Annotated[str, AfterValidator(claim_name)]
"""A claim by its name."""
