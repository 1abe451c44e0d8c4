"""Stack files: one line per issue, all issues in one run, never a traceback."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.infra.config import ServiceConfig, StackConfig
from meshed_mcp.infra.parsing import parse_stack
from meshed_mcp.infra.plan import planned

SERVICE = {"image": "registry.example/a:1"}


def stack(**keys: Any) -> dict[str, str]:
    """Keys as Pulumi passes them: text as text, structures as JSON."""
    return {f"meshed-mcp:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in keys.items()}


def sound(values: dict[str, str]) -> StackConfig:
    """The configuration of valid values."""
    config, _, found = parse_stack(values)
    assert found == []
    assert config is not None
    return config


def lines(**keys: Any) -> list[str]:
    """Issues of a stack with one valid service, as lines."""
    with pytest.raises(ConfigurationError) as raised:
        planned(stack(**{"services": {"mcp-a": SERVICE}, **keys}))
    return [str(issue) for issue in raised.value.issues]


def service_lines(**fields: Any) -> list[str]:
    """Issues of a stack whose one service has `fields`, as lines."""
    return lines(services={"mcp-a": {**SERVICE, **fields}})


def test_one_service_is_a_complete_stack() -> None:
    """Requirement CFG-10: every default is safe in production, so a stack is a few lines."""
    config = sound(stack(services={"mcp-a": SERVICE}))
    assert config.namespace == "mcp-system"
    assert config.mesh.namespaces == ["mcp-system"]
    assert config.services["mcp-a"].scaling.min_replicas == 2


def test_keys_of_other_namespaces_are_ignored() -> None:
    """Pulumi, "Configuration": `kubernetes:context` belongs to the provider."""
    sound({**stack(services={"mcp-a": SERVICE}), "kubernetes:context": "kind"})


def test_domain_namespace_and_mirror_reach_the_components() -> None:
    """Requirement CFG-5: the keys are set once and passed to every component."""
    config = sound(
        stack(services={"mcp-a": SERVICE}, domain="mcp.example.com", namespace="tools", chart_mirror="./charts")
    )
    assert (config.mesh.domain, config.mesh.namespaces) == ("mcp.example.com", ["tools"])
    assert config.mesh.chart_mirror == config.observability.chart_mirror == "./charts"


def test_services_send_their_spans_to_the_collector_of_the_mesh() -> None:
    """OTLP specification: 4318 is its HTTP port, as 4317 is the gRPC port that the proxies use."""
    own = planned(stack(services={"mcp-a": SERVICE}))
    assert own.services["mcp-a"].otlp_endpoint == "http://jaeger.monitoring.svc.cluster.local:4318"
    other = planned(stack(services={"mcp-a": SERVICE}, mesh={"tracing": {"service": "otel.apm.svc"}}))
    assert other.services["mcp-a"].otlp_endpoint == "http://otel.apm.svc:4318"


STACK_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "misspelled key": ({"servics": {}}, "meshed-mcp:servics: unknown key; did you mean services?"),
    "list of services": (
        {"services": []},
        ("meshed-mcp:services: [] is not a mapping of names to services; set key: value lines"),
    ),
    "no service": ({"services": {}}, ("meshed-mcp:services: is missing; set services: with one service below it")),
    "plain text": (
        {"services": "text"},
        "meshed-mcp:services: 'text' is not a structure; set key: value lines below it",
    ),
    "namespace": (
        {"namespace": "Tools"},
        ("namespace: 'Tools' is not a namespace name; use lower-case letters, digits and '-', such as 'mcp-system'"),
    ),
    "short name as host": (
        {"domain": "tools"},
        (
            "domain: 'tools' has no dot, and Istio rejects a gateway whose host is a short name; "
            "use a fully qualified name, such as 'tools.example.com'"
        ),
    ),
    "URL as host": (
        {"domain": "https://x"},
        (
            "domain: 'https://x' is not a host name; use lower-case labels without scheme, port "
            "or '*', such as 'mcp.example.com'"
        ),
    ),
}


@pytest.mark.parametrize(("keys", "line"), STACK_FAULTS.values(), ids=STACK_FAULTS)
def test_a_stack_error_is_one_line(keys: dict[str, Any], line: str) -> None:
    """Requirement CFG-2: one line with object, field, what is wrong and what to set."""
    assert f"stack: {line}" in lines(**keys)


PART_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "decided elsewhere": (
        {"mesh": {"domain": "x.example"}},
        "mesh: domain: follows from meshed-mcp:domain; remove it and set meshed-mcp:domain",
    ),
    "misspelled field": (
        {"mesh": {"istio_versoin": "1.31.1"}},
        "mesh: istio_versoin: unknown field; did you mean istio_version?",
    ),
    "number": ({"mesh": 5}, "mesh: 5 is not a mapping; set key: value lines"),
    "mirror": (
        {"observability": {"chart_mirror": "x"}},
        "observability: chart_mirror: follows from meshed-mcp:chart_mirror; remove it and set meshed-mcp:chart_mirror",
    ),
    "no image": ({"registry": {"replicas": 1}}, ("registry: image: is missing; set image: with a value")),
    "split registry": (
        {"registry": {"image": "x"}},
        (
            "registry: replicas: 2 would each keep their own entries; set replicas: 1, or set a "
            "database: {secret: ..., key: ...}"
        ),
    ),
    "shared namespace": (
        {"observability": {"namespace": "mcp-system"}},
        (
            "observability: namespace: is also the namespace of the services, and monitoring "
            "stays outside the mesh; set another namespace"
        ),
    ),
}


@pytest.mark.parametrize(("keys", "line"), PART_FAULTS.values(), ids=PART_FAULTS)
def test_an_error_of_a_component_names_the_component(keys: dict[str, Any], line: str) -> None:
    """Requirement CFG-2: one line with object, field, what is wrong and what to set."""
    assert line in lines(**keys)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"scaling": {"max_replica": 3}}, "scaling.max_replica: unknown field; did you mean max_replicas?"),
        ({"drain": {"grace_seconds": "1m"}}, ("drain.grace_seconds: '1m' is not a whole number of seconds; set 60")),
        ({"scaling": {"cpu_percent": "70%"}}, ("scaling.cpu_percent: '70%' is not a whole number of percent; set 70")),
        ({"callers": ["mcp-b"]}, "callers[0]: there is no service mcp-b; did you mean mcp-a?"),
        ({"image": 1.0}, 'image: 1.0 is not text; set "1.0" in quotes'),
    ],
)
def test_an_error_of_a_service_names_the_service_and_the_field(fields: dict[str, Any], line: str) -> None:
    """Requirement CFG-8: unknown keys, misspelled fields, wrong units and unknown callers are rejected."""
    assert service_lines(**fields) == [f"service mcp-a: {line}"]


def test_minimum_above_maximum_names_both_fixes() -> None:
    """Requirement CFG-7: a minimum above the maximum could never hold."""
    (line,) = service_lines(scaling={"min_replicas": 5, "max_replicas": 3})
    assert line.startswith("service mcp-a: scaling: min_replicas 5 is above max_replicas 3")
    assert "set max_replicas to 5 or more" in line


def test_weights_that_do_not_sum_to_100_name_the_fix() -> None:
    """Requirement NET-9: weights sum to 100; Istio would admit 110 as a ratio."""
    rollout = {"strategy": "canary", "image": "b:2", "weights": {"stable": 90, "canary": 20}}
    assert service_lines(rollout=rollout) == [
        ("service mcp-a: rollout.weights: stable 90 and canary 20 sum to 110, not 100; set stable: 80 or canary: 10")
    ]


def test_a_name_over_54_characters_is_rejected() -> None:
    """Requirement CFG-9: names are bounded; source: KEDA's limit for a ScaledObject."""
    name = "m" * 55
    (line,) = lines(services={name: SERVICE})
    assert "has 55 characters" in line
    assert "use at most 54" in line


