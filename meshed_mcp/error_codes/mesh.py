"""Mesh of a cluster: charts, revisions, multi-cluster, ambient mode."""

from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

CLUSTER_GROUP: Final = ErrorCode(
    "MM0400", "{names} is a group of the cluster itself; use one of your identity provider, such as 'mcp-operators'"
)
EMPTY_GROUP: Final = ErrorCode(
    "MM0401", "holds an empty name; use groups of your identity provider, such as 'mcp-operators'"
)
WAYPOINT_ROUTE_UNSUPPORTED: Final = ErrorCode(
    "MM0402",
    "{name}: routes of waypoints have no field for {fields}; remove the settings that need it, or set mode: "
    "sidecar for the mesh",
)
AMBIENT_PROXY_SIZE: Final = ErrorCode(
    "MM0403",
    "sets the size of sidecars, and ambient mode has none; remove it, and set waypoint: {{cpu: ..., memory: ...}}",
)
AMBIENT_CANARY_REVISION: Final = ErrorCode(
    "MM0404",
    "moves namespaces to a second control plane by their sidecars, and ambient mode has one ztunnel per node; "
    "remove it and set istio_version, which upgrades in place",
)
AMBIENT_DATA_PLANE: Final = ErrorCode(
    "MM0405", "selects the revision that injects sidecars, and ambient mode has none; remove it"
)
AMBIENT_EGRESS_GATEWAY: Final = ErrorCode(
    "MM0406",
    "receives traffic from sidecars, and ztunnel sends none to it; remove it, and restrict egress with NetworkPolicies",
)
AMBIENT_MULTI_CLUSTER: Final = ErrorCode(
    "MM0407",
    "over several networks is beta in ambient mode of Istio 1.31 and loses calls where the waypoints of the "
    "clusters differ; remove it, or set mode: sidecar",
)
AMBIENT_RATE_LIMITING: Final = ErrorCode(
    "MM0408", "is used by EnvoyFilters in sidecars, which waypoints do not support; remove it, or set mode: sidecar"
)
AMBIENT_MESH_EXTENSIONS: Final = ErrorCode(
    "MM0409",
    "of the whole mesh run in sidecars, and a waypoint takes only those that name it; set them below the services",
)
AMBIENT_INIT_CONTAINER: Final = ErrorCode(
    "MM0410", "init-container prepares pods for sidecars, and ambient mode has none; set traffic_capture: cni"
)
AMBIENT_REGISTRY_ONLY: Final = ErrorCode(
    "MM0411",
    "REGISTRY_ONLY is enforced by sidecars, and ztunnel would reject nothing; set outbound: ALLOW_ANY and "
    "restrict egress with NetworkPolicies",
)
AMBIENT_STICKY: Final = ErrorCode(
    "MM0412",
    "sticky keeps sessions by an EnvoyFilter, which waypoints do not support; set legacy: stateless or off, or "
    "mode: sidecar for the mesh",
)
AMBIENT_SERVICE_PROXY: Final = ErrorCode("MM0413", "sets the size of the sidecar, and ambient mode has none; remove it")
AMBIENT_RATE_LIMITS: Final = ErrorCode(
    "MM0414",
    "are enforced by EnvoyFilters in sidecars, which waypoints do not support; remove them (limits bound what a "
    "pod accepts), or set mode: sidecar for the mesh",
)
AMBIENT_FAULT_INJECTION: Final = ErrorCode(
    "MM0415",
    "are injected by VirtualServices of sidecars, and routes of waypoints have no field for them; remove them, "
    "or set mode: sidecar for the mesh",
)
AMBIENT_HASH_HEADER: Final = ErrorCode(
    "MM0416",
    "has no effect at waypoints, which do not support consistent hashing; remove it, or set mode: sidecar for the mesh",
)
AMBIENT_CLIENT_EXTENSION: Final = ErrorCode(
    "MM0417",
    "applies to requests that the service sends, which pass the waypoints of their destinations; set direction: server",
)
VALUES_WITHOUT_CNI: Final = ErrorCode(
    "MM0418",
    "values: traffic_capture {traffic_capture} does not install istio-cni; remove the values, or set "
    "traffic_capture: cni",
)
VALUES_WITHOUT_EGRESS_GATEWAY: Final = ErrorCode(
    "MM0419", "values: istio-egress is not installed; remove the values, or set egress_gateway"
)
VALUE_FOLLOWS_FROM_FIELD: Final = ErrorCode("MM0420", "values: {path} follows from {field}; remove it and set {field}")
BUDGET_WITHOUT_REPLICAS: Final = ErrorCode(
    "MM0421",
    "values: {path} has no effect, because a single replica gets no PodDisruptionBudget; set {part}.min_replicas "
    "to 2 or more",
)
MINIMUM_ABOVE_MAXIMUM: Final = ErrorCode(
    "MM0422",
    "min_replicas {min_replicas} is above max_replicas {max_replicas}; set max_replicas to {min_replicas} or "
    "more, or min_replicas to {max_replicas} or less",
)
MESH_NAMESPACE: Final = ErrorCode("MM0423", "{names} belongs to the mesh itself; use the namespaces of your services")
UNKNOWN_RELEASE: Final = ErrorCode("MM0424", "{names} is not a release of the mesh; use one of {known}")
VALUES_NOT_A_MAPPING: Final = ErrorCode(
    "MM0425", "{names} must hold chart values, a mapping; set '{first}: {{key: value}}'"
)
INVALID_IDENTITY: Final = ErrorCode(
    "MM0426",
    "{value!r} is not a mesh identity; use it without 'spiffe://', such as "
    "'cluster.local/ns/istio-ingress/sa/istio-ingress'",
)
INVALID_LOG_URL: Final = ErrorCode(
    "MM0427",
    "{url!r} is not a base URL; use one without user, query or fragment, such as "
    "'http://collector.monitoring.svc.cluster.local:4318' or 'https://otlp.example.com'",
)
LOGS_IN_PLAINTEXT: Final = ErrorCode(
    "MM0428", "{url!r} would send log records outside the cluster in plaintext; use https"
)
ROOT_NEEDS_ONE_SOURCE: Final = ErrorCode(
    "MM0429",
    "the certificate authority needs exactly one source; set existing: true where the Secret cacerts exists "
    "already, or issuer: {{name: ...}}",
)
PRIMARY_WITHOUT_ADDRESS: Final = ErrorCode(
    "MM0430",
    "neither address nor stack says where the control plane of {cluster} is; set address: with the host of its "
    "east-west gateway, or stack: organization/project/stack",
)
CLUSTER_NAME_TWICE: Final = ErrorCode(
    "MM0431",
    "cluster {name!r} is the name of this cluster and of another; use a name for each, which its identities, "
    "endpoints and Secret carry",
)
SAME_NETWORK: Final = ErrorCode(
    "MM0432",
    "cluster {name!r} is on network {network!r} as this one is, so calls would never take the east-west gateway; "
    "use another network",
)
ROOT_MISSING: Final = ErrorCode(
    "MM0433",
    "root is missing, and without a common root no cluster trusts the identities of another; set root: "
    "{{existing: true}} for a Secret cacerts under a common root, or root: {{issuer: {{name: ...}}}}",
)
PRIMARY_MISSING: Final = ErrorCode(
    "MM0434",
    "topology remote needs a primary, whose control plane configures its proxies; set primary: {{cluster: ..., "
    "network: ..., address: ...}}",
)
INVALID_ISTIO_VERSION: Final = ErrorCode(
    "MM0435", "{value!r} is not an Istio version; use all three numbers, such as '{example}'"
)
ISTIO_TOO_OLD: Final = ErrorCode(
    "MM0436", "{value!r} is older than {major}.{minor}, the oldest supported minor version; use '{version}' or newer"
)
RETIRED_ISTIO_HOST: Final = ErrorCode(
    "MM0437", "{host!r} serves no Istio artifacts since 1.31; remove the field for the current host, or name a mirror"
)
INVALID_REVISION: Final = ErrorCode(
    "MM0438",
    "{value!r} is not a name of a revision or tag; use at most {most} lower-case letters, digits and '-', other "
    "than 'default', such as '1-31-1'",
)
REVISION_TAKEN: Final = ErrorCode(
    "MM0439", "canary_revision {revision!r} is the revision of the first control plane too; rename one"
)
REVISIONS_TOO_FAR_APART: Final = ErrorCode(
    "MM0440",
    "canary_revision has istio_version {version!r}, more than two minor versions from {other!r}, which Istio "
    "does not support; set a version between them",
)
TAG_IS_REVISION: Final = ErrorCode(
    "MM0441", "revision_tags: {tag!r} is a revision itself; use another name for the tag, such as 'stable'"
)
TAG_WITHOUT_REVISION: Final = ErrorCode(
    "MM0442", "revision_tags: {tag!r} points to {revision!r}, which no control plane has; use {known}"
)
UNKNOWN_DATA_PLANE: Final = ErrorCode(
    "MM0443", "data_plane {data_plane!r} is neither a revision nor a tag, so no pod would get a sidecar; use {names}"
)
INVALID_ORGANIZATION: Final = ErrorCode(
    "MM0444", "{names} cannot be a label value; use at most 64 letters, digits and '_.:/@-'"
)
