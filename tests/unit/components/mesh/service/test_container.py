"""Container `server`: environment, probes, resources, writable folders."""

import pulumi
from pulumi_kubernetes.core.v1 import ProbeArgs

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service.container import (
    FAILURES_BEFORE_ACTION,
    LIVENESS_PERIOD_SECONDS,
    STARTUP_GRACE_SECONDS,
)
from meshed_mcp.components.mesh.service.container_args import Drain
from meshed_mcp.components.mesh.service.manifests import service_manifests
from meshed_mcp.components.mesh.service.workload import SIDECAR_EXIT_SECONDS
from tests.unit.components.mesh.mesh_rendering import INGRESS, Objects, render, render_exposed, service_args


def container(**settings: object) -> Manifest:
    """The container of the stable version."""
    pod = render(**settings).one("Deployment", "mcp-search")["spec"]["template"]["spec"]
    found: Manifest = pod["containers"][0]
    return found


def environment(found: Manifest) -> dict[str, object]:
    """Plain variables of a container."""
    return {item["name"]: item.get("value") for item in found["env"]}


def test_container_environment_matches_probes_and_ports() -> None:
    """Requirement CFG-13: meshed_mcp.contract defines names and values that both sides share."""
    found = container(drain={"pre_stop_delay_seconds": 7, "grace_seconds": 70}, registry_url="http://mcp-registry:8000")
    variables = environment(found)
    ports = {item["name"]: str(item["containerPort"]) for item in found["ports"]}
    assert variables[contract.ENV_PORT] == ports[contract.MCP_PORT_NAME]
    assert variables[contract.ENV_MANAGEMENT_PORT] == ports[contract.MANAGEMENT_PORT_NAME]
    assert (variables[contract.ENV_SERVICE], variables[contract.ENV_NAMESPACE]) == ("mcp-search", "mcp-system")
    assert (variables[contract.ENV_PRE_STOP_DELAY_SECONDS], variables[contract.ENV_GRACE_SECONDS]) == ("7", "70")
    assert variables[contract.ENV_REGISTRY_URL] == "http://mcp-registry:8000"


def test_server_ends_before_its_pod_is_killed() -> None:
    """Kubernetes, "Termination of Pods": at the end of the grace period the kubelet kills what is left."""
    pod = render().one("Deployment")["spec"]["template"]["spec"]
    variables = environment(pod["containers"][0])
    assert (
        int(str(variables[contract.ENV_GRACE_SECONDS])) + SIDECAR_EXIT_SECONDS <= pod["terminationGracePeriodSeconds"]
    )


def test_spans_are_exported_only_with_a_configured_endpoint() -> None:
    """OpenTelemetry, "OTLP Exporter Configuration": OTEL_EXPORTER_OTLP_ENDPOINT."""
    variables = environment(container(otlp_endpoint="http://jaeger.monitoring.svc.cluster.local:4318"))
    assert variables[contract.ENV_OTLP_ENDPOINT] == "http://jaeger.monitoring.svc.cluster.local:4318"
    assert contract.ENV_OTLP_ENDPOINT not in environment(container())


def test_without_a_registry_the_service_does_not_register() -> None:
    """Requirement REG-1: without ENV_REGISTRY_URL (meshed_mcp.contract) a server does not register."""
    assert contract.ENV_REGISTRY_URL not in environment(container())


def test_every_dns_name_of_the_service_is_an_allowed_host_with_any_port() -> None:
    """MCP specification, "Security Best Practices": the server checks Host; Kubernetes gives a Service four names."""
    allowed = str(environment(container(namespace="tools", cluster_domain="corp.local"))[contract.ENV_ALLOWED_HOSTS])
    names = ["mcp-search", "mcp-search.tools", "mcp-search.tools.svc", "mcp-search.tools.svc.corp.local"]
    assert allowed.split(",") == [form for name in names for form in (name, f"{name}:*")]


def test_gateway_host_is_allowed_only_when_exposed() -> None:
    """Requirement SEC-7: the server rejects a request with another Host header."""
    exposed = render_exposed().one("Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert str(environment(exposed)[contract.ENV_ALLOWED_HOSTS]).endswith("mcp.example.com,mcp.example.com:*")
    hidden = environment(container(ingress=INGRESS))
    assert "mcp.example.com" not in str(hidden[contract.ENV_ALLOWED_HOSTS])


def test_stack_environment_follows_ours_and_secrets_are_references() -> None:
    """Kubernetes API, EnvVar `valueFrom.secretKeyRef`."""
    model = pulumi.Output.from_input("large")
    found = container(env={"MODEL": model}, secret_env={"KEY": {"secret": "llm", "key": "api-key"}})
    assert found["env"][-2]["name"] == "MODEL"
    assert found["env"][-2]["value"] is model
    assert found["env"][-1] == {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "llm", "key": "api-key"}}}


