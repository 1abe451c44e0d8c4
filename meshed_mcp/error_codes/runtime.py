"""Start of the runtime: environment variables, ports and the database."""

from functools import partial
from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

code: Final = partial(ErrorCode, "runtime")

OWN_AUTH_AND_ISSUER: Final = code("MM0800")
DATABASE_NOT_USABLE: Final = code("MM0801")
INVALID_DATABASE_URL: Final = code("MM0802")
UNSUPPORTED_DATABASE: Final = code("MM0803")
INVALID_PROXY_ADDRESS: Final = code("MM0804")
POLICY_NOT_JSON: Final = code("MM0805")
SETTING_NOT_A_URL: Final = code("MM0806")
SETTING_NOT_A_KEY_SET: Final = code("MM0807")
TWO_KEY_SOURCES: Final = code("MM0808")
TOKENS_INCOMPLETE: Final = code("MM0809")
CANNOT_LISTEN: Final = code("MM0810")
LIFESPAN_FAILED: Final = code("MM0811")
INVALID_LEASE: Final = code("MM0812")
NO_KUBERNETES_API: Final = code("MM0813")
VARIABLE_MISSING: Final = code("MM0814")
PORTS_ARE_EQUAL: Final = code("MM0815")
RUNTIME_GRACE_TOO_SHORT: Final = code("MM0816")
RUNTIME_CALL_TOO_LONG: Final = code("MM0817")
NO_STATE_KEY: Final = code("MM0818")
STATE_KEY_TOO_SHORT: Final = code("MM0819")
STATE_KEY_TWICE: Final = code("MM0820")
STATE_KEYS_NOT_JSON: Final = code("MM0821")
INVALID_REDIS_URL: Final = code("MM0822")
SERVER_ENDED: Final = code("MM0824")
SERVER_NOT_STARTED: Final = code("MM0825")
INVALID_REGISTRY_URL: Final = code("MM0826")
ENTRY_NOT_ACCEPTED: Final = code("MM0827")
SETTING_INVALID: Final = code("MM0823")
MODEL_NAME_MISSING: Final = code("MM0828")
INVALID_MODEL_URL: Final = code("MM0829")
UPSTREAM_NOT_ONE: Final = code("MM0520")
UPSTREAM_NOT_JSON: Final = code("MM0521")
UPSTREAM_HEADER_WITHOUT_VALUE: Final = code("MM0522")
UPSTREAM_TWO_TOKENS: Final = code("MM0523")
