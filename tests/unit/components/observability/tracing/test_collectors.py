"""Objects of agents and gateways; tests/engines/test_collector.py runs a real collector with their files."""

from typing import Any

import yaml

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.manifests import observability_objects
from meshed_mcp.components.observability.prometheus.values import kube_prometheus_stack_values
from meshed_mcp.components.observability.tracing.collectors import collector_objects, otlp_endpoint


def args(**collectors: Any) -> ObservabilityStackArgs:
    """Monitoring with collectors."""
    return ObservabilityStackArgs.model_validate({"namespace": "watch", "collectors": collectors})


def objects(**collectors: Any) -> dict[tuple[str, str], Manifest]:
    """Kind and name -> object."""
    return {(item["kind"], item["metadata"]["name"]): item for item in collector_objects(args(**collectors))}


def config(name: str, **collectors: Any) -> Manifest:
    """Configuration file of an agent or gateway."""
    return dict(yaml.safe_load(objects(**collectors)["ConfigMap", name]["data"]["config.yaml"]))


def test_spans_are_sent_to_the_agents_when_they_are_installed() -> None:
    """Requirement CFG-5: services and proxies share one OTLP endpoint, whatever runs behind it."""
    assert otlp_endpoint(args()) == "http://otel-agent.watch.svc:4317"
    assert otlp_endpoint(ObservabilityStackArgs(namespace="watch")) == "http://jaeger.watch.svc:4317"
    assert collector_objects(ObservabilityStackArgs()) == []


def test_pod_reaches_the_agent_of_its_own_node() -> None:
    """Kubernetes, "Service Internal Traffic Policy"; a node without an agent would lose its spans, so all have one."""
    found = objects()
    assert found["Service", "otel-agent"]["spec"]["internalTrafficPolicy"] == "Local"
    assert found["DaemonSet", "otel-agent"]["spec"]["template"]["spec"]["tolerations"] == [{"operator": "Exists"}]


def test_agents_see_every_collector_gateway() -> None:
    """Exporter `loadbalancing`, resolver `dns`: one address of a Service would hide the pods behind it."""
    assert objects()["Service", "otel-gateway"]["spec"]["clusterIP"] == "None"
    balanced = config("otel-agent")["exporters"]["loadbalancing"]
    assert balanced["routing_key"] == "traceID"
    assert balanced["resolver"]["dns"] == {"hostname": "otel-gateway.watch.svc", "port": "4317"}


def test_tail_sampling_runs_only_when_it_is_configured() -> None:
    """Requirement OBS-9: head sampling is the default, so a trace has one sampling decision."""
    assert "tail_sampling" not in config("otel-gateway")["processors"]
    pipeline = config("otel-gateway", tail_sampling={})["service"]["pipelines"]["traces"]
    assert pipeline["processors"] == ["memory_limiter", "tail_sampling"]


def test_terminating_gateway_decides_on_waiting_traces_first() -> None:
    """Kubernetes, "Pod termination": killed earlier, the traces of a whole wait would be lost."""
    stateless = objects()["Deployment", "otel-gateway"]["spec"]["template"]["spec"]
    waiting = objects(tail_sampling={"decision_wait_seconds": 90})["Deployment", "otel-gateway"]["spec"]["template"]
    assert stateless["terminationGracePeriodSeconds"] == 30
    assert waiting["spec"]["terminationGracePeriodSeconds"] == 120


def test_memory_limit_is_below_the_limit_of_the_container() -> None:
    """OpenTelemetry, "Collector configuration best practices": GOMEMLIMIT at 80 % of the hard limit."""
    pod = objects(gateway_resources={"cpu": "1", "memory": "1Gi"})["Deployment", "otel-gateway"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert container["env"] == [{"name": "GOMEMLIMIT", "value": f"{int(0.8 * 2**30)}B"}]
    assert config("otel-agent")["processors"]["memory_limiter"]["limit_percentage"] == 80


def test_changed_configuration_restarts_the_collectors() -> None:
    """A collector reads its file once."""
    few, many = (objects(queue_spans=count)["DaemonSet", "otel-agent"] for count in (1_000, 2_000))
    assert few["spec"]["template"]["metadata"] != many["spec"]["template"]["metadata"]


def test_prometheus_accepts_otlp_only_with_span_metrics() -> None:
    """Prometheus: the receiver for OTLP is off by default, and open to any client that reaches it."""
    plain = kube_prometheus_stack_values(args())["prometheus"]["prometheusSpec"]
    counted = kube_prometheus_stack_values(args(span_metrics=["mcp-plain"]))["prometheus"]["prometheusSpec"]
    assert "enableOTLPReceiver" not in plain
    assert counted["enableOTLPReceiver"] is True
    assert counted["tsdb"] == {"outOfOrderTimeWindow": "5m"}
    target = config("otel-gateway", span_metrics=["mcp-plain"])["exporters"]["otlphttp"]["metrics_endpoint"]
    assert target == "http://kube-prometheus-stack-prometheus.watch.svc:9090/api/v1/otlp/v1/metrics"


def test_jaeger_and_collectors_are_scraped() -> None:
    """Requirement OBS-1: a monitor selects each by its label and the name of its port."""
    every = observability_objects(args())
    (monitor,) = [item for item in every if item["kind"] == "PodMonitor" and item["metadata"]["name"] == "tracing"]
    (expression,) = monitor["spec"]["selector"]["matchExpressions"]
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    pods = [item["spec"]["template"] for item in every if item["kind"] in {"Deployment", "DaemonSet", "StatefulSet"}]
    assert {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in pods} == set(expression["values"])
    for pod in pods:
        assert endpoint["port"] in {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
