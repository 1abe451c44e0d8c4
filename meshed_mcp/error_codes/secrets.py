"""Credentials in mounted files: reading, parsing and rotation."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "secrets")

SECRET_FILE_UNREADABLE: Final = code("MM1020")
SECRET_FILE_EMPTY: Final = code("MM1021")
SECRET_FILE_TOO_LARGE: Final = code("MM1022")
