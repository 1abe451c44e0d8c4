"""Credentials of users at other servers: providers, login, store, links."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "user_credentials")

PROVIDER_FIELDS_MISSING: Final = code("MM1060")
PROVIDER_FIELD_UNUSED: Final = code("MM1061")
CREDENTIALS_WITHOUT_TOKENS: Final = code("MM1062")
LOGIN_ISSUER_UNKNOWN: Final = code("MM1063")
CREDENTIALS_WITHOUT_STORE: Final = code("MM1064")
CREDENTIALS_WITHOUT_URL: Final = code("MM1065")
INVALID_PROVIDER_NAME: Final = code("MM1066")
INVALID_AUTHORIZATION_ENDPOINT: Final = code("MM1067")
RESERVED_PARAMETER: Final = code("MM1068")

CREDENTIAL_NOT_DECLARED: Final = code("MM1069")
CREDENTIAL_IN_CODE: Final = code("MM1070")
CREDENTIALS_NOT_SENT: Final = code("MM1071")

CREDENTIAL_TABLE_INVALID: Final = code("MM1072")
CREDENTIALS_INCOMPLETE: Final = code("MM1073")
UNKNOWN_PROVIDER: Final = code("MM1074")
CREDENTIALS_NOT_SET: Final = code("MM1075")
NO_USER: Final = code("MM1076")
USER_OF_ANOTHER_ISSUER: Final = code("MM1077")
CREDENTIAL_NOT_USABLE: Final = code("MM1078")
USER_CREDENTIAL_MISSING: Final = code("MM1079")