def test_a_service_named_like_the_registry_is_rejected() -> None:
    """Requirement CMP-10: two services of one name are rejected."""
    found = lines(services={"mcp-registry": SERVICE}, registry={"image": "x", "replicas": 1})
    assert found == [
        (
            "service mcp-registry: there are two services of this name, this one and "
            "the registry; rename this one, or set registry: null"
        )
    ]


def test_a_service_named_like_a_canary_is_rejected() -> None:
    """Requirement CMP-10: two Deployments of one name would overwrite each other."""
    rollout = {"strategy": "canary", "image": "b:2", "weights": {"stable": 90, "canary": 10}}
    found = lines(services={"mcp-a": {**SERVICE, "rollout": rollout}, "mcp-a-canary": SERVICE})
    assert found == [
        ("service mcp-a: rollout: its canary would be named mcp-a-canary, as another service is; rename one")
    ]


def test_replicas_with_separate_sqlite_files_are_rejected() -> None:
    """Requirement CFG-7: each pod has its own SQLite file, so results would depend on the replica."""
    (line,) = service_lines(shared_state=["database"])
    assert line.startswith(
        "service mcp-a: shared_state[0]: database: its replicas would each answer from their own data"
    )
    assert "set database: {secret: ..., key: ...}, or run one replica" in line
    mounted = {"MESHED_MCP_DATABASE_URL_FILE": "/mnt/secrets/url"}
    for more in ({"database": {"secret": "mcp-database", "key": "url"}}, {"env": mounted}):
        assert planned(stack(services={"mcp-a": {**SERVICE, "shared_state": ["database"], **more}})).services


