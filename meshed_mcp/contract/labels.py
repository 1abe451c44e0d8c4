"""Kubernetes object names and labels."""

from typing import Final

CONTAINER_NAME: Final = "server"
"""Container of the MCP server in its pod; autoscaler and dashboards select it."""

UPSTREAM_CONTAINER_NAME: Final = "upstream"
"""Container of a server behind the bridge; the bridge is then the container `server`."""

LAUNCHER_IMAGE_PATH: Final = "/usr/local/bin/stdio-launcher"
"""Path of the stdio launcher in the images of the bridge."""

PACKAGE_SERVER: Final = "server"
"""Name of the link to the executable of an installed package, in the folder of its installation."""

REGISTRY_NAME: Final = "mcp-registry"
"""Name of the registry's Service, ServiceAccount and Deployment."""

RATE_LIMIT_NAME: Final = "mcp-rate-limit"
"""Name of the rate limit service and label `app` of its pods."""

SERVICE_NAME_PATTERN: Final = r"^[a-zA-Z]([a-zA-Z0-9_-]*[a-zA-Z0-9])?(\.[a-zA-Z]([a-zA-Z0-9_-]*[a-zA-Z0-9])?)*$"
"""Service names: a host name and the second part of a registry name. Includes the names of Kubernetes Services.

Source: official MCP registry, `ServerDetail.name`; WHATWG URL, "host parsing": a host whose last part begins with a
digit is an IPv4 address."""

NAMESPACE_PATTERN: Final = r"^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$"
"""First part of a registry name. Includes the namespaces of Kubernetes. Source: `ServerDetail.name`, as above."""

LABEL_NAME: Final = "app.kubernetes.io/name"
LABEL_PART_OF: Final = "app.kubernetes.io/part-of"
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LABEL_APP: Final = "app"
"""Istio's and Kiali's workload label. Source: Istio, "Application Requirements", labels `app` and `version`."""

LABEL_VERSION: Final = "version"
"""Label of DestinationRule subsets: `stable`, the second version of a rollout, or `pool-<name>`."""

STABLE: Final = "stable"
CANARY: Final = "canary"
GREEN: Final = "green"
VARIANT: Final = "variant"

ANNOTATION_GATEWAY_PODS: Final = "meshed-mcp/gateway-pods"
"""Annotation of the stack's Gateway object: "namespace/serviceaccount" of the pods of an existing gateway that serves
it."""
