"""The Pulumi program: reads the configuration, registers the components in order and exports outputs.

`infra/__main__.py` runs it; another program calls `deploy()` or uses the components alone.
"""

from datetime import UTC, datetime
from typing import Any

import pulumi
from pulumi.runtime import get_config, get_config_env, get_config_secret_keys_env, is_config_secret

from meshed_mcp.components.autoscaling.component import AutoscalingPolicy
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.mesh.component import MeshedMCPService, ServiceMesh
from meshed_mcp.components.observability.component import ObservabilityStack
from meshed_mcp.infra.config import NAMESPACE, StackConfig
from meshed_mcp.infra.parsing import SECRET_TEXT_KEYS
from meshed_mcp.infra.plan import Plan, planned
from meshed_mcp.infra.planning.peers import ADDRESS_OUTPUT, KUBECONFIG_OUTPUT, with_peer_outputs
from meshed_mcp.infra.validation.monitoring import mail_warnings


def deploy() -> None:
    """Register the stack's components. Raises pulumi.RunError for a wrong configuration, before any registration."""
    try:
        wanted = planned(*configuration(), now=datetime.now(UTC))
    except ConfigurationError as error:
        lines = "\n".join(f"error {issue.line}" for issue in error.issues)
        raise pulumi.RunError(f"the stack's configuration has {len(error.issues)} issue(s):\n{lines}") from error
    if pulumi.runtime.is_dry_run():
        for warning in mail_warnings(wanted.observability):
            pulumi.log.warn(warning.line)
    register(wanted)


def configuration() -> tuple[dict[str, Any], set[str]]:
    """Values by key, and the secret keys.

    The language host lists all keys in the environment, so unknown ones are found. An inline program of the Automation
    API has no such list and ignores unknown keys.
    """
    keys = {*get_config_env(), *(f"{NAMESPACE}:{field}" for field in StackConfig.model_fields)}
    values = {key: value for key in keys if (value := get_config(key)) is not None}
    secret_keys = {*get_config_secret_keys_env(), *filter(is_config_secret, keys)}
    for key in {f"{NAMESPACE}:{name}" for name in SECRET_TEXT_KEYS} & secret_keys & values.keys():
        values[key] = pulumi.Output.secret(values[key])
    return values, secret_keys


def register(wanted: Plan) -> None:
    """Register mesh and monitoring (CRDs, webhooks), then the services, then their autoscalers."""
    mesh = ServiceMesh("mesh", with_peer_outputs(wanted.mesh))
    # A route to Grafana needs the mesh's CRDs; otherwise both are installed in parallel.
    needed = [] if wanted.observability.grafana.expose is None else [mesh]
    observability = ObservabilityStack("observability", wanted.observability, pulumi.ResourceOptions(depends_on=needed))
    ready = pulumi.ResourceOptions(depends_on=[mesh, observability])
    services = {name: MeshedMCPService(name, args, ready) for name, args in wanted.services.items()}
    after_services = pulumi.ResourceOptions(depends_on=[observability, *services.values()])
    AutoscalingPolicy("autoscaling", wanted.autoscaling, after_services)
    pulumi.export("services", {name: service.url for name, service in services.items()})
    pulumi.export("prometheus_url", observability.prometheus_url)
    if wanted.mesh.multi_cluster is not None:
        pulumi.export(KUBECONFIG_OUTPUT, mesh.remote_kubeconfig)
        pulumi.export(ADDRESS_OUTPUT, wanted.mesh.multi_cluster.gateway_address)
