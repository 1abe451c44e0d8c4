"""Start of the runtime: environment variables, ports and the database."""

from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

OWN_AUTH_AND_ISSUER: Final = ErrorCode(
    "MM0800", "{variable} is set, and the service was made with an auth= of its own; remove one"
)
DATABASE_NOT_USABLE: Final = ErrorCode(
    "MM0801", "{schema}: the database {place} cannot be used: {reason}; check {variables}"
)
INVALID_DATABASE_URL: Final = ErrorCode(
    "MM0802",
    "{variable} is not a database URL; set postgresql://user:password@host:5432/database or sqlite:////path/to/file",
)
UNSUPPORTED_DATABASE: Final = ErrorCode(
    "MM0803",
    "{variable} names the database {name!r}, which is not supported; set "
    "postgresql://user:password@host:5432/database or sqlite:////path/to/file",
)
INVALID_PROXY_ADDRESS: Final = ErrorCode(
    "MM0804", "{error}; use IP addresses separated by commas, such as 127.0.0.6,::6"
)
POLICY_NOT_JSON: Final = ErrorCode("MM0805", "the value is not JSON ({error}); use JSON such as {example}")
SETTING_NOT_A_URL: Final = ErrorCode(
    "MM0806", "the value is not a URL without a fragment; use one such as https://login.example.com/realms/tools"
)
SETTING_NOT_A_KEY_SET: Final = ErrorCode(
    "MM0807", 'the value is not a JWK Set ({error}); use JSON such as {{"keys": [{{"kty": "RSA", ...}}]}}'
)
TWO_KEY_SOURCES: Final = ErrorCode("MM0808", "{jwks} and {url} are two sources of keys; set one of them")
TOKENS_INCOMPLETE: Final = ErrorCode(
    "MM0809", "{given} is set without {names}, so no token could be checked; set all of them, or none"
)
CANNOT_LISTEN: Final = ErrorCode("MM0810", "cannot listen on {address}:{port}: {advice}")
LIFESPAN_FAILED: Final = ErrorCode(
    "MM0811", "the application did not start, because its lifespan failed; see the log record before"
)
INVALID_LEASE: Final = ErrorCode("MM0812", "{variable}={written!r} is not usable; set whole seconds, 1 to {most}")
NO_KUBERNETES_API: Final = ErrorCode(
    "MM0813", "the Kubernetes API cannot be used: {error}; run it in a pod with automountServiceAccountToken: true"
)
VARIABLE_MISSING: Final = ErrorCode("MM0814", "{name} is not set; AutoscalingPolicy sets it where {setting} is set")
PORTS_ARE_EQUAL: Final = ErrorCode(
    "MM0815",
    "{variable} and {management} are both {port}, and calls and metrics need a port each; set {management} to "
    "another number",
)
RUNTIME_GRACE_TOO_SHORT: Final = ErrorCode(
    "MM0816",
    "{variable}={grace:g} leaves in-flight requests no time, because {pre_stop}={seconds:g} passes first and "
    "closing takes {closing:g}; set {variable} above {least:g}",
)
RUNTIME_CALL_TOO_LONG: Final = ErrorCode(
    "MM0817",
    "{variable}={call_seconds:g} is longer than the {longest:g} s that a stopping process waits for calls; set "
    "{grace} to {least:g} or more, or remove {variable}",
)
NO_STATE_KEY: Final = ErrorCode("MM0818", "the value holds no key; {fix}")
STATE_KEY_TOO_SHORT: Final = ErrorCode(
    "MM0819", "key {number} of {count} has {size} bytes, and {least} are needed; {fix}"
)
STATE_KEY_TWICE: Final = ErrorCode("MM0820", "key {number} of {count} repeats key {first}; {fix}")
STATE_KEYS_NOT_JSON: Final = ErrorCode("MM0821", "the value begins with '[' and is not a JSON list of texts; {fix}")
INVALID_REDIS_URL: Final = ErrorCode(
    "MM0822", "{variable} is not usable; set redis://user:password@host:6379/0, or rediss:// for TLS"
)
SERVER_ENDED: Final = ErrorCode("MM0824", "uvicorn ended before it served a request; see the log record before")
SERVER_NOT_STARTED: Final = ErrorCode("MM0825", "uvicorn did not start; see the log record before")
INVALID_REGISTRY_URL: Final = ErrorCode(
    "MM0826", "{variable}={url!r} is not a URL; set a base URL without a path, such as http://mcp-registry:8000"
)
ENTRY_NOT_ACCEPTED: Final = ErrorCode("MM0827", "the registry does not accept this server: {found}; {advice}")
SETTING_INVALID: Final = ErrorCode("MM0823", "{shown} is not usable; set {wanted}")
MODEL_NAME_MISSING: Final = ErrorCode("MM0828", "{variable} is set without {missing}; set it to the name of the model")
INVALID_MODEL_URL: Final = ErrorCode(
    "MM0829", "{variable}={url!r} is not a URL; set one such as https://api.example.com/v1"
)
