"""Credentials in mounted files: reading, parsing and rotation."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "secrets")

SECRET_FILE_UNREADABLE: Final = code("MM1020")
SECRET_FILE_EMPTY: Final = code("MM1021")
SECRET_FILE_TOO_LARGE: Final = code("MM1022")
SECRET_SET_TWICE: Final = code("MM1023")
CERTIFICATE_WITHOUT_KEY: Final = code("MM1024")
TLS_WITHOUT_SCHEME: Final = code("MM1025")
CA_NOT_IN_ONE_OBJECT: Final = code("MM1026")
DATABASE_IN_SECRET_ENV: Final = code("MM1027")
DATABASE_SET_TWICE: Final = code("MM1028")