def test_an_encrypted_value_inside_a_structure_is_rejected() -> None:
    """Requirement CFG-11: the program cannot tell which leaf is secret, so it would reach the plain state."""
    with pytest.raises(ConfigurationError, match=r"meshed-mcp:services: holds an encrypted value, which is lost"):
        planned(stack(services={"mcp-a": SERVICE}), {"meshed-mcp:services"})


def test_an_error_in_one_service_does_not_hide_errors_between_the_others() -> None:
    """Requirement CFG-3: errors of one service and errors between services are reported in one run."""
    found = lines(
        services={
            "mcp-a": {**SERVICE, "scaling": {"max_replica": 3}},
            "mcp-b": {**SERVICE, "callers": ["mcp-a", "mcp-c"]},
        }
    )
    assert found == [
        "service mcp-a: scaling.max_replica: unknown field; did you mean max_replicas?",
        "service mcp-b: callers[1]: there is no service mcp-c; did you mean mcp-b?",
    ]


def test_all_errors_are_reported_in_one_run() -> None:
    """Requirement CFG-3: a user corrects a stack file once."""
    found = lines(
        services={"mcp-a": {"imagee": "x"}, "mcp-b": {**SERVICE, "expse": True}, "M": SERVICE},
        mesh={"istio_version": "1.29.0"},
        registri={},
    )
    assert len(found) == 6
    assert {line.split(":")[0] for line in found} == {"stack", "mesh", "service mcp-a", "service mcp-b", "service 'M'"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
field_names = st.sampled_from(
    [*ServiceConfig.model_fields, *StackConfig.model_fields, "weights", "secret", "min_replicas"]
)
near_services = st.dictionaries(
    st.text(max_size=8) | st.just("mcp-a"),
    st.dictionaries(field_names | st.text(max_size=6), json_values, max_size=6),
    max_size=3,
)


@given(st.dictionaries(field_names | st.text(max_size=8), json_values, max_size=5), near_services | json_values)
@settings(max_examples=300, deadline=None)
def test_no_configuration_ends_in_a_traceback(keys: dict[str, Any], services: Any) -> None:
    """Requirement CFG-4: generated configurations end in a plan or in one line per error."""
    found: tuple[ConfigIssue, ...] = ()
    try:
        planned(stack(**{**keys, "services": services}))
    except ConfigurationError as error:
        found = error.issues or pytest.fail("refused without a fault")
    assert all(len(str(fault).splitlines()) == 1 for fault in found)
