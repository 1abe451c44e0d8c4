"""Options of a service: its policy, routes, limits and external hosts."""

from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

INVALID_TOOL_NAME: Final = ErrorCode(
    "MM0200",
    "{names} is not a tool name; use at most 128 letters, digits, '_', '-', '.' and '/', or '*' for every other tool",
)
TOOL_ALLOWS_INGRESS: Final = ErrorCode("MM0201", "{where} cannot reach the service; set expose: true, or remove it")
TOOL_CALLER_UNKNOWN: Final = ErrorCode(
    "MM0202", "{where} is not a caller of the service; add it to callers, or remove it from the tool ({suggested})"
)
TOOL_SCOPES_WITHOUT_AUTH: Final = ErrorCode(
    "MM0203", "tools.{tool}.scopes: the service does not ask for a token; set auth, or remove the scopes"
)
UNKNOWN_HTTP_METHOD: Final = ErrorCode(
    "MM0204", "{names} is not an HTTP method that a gateway passes on; use some of {known}"
)
INVALID_CALLER: Final = ErrorCode(
    "MM0205",
    "{names} is not a caller; use a service of this namespace such as 'mcp-controller', or "
    "'namespace/serviceaccount' (wildcards would allow every caller)",
)
INVALID_VARIABLE_NAME: Final = ErrorCode(
    "MM0206", "{names} is not a name of an environment variable; use letters, digits and '_', such as 'LOG_LEVEL'"
)
RESERVED_VARIABLE: Final = ErrorCode("MM0207", "{names} is set from other fields of the service; remove it")
STICKY_NEEDS_METHODS: Final = ErrorCode(
    "MM0208",
    "legacy: sticky needs {missing} in methods, for the streams and the end of sessions; add it, or set legacy: "
    "stateless",
)
VARIABLE_SET_TWICE: Final = ErrorCode(
    "MM0209", "{names} is in env and in secret_env; keep one, secret_env if the value is a secret"
)
INVALID_CLAIM_NAME: Final = ErrorCode(
    "MM0210", "{value!r} is not a claim name; use a name without spaces and quotes, such as 'organization'"
)
HASH_HEADER_IS_SESSION_ID: Final = ErrorCode(
    "MM0211",
    "{value!r} is missing in the first request of a session, so that half of the sessions would change their "
    "replica after it; set legacy: sticky, which keeps sessions on their replica, and use another header here",
)
HASH_WITHOUT_HEADER: Final = ErrorCode(
    "MM0212", "policy consistent_hash needs hash_header; set it, or set policy: least_request"
)
UNUSED_HASH_HEADER: Final = ErrorCode(
    "MM0213", "policy {policy} does not use hash_header; remove it, or set policy: consistent_hash"
)
UNUSED_WARMUP: Final = ErrorCode(
    "MM0214", "policy {policy} does not use warmup_seconds; remove it, or set policy: least_request"
)
GATEWAY_ERRORS_UNREACHED: Final = ErrorCode(
    "MM0215",
    "consecutive_gateway_errors {gateway_errors} is never reached, because the same responses count as "
    "consecutive_5xx_errors {errors}; set it to {errors} or less",
)
EJECTION_CONTRADICTS_HEALTH: Final = ErrorCode(
    "MM0216",
    "max_ejection_percent {ejected} leaves less than min_health_percent {healthy}, which brings all ejected "
    "replicas back; set max_ejection_percent to {most} or less, or min_health_percent: 0",
)
FAILOVER_WITHOUT_OUTLIER_DETECTION: Final = ErrorCode(
    "MM0217",
    "locality.failover needs outlier_detection, which finds the unhealthy replicas of a region; remove "
    "outlier_detection: null, or remove the failover",
)
CPU_ABOVE_LIMIT: Final = ErrorCode(
    "MM0218", "cpu {cpu!r} is above cpu_limit {cpu_limit!r}; raise cpu_limit or lower cpu"
)
MEMORY_ABOVE_LIMIT: Final = ErrorCode(
    "MM0219", "memory {memory!r} is above memory_limit {memory_limit!r}; raise memory_limit or lower memory"
)
GRACE_TOO_SHORT: Final = ErrorCode(
    "MM0220",
    "pre_stop_delay_seconds {pre_stop} leaves in-flight requests no time within grace_seconds {grace}, of which "
    "closing takes {closing:g}; set grace_seconds above {least}",
)
LUA_TOO_LONG: Final = ErrorCode(
    "MM0221", "the script has {size} bytes, and at most {most} are allowed; use a shorter script, or a Wasm module"
)
LUA_WITHOUT_HANDLER: Final = ErrorCode(
    "MM0222",
    "the script has neither envoy_on_request nor envoy_on_response, so the proxy would never call it; define "
    "one: function envoy_on_request(handle) ... end",
)
LUA_BEFORE_AUTHORIZATION: Final = ErrorCode(
    "MM0223",
    "phase {phase} comes before authorization, where an error of the script would let the request through "
    "unauthorized; set phase: stats, or use a Wasm module, which rejects requests when it fails",
)
INVALID_MODULE_URL: Final = ErrorCode(
    "MM0224",
    "{value!r} is not the address of a module; use oci://registry/name:tag or https://... (http:// is not "
    "protected on the way)",
)
MODULE_NOT_PINNED: Final = ErrorCode(
    "MM0225",
    "url {url!r} is not pinned, so a change in its registry could run other code in the proxies; set sha256 to "
    "the checksum, or end the url with @sha256:...",
)
INVALID_CHECKSUM: Final = ErrorCode("MM0226", "sha256 {sha256!r} is not a checksum; use its 64 digits in lower case")
CHECKSUM_CONTRADICTION: Final = ErrorCode(
    "MM0227", "sha256 {sha256} contradicts the digest {digest} in the url; remove one of the two"
)
WINDOW_ENDS_BEFORE_START: Final = ErrorCode("MM0228", "ends at {end}, not after its start {start}; set a later end")
WINDOW_TOO_LONG: Final = ErrorCode("MM0229", "lasts {hours:g} h; set an end at most {most} h after its start")
INVALID_TIME: Final = ErrorCode(
    "MM0230", "{value!r} is not a time with an offset; use one such as '2026-11-21T10:00:00Z', in quotes"
)
FAULT_FOR_EVERY_TOOL: Final = ErrorCode(
    "MM0231", "'*' is not a tool; name one tool, or leave the field out for every request"
)
FAULT_WITHOUT_EFFECT: Final = ErrorCode(
    "MM0232", "the fault injection has no effect; set delay_seconds, abort_status or both"
)
INVALID_FAULT_NAME: Final = ErrorCode(
    "MM0233",
    "{names} is not a name of a fault injection; use at most {most} lower-case letters, digits and '-', such as "
    "'slow-search'",
)
INVALID_HEADER_NAME: Final = ErrorCode(
    "MM0234", "{name!r} is not a header name; use lower-case letters, digits and '-', such as 'x-stage'"
)
RESERVED_HEADER: Final = ErrorCode(
    "MM0235", "{name!r} has a meaning of its own and cannot choose a version; use one such as 'x-stage'"
)
EMPTY_PATTERN: Final = ErrorCode(
    "MM0236", "the pattern is empty and matches an empty header only; use a pattern such as '.*Mobile.*'"
)
INVALID_PATTERN: Final = ErrorCode(
    "MM0237",
    "{pattern!r} is not an RE2 pattern ({reason}); use one without look-aheads, look-behinds and back "
    "references, such as '.*Mobile.*'",
)
PATTERN_TOO_LARGE: Final = ErrorCode(
    "MM0238",
    "the pattern of {characters} characters compiles to {steps} steps, and a proxy takes at most {most}; use a "
    "shorter one, without large repetitions",
)
SESSIONS_NEVER_END: Final = ErrorCode(
    "MM0239", "{value} would never end a session, so that no replica could be removed; set seconds such as {example}"
)
CALL_LONGER_THAN_DRAIN: Final = ErrorCode(
    "MM0240",
    "limits.call_seconds {call_seconds} is longer than the {longest:g} s that a stopping pod waits for calls, so "
    "every rollout would interrupt some; set drain.grace_seconds to {least:g} or more, or remove call_seconds",
)
BODIES_FILL_MEMORY: Final = ErrorCode(
    "MM0241",
    "limits.body_bytes {body_bytes} lets {bodies} bodies fill more than half of resources.memory_limit "
    "{memory_limit}; set body_bytes to {most} or less, or a higher memory_limit",
)
LOCALITY_HAS_BOTH: Final = ErrorCode(
    "MM0242", "distribute and failover exclude each other, and Istio takes one; remove one of them"
)
LOCALITY_IS_EMPTY: Final = ErrorCode(
    "MM0243", "has neither distribute nor failover; set one of them, or remove locality"
)
SHARE_BELOW_ONE: Final = ErrorCode(
    "MM0244", "from {source!r}: a share below 1 percent has no effect; remove it, or set 1 or more"
)
SHARES_NOT_HUNDRED: Final = ErrorCode(
    "MM0245", "from {source!r}: the shares sum to {total}, not 100; change one of {shares}"
)
INVALID_REGION: Final = ErrorCode(
    "MM0246", "{region!r} is not a region; use its name alone, without zone and '*', such as 'europe-west1'"
)
FAILOVER_TO_ITSELF: Final = ErrorCode("MM0247", "{source!r} fails over to itself; name another region")
INVALID_LOCALITY: Final = ErrorCode(
    "MM0248",
    "{locality!r} is not a locality; use region, region/zone or region/zone/subzone, with '*' only at the end, such "
    "as 'europe-west1/b/*'",
)
LOCALITIES_OVERLAP: Final = ErrorCode(
    "MM0249", "{where} {one!r} contains {other!r} too; use localities that do not overlap"
)
EXTERNAL_HOST_AT_TWO_PORTS: Final = ErrorCode(
    "MM0250", "{names} is listed with two ports, and the egress gateway distinguishes hosts by name alone; use one port"
)
EXTERNAL_HOST_IS_ADDRESS: Final = ErrorCode(
    "MM0251", "{value!r} is an IP address, which has no name in TLS; use the host name"
)
EXTERNAL_HOST_PORT: Final = ErrorCode(
    "MM0252", "{value!r} has no port after ':'; use one such as '{host}:8443', or the host alone for 443"
)
EXTERNAL_HOST_IS_METADATA: Final = ErrorCode(
    "MM0253",
    "{name!r} is the metadata service of the machine, which hands out its credentials; remove it, and give the "
    "service workload identity or a Secret",
)
EXTERNAL_HOST_IS_INTERNAL: Final = ErrorCode(
    "MM0254", "{name!r} is a name inside this cluster or machine, not an external host; remove it"
)
AUTHORIZER_NOT_A_SERVICE: Final = ErrorCode(
    "MM0255", "{value!r} is not a Service of the cluster; use its full name, such as 'opa.policy.svc.cluster.local'"
)
AUTHORIZER_NAME_TAKEN: Final = ErrorCode(
    "MM0256", "{name!r} is the name of a telemetry provider of the mesh; use another name, such as 'opa'"
)
TOOL_NAME_IN_BODY_ONLY: Final = ErrorCode(
    "MM0257",
    "tools: legacy: {legacy} admits revisions up to 2025-11-25, which name the tool in the body alone, where the "
    "mesh cannot see it; set legacy: off, or {fix}",
)
SCOPES_NEED_RUNTIME: Final = ErrorCode("MM0258", "{field}: only the runtime checks scopes; remove them, or set {fix}")
SHARED_LIMIT_WITHOUT_SERVICE: Final = ErrorCode(
    "MM0259",
    "service {name}: rate_limits.shared: there is no service that counts over all pods; set rate_limit_service, "
    "or remove rate_limits.shared",
)
ORGANIZATION_WITHOUT_AUTH: Final = ErrorCode(
    "MM0260",
    "rate_limits.{field}: a caller's organization is known by its token, and the service does not ask for one; "
    "set auth, or limit by pod or tools",
)
INVALID_RATE: Final = ErrorCode("MM0261", "{rate!r} is not a rate; use requests per s, min, h or d, such as '20/s'")
RATE_IS_ZERO: Final = ErrorCode(
    "MM0262", "{rate!r} would reject every request; use 1 or more, or remove the service from callers"
)
UNNAMED_WITHOUT_TOOLS: Final = ErrorCode(
    "MM0263",
    "unnamed limits requests that could call a limited tool, and there is no limited tool; set tools or pod, or "
    "remove unnamed",
)
RATE_NEVER_REACHED: Final = ErrorCode(
    "MM0264",
    "rate_limits.tools.{tool}: {rate} is never reached, because the pod is limited to {pod}; set a smaller rate, "
    "or raise rate_limits.pod",
)
INVALID_CLUSTER_SERVICE: Final = ErrorCode(
    "MM0265",
    "{value!r} is not a service of the cluster; use 'namespace/service' such as 'data/redis', or 'data/*' for a "
    "whole namespace; external hosts belong in egress_hosts",
)
ROLLOUT_NOT_HUNDRED: Final = ErrorCode(
    "MM0266",
    "stable {stable} and canary {canary} sum to {total}, not 100; set stable: {rest_stable} or canary: {rest_canary}",
)
ROLLOUT_UNUSED_FIELDS: Final = ErrorCode(
    "MM0267", "strategy none does not use {fields}; remove it, or set strategy: {strategy}"
)
INVALID_SCOPE: Final = ErrorCode(
    "MM0268", "{names} is not a scope; use one without spaces, quotes and commas, such as 'docs.read'"
)
HEADER_FOR_TWO_CLAIMS: Final = ErrorCode("MM0269", "{names} would carry two claims; use a header for each")
KEYS_NEED_ONE_SOURCE: Final = ErrorCode("MM0270", "{found}; set either jwks_url or jwks")
UNUSED_JWKS_IN_CLUSTER: Final = ErrorCode(
    "MM0271", "jwks_in_cluster says where jwks_url leads, and jwks_url is not set; remove it"
)
KEY_URL_IS_ADDRESS: Final = ErrorCode(
    "MM0272",
    "{value!r} names an IP address, which the control plane would fetch from inside the cluster; use the host "
    "name of the issuer",
)
KEY_URL_NOT_IN_CLUSTER: Final = ErrorCode(
    "MM0273",
    "{value!r} is not a Service of the cluster; use a host such as 'keycloak.login.svc.cluster.local', or remove "
    "jwks_in_cluster",
)
KEY_URL_IN_CLUSTER: Final = ErrorCode(
    "MM0274",
    "{value!r} leads into the cluster; use the public host of the issuer, or set jwks_in_cluster: true if the "
    "issuer is a Service",
)
KEY_URL_IN_PLAINTEXT: Final = ErrorCode(
    "MM0275", "{value!r} is fetched in plaintext, where an attacker can replace the keys; use https://"
)
KEY_URL_PORT: Final = ErrorCode(
    "MM0276", "{value!r} names port {port}, and pods reach the key host on port 443 only; remove the port"
)
NO_PUBLIC_KEYS: Final = ErrorCode(
    "MM0277", "has no keys; set a JWK Set, such as {{keys: [{{kty: EC, crv: P-256, x: ..., y: ...}}]}}"
)
UNKNOWN_KEY_TYPE: Final = ErrorCode("MM0278", "keys[{number}] is of type {kty!r}; use keys of type {known}")
PRIVATE_KEY_IN_STACK: Final = ErrorCode(
    "MM0279",
    "keys[{number}] holds the private key, with which every reader of the stack could sign tokens; use the "
    "public part alone, and replace the key",
)
INVALID_CLAIM_PATH: Final = ErrorCode(
    "MM0280", "{claim!r} is not a claim; use letters, digits, '_' and '-', with '.' into objects"
)
INVALID_CLAIM_HEADER: Final = ErrorCode(
    "MM0281",
    "{header!r} cannot carry the claim {claim}; use a header of your own such as 'x-organization-id', in lower "
    "case, beginning with 'x-', that neither proxies nor MCP use",
)
INVALID_ISSUER_URL: Final = ErrorCode(
    "MM0282", "{value!r} is not a URL; use one such as 'https://login.example.com/realms/tools'"
)
TIMEOUT_ON_UNSAFE_TOOL: Final = ErrorCode(
    "MM0283",
    "tools.{tool}.timeout_seconds: after a time-out the caller does not know whether the tool ran; set "
    "read_only: true or idempotent: true if it is, or use limits.call_seconds, at which the server itself ends a "
    "call",
)
MIRROR_OF_UNSAFE_TOOL: Final = ErrorCode(
    "MM0284",
    "rollout.mirror.tools[{number}]: {tool!r} is not declared read-only, and a mirrored call would do its work "
    "twice; set tools: {{{tool}: {{read_only: true}}}} if it changes nothing, or remove it",
)
RETRY_OF_EVERY_TOOL: Final = ErrorCode(
    "MM0285",
    "tools.*: read_only, idempotent and timeout_seconds are properties of a single tool; set them for each tool "
    "by name",
)
INVALID_POOL_NAME: Final = ErrorCode(
    "MM0286",
    "pools.{name}: is not a pool name, and its Deployment is <service>-<pool>; use lower-case letters, digits "
    "and '-', such as 'slow'",
)
POOL_NAME_TAKEN: Final = ErrorCode(
    "MM0287", "pools.{name}: is the name of the second version of a rollout; use another, such as 'slow'"
)
POOL_OF_EVERY_TOOL: Final = ErrorCode(
    "MM0288", "pools.{name}.tools[{number}]: '*' leaves no tools to the service's own pods; name the tools"
)
TOOL_IN_TWO_POOLS: Final = ErrorCode(
    "MM0289", "pools.{name}.tools[{number}]: {tool!r} is in pool {other} too; remove it from one of them"
)
STICKY_WITHOUT_OUTLIER_DETECTION: Final = ErrorCode(
    "MM0290",
    "traffic.outlier_detection: null with legacy: sticky leaves sessions on a replica that is down, and each of "
    "their requests gets 503; remove the null, or set legacy: stateless",
)
EXPOSED_WITHOUT_INGRESS: Final = ErrorCode(
    "MM0291", "expose is true but ingress is not set; set ingress, or set expose: false"
)
UNKNOWN_VERSION: Final = ErrorCode("MM0293", "autoscaled: there is no version {unknown}; use {known}")
SHARED_STATE_MISSING: Final = ErrorCode(
    "MM0292", "uses {use}, and its replicas {why}; set {field}, or run one replica and no canary"
)