def test_root_file_system_is_read_only_with_two_writable_folders() -> None:
    """Requirement SEC-6: only DATA_PATH (meshed_mcp.contract) and a temporary folder are writable."""
    found = container()
    assert found["securityContext"]["readOnlyRootFilesystem"] is True
    assert {mount["mountPath"] for mount in found["volumeMounts"]} == {contract.DATA_PATH, "/tmp"}  # noqa: S108 - in the container
    assert environment(found)[contract.ENV_DATA_DIR] == contract.DATA_PATH


def test_readiness_is_probed_every_second() -> None:
    """Requirement RUN-1: a draining pod leaves the endpoints within the pre-stop delay."""
    probe = container()["readinessProbe"]
    assert (probe["periodSeconds"], probe["httpGet"]["path"]) == (1, contract.READINESS_PATH)


def test_probes_use_the_management_port() -> None:
    """Requirement RUN-7: the port is outside the mesh, so a probe checks the server and not its sidecar."""
    found = container()
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert found[probe]["httpGet"]["port"] == contract.MANAGEMENT_PORT_NAME


def test_only_a_container_that_never_started_is_killed_after_a_short_grace_period() -> None:
    """Kubernetes, "Probe-level terminationGracePeriodSeconds": of startup and liveness probes, above 0.

    The API server rejects it in a readiness probe; a replica that was ready drains within the pod's.
    """
    found = container()
    assert 0 < found["startupProbe"]["terminationGracePeriodSeconds"] == STARTUP_GRACE_SECONDS < Drain().grace_seconds
    assert "terminationGracePeriodSeconds" not in found["livenessProbe"]
    assert "terminationGracePeriodSeconds" not in found["readinessProbe"]
    text = str(ProbeArgs.__init__.__doc__).partition("termination_grace_period_seconds:")[2]
    assert "this value overrides the value provided by the pod spec" in text


def test_liveness_uses_the_defaults_of_kubernetes() -> None:
    """Kubernetes API, Probe, as the typed SDK quotes it."""
    text = str(ProbeArgs.__init__.__doc__)
    assert (
        f"Default to {LIVENESS_PERIOD_SECONDS} seconds" in text.partition("period_seconds:")[2].partition(":param")[0]
    )
    assert f"Defaults to {FAILURES_BEFORE_ACTION}." in text.partition("failure_threshold:")[2].partition(":param")[0]


def test_cpu_is_requested_always_and_limited_only_when_set() -> None:
    """Requirement SCL-1: a CPU limit throttles on an idle node; the autoscaler needs the request."""
    assert container()["resources"] == {
        "requests": {"cpu": "100m", "memory": "128Mi"},
        "limits": {"memory": "512Mi"},
    }
    assert container(resources={"cpu_limit": "1"})["resources"]["limits"]["cpu"] == "1"


def test_command_overrides_the_image_only_when_set() -> None:
    """Kubernetes API, Container `command`."""
    assert "command" not in container()
    assert container(command=["python", "-m", "search"])["command"] == ["python", "-m", "search"]


def test_the_runtime_serves_the_path_of_the_stack() -> None:
    """Requirement CFG-13: routes, policies and the process use one path."""
    assert environment(container(path="/api/mcp"))[contract.ENV_PATH] == "/api/mcp"
    assert contract.ENV_PATH not in environment(container())
    args = service_args(path=contract.REGISTRY_PATH)
    pod = Objects(service_manifests(contract.REGISTRY_NAME, args)).one("Deployment")["spec"]["template"]["spec"]
    assert contract.ENV_PATH not in environment(pod["containers"][0])


def test_arguments_of_the_image_can_be_replaced() -> None:
    """Kubernetes, "Define a Command and Arguments for a Container": `args` without `command` keeps the entry point."""
    found = container(args=["--verbose"])
    assert (found.get("command"), found["args"]) == (None, ["--verbose"])
    assert "args" not in container()
