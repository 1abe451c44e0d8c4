"""Stack file and project: keys, and rules between services."""

from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

NAMESPACE_OF_SERVICES: Final = ErrorCode(
    "MM0100", "is also the namespace of the services, and monitoring stays outside the mesh; set another namespace"
)
UNKNOWN_SERVICE: Final = ErrorCode("MM0102", "there is no service {name}; {suggested}")
DEPLOYMENT_NAME_TAKEN: Final = ErrorCode(
    "MM0103", "its {suffix} would be named {other}, as another service is; rename one"
)
STICKY_SCALES_TO_ZERO: Final = ErrorCode(
    "MM0104",
    "sticky keeps sessions in the memory of a pod, and min_replicas 0 ends them; set scaling.min_replicas: 1, or "
    "legacy: stateless",
)
SHARED_KEY_MISSING: Final = ErrorCode(
    "MM0106", "{use}: its replicas {why}; set {field}: {{secret: ..., key: ...}}, or run one replica and no canary"
)
REGISTRY_NAME_TAKEN: Final = ErrorCode(
    "MM0107", "there are two services of this name, this one and the registry; rename this one, or set registry: null"
)
REGISTRY_DATA_PER_REPLICA: Final = ErrorCode(
    "MM0108",
    "{replicas} would each keep their own entries; set replicas: 1, or set a database: {{secret: ..., key: ...}}",
)
TRACES_IN_MEMORY: Final = ErrorCode(
    "MM0109",
    "memory loses every trace with its pod; set kind: badger, opensearch or elasticsearch, or environment: "
    "{environment}",
)
COLLECTORS_WITHOUT_SPANS: Final = ErrorCode(
    "MM0110", "would get no spans, because mesh.tracing sends them to {service}; remove one of the two"
)
SAMPLING_TOO_EARLY: Final = ErrorCode(
    "MM0111",
    "{wait} s end before the longest call of {name}, {longest:g} s, so tail sampling would miss its errors; set "
    "more than {longest:g}, or a shorter limits.call_seconds of {name}",
)
BUDGET_WITH_CANARY: Final = ErrorCode(
    "MM0112",
    "cannot be kept while two versions run side by side; remove monthly_budget and set max_replicas while a "
    "canary runs",
)
BUDGET_TOO_SMALL: Final = ErrorCode(
    "MM0113",
    "{budget:g} pays for {paid} replicas, and min_replicas, fallback_replicas or schedules need {most}, which "
    "cost {least:.2f}; set {least:.2f} or more, or lower them",
)
FOLDER_NOT_A_RENDERING: Final = ErrorCode(
    "MM0114", "is not empty and holds no earlier rendering; use an empty or new folder"
)
SERVICES_MISSING: Final = ErrorCode("MM0115", "is missing; set services: with one service below it")
UNKNOWN_KEY: Final = ErrorCode("MM0116", "unknown key; {suggested}")
ENCRYPTED_STRUCTURE: Final = ErrorCode(
    "MM0117", "holds an encrypted value, which is lost inside a structure; use a Secret, for example by secret_env"
)
NOT_A_STRUCTURE: Final = ErrorCode("MM0118", "{value} is not a structure; set key: value lines below it")
FOLLOWS_FROM_KEY: Final = ErrorCode("MM0119", "follows from {key}; remove it and set {key}")
STORAGE_TOO_SMALL: Final = ErrorCode(
    "MM0120",
    "{days} days of the fewest replicas with one tool each need {needed} GiB, and storage_gib is {given}; set "
    "storage_gib: {needed}, or fewer days",
)
ANONYMOUS_KIALI: Final = ErrorCode(
    "MM0121", "anonymous shows the cluster to every user who reaches Kiali; set strategy: openid or token"
)
CERT_MANAGER_BEFORE_MESH: Final = ErrorCode(
    "MM0122",
    "installs cert-manager after the mesh, whose root it issues (mesh.multi_cluster.root.issuer); install it "
    "before this stack and set install: existing",
)
UNKNOWN_AUTHORIZER: Final = ErrorCode("MM0123", "mesh.external_authorizers has no {name}; {suggested}")
EGRESS_TO_OWN_GATEWAY: Final = ErrorCode(
    "MM0124",
    "{domain} is the gateway of this stack, and the call would arrive there without the identity of the service; "
    "remove it, and add this service to the callers of its destination",
)
EXTERNAL_HOST_PORTS_DIFFER: Final = ErrorCode(
    "MM0125", "{host} is used at {ports} here and at {others} by {owner}, and {why}"
)
EXTERNAL_HOST_AT_SEVERAL_PORTS: Final = ErrorCode("MM0126", "{host} is used at {ports}, and {why}")
KEY_TWICE: Final = ErrorCode("MM0127", "is set twice, on lines {first} and {line}; rename or remove one")
NOT_YAML: Final = ErrorCode("MM0128", "is not YAML: {reason}")
NOT_NAMES_TO_VALUES: Final = ErrorCode("MM0129", "is not a mapping of names to values; set key: value lines")
REGISTERED_TWICE: Final = ErrorCode("MM0130", "is registered twice; give one of the two another name")
MAIL_SERVER_SILENT: Final = ErrorCode(
    "MM0131",
    "{smarthost} does not answer from this machine ({why}); check host, port and firewall, because no alert is "
    "mailed if it does not answer from the cluster either",
)
CLAIMS_DIFFER: Final = ErrorCode(
    "MM0132",
    "is {claim!r} here and {common!r} at {first}, and metrics distinguish organizations by one claim ({key}); "
    "set the same claim, or remove organization_tag",
)
SHARED_LIMIT_WITHOUT_REDIS: Final = ErrorCode(
    "MM0133",
    "limits over all pods are counted in a Redis, and the stack has none; set {key}: {{redis: {{secret: ..., "
    "key: ...}}, failure_mode: open}}, or limit each pod",
)
SESSIONS_OF_A_POOL: Final = ErrorCode(
    "MM0134",
    "counts sessions, and requests of clients with sessions do not reach pools; remove it, or set another profile",
)
SESSIONS_WITHOUT_STICKY: Final = ErrorCode(
    "MM0135", "session counts sessions, and legacy: {legacy} has none; set legacy: sticky, or another profile"
)
NEEDS_VPA: Final = ErrorCode("MM0136", "needs a VerticalPodAutoscaler; set {key}: {{install: release}}, or remove it")
AUTOSCALER_NAME_TOO_LONG: Final = ErrorCode(
    "MM0137",
    "the autoscaler of its {suffix} needs a service name of at most {room} characters, and {name} has {count}; "
    "use a shorter name",
)
TARGET_ABOVE_LIMIT: Final = ErrorCode(
    "MM0138", "{wanted} is above limits.{limit} {most}, so replicas {effect} before one is added; set {least} or less"
)
RETENTION_BELOW_FORECAST: Final = ErrorCode(
    "MM0139",
    "{kept} is shorter than the {needed} days of history that a forecast reads; set {needed} or more, or {key}: "
    '{{mode: "off"}}',
)
HORIZON_TOO_SHORT: Final = ErrorCode(
    "MM0140",
    "{seconds:g} s are too long for forecast.horizon_minutes {horizon}; set forecast.horizon_minutes to {least} "
    "or more",
)
DELETION_COST_WITHOUT_SESSIONS: Final = ErrorCode(
    "MM0141",
    "has no effect, because no service counts sessions; set scaling: {{profile: session}} for one, or remove "
    "deletion_cost",
)
TOKEN_METADATA_TAKEN: Final = ErrorCode(
    "MM0142",
    "clients would look for its token metadata at {path}, which is that of service {owner}; set a URL with "
    "another path, or remove it",
)
EXPERIMENTS_OVERLAP: Final = ErrorCode(
    "MM0143",
    "applies to the same requests of {service} as {first} at the same time, and a request takes one; set windows "
    "that do not overlap, or different tools",
)
FAULT_NEEDS_WINDOW: Final = ErrorCode(
    "MM0144",
    "a production stack takes fault injection in a window only; set window: {{start: ..., end: ...}} of at most "
    "{most} h, or {key}: {environment} if it is not one",
)
WINDOW_IS_OVER: Final = ErrorCode("MM0145", "ended at {end}; remove it, or set a later window")
PROJECT_MISSING: Final = ErrorCode("MM0146", "not a Pulumi project; create it, or set the folder with --project")
UNKNOWN_STACK: Final = ErrorCode("MM0147", "there is no stack {stack}; {suggested}")
AMBIENT_CHAOS: Final = ErrorCode(
    "MM0148",
    "its experiments are injected by VirtualServices of sidecars, and routes of waypoints have no field for "
    "them; remove them, or set mode: sidecar for the mesh",
)
