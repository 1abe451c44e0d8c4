"""Browsers and public URLs: origins, CORS, host names of the gateway, URLs at other ingresses."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "browsers")

INVALID_ORIGIN: Final = code("MM0955")
NULL_ORIGIN: Final = code("MM0956")
ANY_PORT_OF_HOST: Final = code("MM0957")
ANY_ORIGIN_WITH_CREDENTIALS: Final = code("MM0958")
ANY_ORIGIN_IN_PRODUCTION: Final = code("MM0959")
INVALID_CORS_HEADER: Final = code("MM0960")
CORS_WITHOUT_EXPOSE: Final = code("MM0961")
INVALID_PUBLIC_URL: Final = code("MM0962")
PUBLIC_URL_WITHOUT_RUNTIME: Final = code("MM0963")
PUBLIC_URLS_OF_ONE_HOST: Final = code("MM0964")
PUBLIC_URL_OF_GATEWAY: Final = code("MM0965")
PLAIN_SCHEME_WITH_CERTIFICATE: Final = code("MM0966")
ALIAS_TAKEN: Final = code("MM0967")
ALIAS_SECRET_UNUSED: Final = code("MM0968")
