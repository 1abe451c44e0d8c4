"""Reading of rendered objects: a field is translated, listed as without effect, or rejected by object and path."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.infra import recording
from meshed_mcp.infra.program import deploy
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.objects.fields import title
from meshed_mcp.local.translate.stack import read_stack
from tests.stacks import ROOT
from tests.unit.local import local_objects

MAPS = {"labels", "annotations", "matchLabels", "requests", "limits", "set", "add", "nodeSelector"}
"""Fields whose keys are the user's own; `selector` is one where it holds texts only."""


def rejected(objects: list[dict[str, Any]]) -> tuple[str, ...]:
    """Errors of objects."""
    with pytest.raises(LocalRunError) as error:
        read_stack(objects)
    return error.value.messages


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_rendered_field_is_known(stack: str) -> None:
    """Requirement LOC-1: the local run translates what the program renders, of both stacks."""
    recorded = recording.record(ROOT, stack).objects
    read = read_stack(recorded)
    assert {each.name for each in read.deployments} == {
        "mcp-controller", "mcp-llm", "mcp-organization", "mcp-rag", "mcp-registry", "mcp-template",
    }  # fmt: skip


def test_an_unknown_field_is_rejected_by_object_and_path(objects: list[dict[str, Any]]) -> None:
    """Requirement LOC-2: a field that is not translated is never ignored."""
    local_objects.find(objects, "VirtualService", "back")["spec"]["http"][0]["delegate"] = {"name": "other"}
    assert rejected(objects) == (
        (
            "VirtualService mcp-system/back: spec.http[0].delegate is not run locally; remove "
            "it from the stack of the local run"
        ),
    )


def test_errors_of_all_objects_are_reported_in_one_run(objects: list[dict[str, Any]]) -> None:
    """Requirement CFG-3: all errors at once, one line each."""
    local_objects.find(objects, "VirtualService", "back")["spec"]["tcp"] = []
    local_objects.find(objects, "Service", "back")["spec"]["clusterIP"] = "None"
    assert set(rejected(objects)) == {
        "VirtualService mcp-system/back: spec.tcp is not run locally; remove it from the stack of the local run",
        "Service mcp-system/back: spec.clusterIP is not run locally; remove it from the stack of the local run",
    }


def field_paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all objects inside an object that have fields of their own."""
    if isinstance(value, dict):
        texts_only = path[-1:] == ("selector",) and all(isinstance(each, str) for each in value.values())
        if (path and path[-1] in MAPS) or (texts_only and value):
            return
        yield path
        for key, inner in value.items():
            yield from field_paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from field_paths(inner, (*path, index))


RENDERED = [*local_objects.stack_objects(), *recording.record(ROOT, "dev").objects]
NOT_RUN = set(read_stack(RENDERED).not_run)
RUN = [item for item in RENDERED if title(item) not in NOT_RUN]
PATHS = [(index, path) for index, item in enumerate(RUN) for path in field_paths(item)]
LENIENT = {"Deployment", "ServiceAccount", "Telemetry"}
"""Kinds with fields that affect no request."""


def with_field(spot_path: tuple[int, tuple[Any, ...]], field: str) -> dict[str, Any]:
    """An object with one more field."""
    index, path = spot_path
    item = copy.deepcopy(RUN[index])
    spot = item
    for step in path:
        spot = spot[step]
    spot[field] = "unheard of"
    return item


def errors(items: list[dict[str, Any]]) -> tuple[str, ...]:
    """Errors of objects, or none."""
    try:
        read_stack(items)
    except LocalRunError as error:
        return error.messages
    return ()


def warned(kind: str, items: list[dict[str, Any]]) -> list[str]:
    """Paths of a kind in the warning about fields without effect."""
    (warning,) = read_stack(items).warnings
    assert warning.code == "MM0796"
    listed = warning.removeprefix("fields without effect on one machine: ").partition("; test them")[0]
    kinds = dict(each.split(" ", 1) for each in listed.split("; "))
    return kinds[kind].split(", ")


def test_containers_that_do_not_run_are_listed(objects: list[dict[str, Any]]) -> None:
    """Requirement LOC-2: containers of an overlay are not left out in silence."""
    pod = local_objects.find(objects, "Deployment", "back")["spec"]["template"]["spec"]
    pod["containers"].append({"name": "exporter", "image": "exporter:1"})
    pod["initContainers"] = [{"name": "migrate", "image": "migrate:1"}]
    listed = warned("Deployment", objects)
    assert {"spec.template.spec.containers[exporter]", "spec.template.spec.initContainers[migrate]"} <= set(listed)
    assert not any("[server]" in path for path in listed)


@given(
    st.sampled_from([each for each in PATHS if RUN[each[0]]["kind"] not in LENIENT and each[1][:1] != ("metadata",)]),
    st.from_regex(r"x[a-zA-Z]{3,12}", fullmatch=True),
)
def test_an_unknown_field_of_routes_and_policies_is_rejected(
    spot_path: tuple[int, tuple[Any, ...]], field: str
) -> None:
    """Requirement LOC-2: a field that can affect a request fails at every depth."""
    item = with_field(spot_path, field)
    issues = [line for line in rejected([item]) if field in line]  # of a union, one per kind
    assert issues
    for issue in issues:
        assert issue.startswith(f"{title(item)}: ")
        assert issue.endswith(f"{field} is not run locally; remove it from the stack of the local run")


@given(st.sampled_from(PATHS), st.from_regex(r"x[a-zA-Z]{3,12}", fullmatch=True))
def test_an_unknown_field_anywhere_is_rejected_or_listed(spot_path: tuple[int, tuple[Any, ...]], field: str) -> None:
    """Requirement LOC-2: no field is silently ignored; a listed object stands for the fields in it."""
    item = with_field(spot_path, field)
    dotted = re.sub(
        r"\.?\[\d+\]", "[]", "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in spot_path[1])
    )
    path = f"{dotted}.{field}".removeprefix(".")
    messages = errors([item])
    listed = [] if messages else warned(item["kind"], [item])
    found = any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in listed)
    assert found or any(field in line for line in messages)


def test_fields_without_effect_are_listed_once_per_kind(objects: list[dict[str, Any]]) -> None:
    """Requirement LOC-2: pod fields for a scheduler, a kubelet or an update have no effect on one machine."""
    for name in ("back", "back-canary", "front"):
        spec = local_objects.find(objects, "Deployment", name)["spec"]
        spec["strategy"] = {"type": "Recreate"}
        spec["template"]["spec"]["affinity"] = {"podAntiAffinity": {}}
        spec["template"]["spec"]["containers"][0]["envFrom"] = []
    objects.append(local_objects.item("telemetry.istio.io/v1", "Telemetry", "t", "mcp-system", {"metrics": []}))
    assert warned("Deployment", objects) == [
        "spec.selector",
        "spec.strategy",
        "spec.template.spec.affinity",
        "spec.template.spec.containers[].envFrom",
        "spec.template.spec.containers[].readinessProbe.periodSeconds",
        "spec.template.spec.containers[].resources",
        "spec.template.spec.containers[].securityContext",
        "spec.template.spec.securityContext",
        "spec.template.spec.volumes[].emptyDir.sizeLimit",
    ]
    assert warned("Telemetry", objects) == ["spec.metrics"]


def test_a_stack_without_such_fields_has_no_warning(objects: list[dict[str, Any]]) -> None:
    """Requirement LOC-2: the warning names fields, or there is none."""
    routes = [item for item in objects if item["kind"] != "Deployment"]
    assert read_stack(routes).warnings == ()


@pytest.mark.parametrize(
    ("kind", "api_version"),
    [
        ("WorkloadEntry", "networking.istio.io/v1"),
        ("HTTPRoute", "gateway.networking.k8s.io/v1"),
        ("Gateway", "gateway.networking.k8s.io/v1"),
        ("Service", "v2"),
    ],
)
def test_a_kind_that_affects_requests_is_rejected(objects: list[dict[str, Any]], kind: str, api_version: str) -> None:
    """Requirement LOC-2: what affects a request is run or rejected, never left out."""
    objects.append(local_objects.item(api_version, kind, "x", "mcp-system", {}))
    assert rejected(objects) == (f"{kind} mcp-system/x: kind {kind} of {api_version} is not run locally",)


def test_kinds_that_do_not_affect_requests_are_listed_as_not_run(objects: list[dict[str, Any]]) -> None:
    """Requirement LOC-2: they are listed by name."""
    objects.append(local_objects.item("monitoring.coreos.com/v1", "PodMonitor", "back", "mcp-system", {"any": 1}))
    assert read_stack(objects).not_run == ("PodMonitor mcp-system/back",)


@pytest.mark.parametrize("kind", ["pause", "capacity-buffer"])
def test_a_stack_with_every_autoscaler_runs_unchanged(kind: str) -> None:
    """Requirement LOC-2: node placement and sizing affect no request."""
    pods = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}
    chat = {"image": "a:1", "legacy": "sticky", "scaling": {"profile": "session"}, "callers": ["mcp-rag"]}
    given = {
        "services": {"mcp-rag": {"image": "a:1", "callers": ["mcp-chat"]}, "mcp-chat": chat},
        "keda": {"fast_scaler": {"image": "a:1"}},
        "deletion_cost": {"image": "a:1"},
        "vpa": {"install": "existing"},
        "nodes": {"buffer": {"kind": kind}, "pre_pull": True, "karpenter": {"node_class": pods, "spot": True}},
    }
    config = {f"meshed-mcp:{key}": json.dumps(value) for key, value in given.items()}
    found = read_stack(recording.record_program(deploy, "project", "test", config).objects)
    assert {item.name for item in found.deployments} == {"mcp-rag", "mcp-chat"}
    left_out = {name.split()[0] for name in found.not_run}
    assert {"NodePool", "VerticalPodAutoscaler", "ScaledObject", "PriorityClass"} <= left_out


def test_pods_of_other_software_are_left_out_with_their_service_and_account(objects: list[dict[str, Any]]) -> None:
    """Requirement LOC-2: only pods with the container `server` are run; Jaeger's are not."""
    labels = {"app": "jaeger"}
    pod = {"serviceAccountName": "jaeger", "containers": [{"name": "jaeger"}], "unknown": 1}
    template = {"metadata": {"labels": labels}, "spec": pod}
    account = local_objects.item("v1", "ServiceAccount", "jaeger", "monitoring", {})
    objects += [
        local_objects.item("apps/v1", "StatefulSet", "jaeger", "monitoring", {"template": template}),
        local_objects.item("v1", "Service", "jaeger", "monitoring", {"selector": labels, "clusterIP": "None"}),
        account,
    ]
    assert read_stack(objects).not_run == (
        "StatefulSet monitoring/jaeger",
        "Service monitoring/jaeger",
        "ServiceAccount monitoring/jaeger",
    )


@pytest.mark.parametrize(
    ("kind", "name", "path", "value", "line"),
    [
        ("PeerAuthentication", "default", ["mtls", "mode"], "DISABLE", "spec.mtls.mode='DISABLE' is not run locally"),
        (
            "DestinationRule", "back", ["trafficPolicy", "tls", "mode"], "SIMPLE",
            "spec.trafficPolicy.tls.mode='SIMPLE' is not run locally; use 'ISTIO_MUTUAL'",
        ),
        (
            "DestinationRule", "back", ["trafficPolicy", "connectionPool", "tcp", "connectTimeout"], "3 s",
            "'3 s' is not a duration; use a number with h, m, s or ms, such as 10s",
        ),
        (
            "VirtualService", "back", ["http", 0, "route", 1, "weight"], 20,
            "spec.http[0]: the weights sum to 95; set weights that sum to 100",
        ),
        (
            "VirtualService", "back", ["http", 0, "retries", "retryOn"], "conect-failure",
            "spec.http[0].retries.retryOn: 'conect-failure' is not run locally",
        ),
        (
            "VirtualService", "front-ingress", ["http", 0, "match", 0, "uri"], {"exact": "/", "prefix": "/"},
            "exact, prefix and regex exclude each other; set one",
        ),
        ("Gateway", "mcp", ["servers", 0, "hosts", 0], "*.example.com", "'*.example.com' is not run locally"),
        (
            "Deployment", "back", ["template", "spec", "containers", 0, "env", 0, "value"], "$(POD)/data",
            "value '$(POD)/data' is not run locally; set it without $( )",
        ),
        (
            "Deployment", "back", ["template", "metadata", "annotations"], {"proxy.istio.io/config": "concurrency: 2"},
            "spec.template.metadata.annotations: 'proxy.istio.io/config' is not run locally",
        ),
        (
            "Deployment", "back", ["template", "metadata", "labels"], {"sidecar.istio.io/inject": "false"},
            "'sidecar.istio.io/inject: false' is not run locally; use true",
        ),
        (
            "AuthorizationPolicy", "back", ["rules", 0, "when"], [{"key": "source.ip", "values": ["10.0.0.1"]}],
            "spec.rules[0].when[0].key: 'source.ip' is not run locally; use request.headers[NAME]",
        ),
    ],
)  # fmt: skip
def test_an_unsupported_value_is_rejected_with_the_supported_ones(
    objects: list[dict[str, Any]], kind: str, name: str, path: list[Any], value: Any, line: str
) -> None:
    """Requirement CFG-2: which object, which field, what is wrong, what to set."""
    spot = local_objects.find(objects, kind, name)["spec"]
    for step in path[:-1]:
        spot = spot[step]
    spot[path[-1]] = value
    (issue,) = rejected(objects)
    assert issue.startswith(f"{kind} ")
    assert line in issue


def test_an_object_without_a_namespace_is_rejected(objects: list[dict[str, Any]]) -> None:
    """Requirement LOC-1: every object has a namespace."""
    del local_objects.find(objects, "Service", "back")["metadata"]["namespace"]
    assert rejected(objects) == (("Service back: metadata.namespace is missing; set the namespace of the object"),)


def test_sidecar_egress_scopes_are_left_out_and_named(objects: list[dict[str, Any]]) -> None:
    """Requirement LOC-2: each caller can try each service locally, so rejections are those of the destination."""
    objects.append(local_objects.item("networking.istio.io/v1", "Sidecar", "mcp-rag", "mcp-system", {}))
    assert "Sidecar mcp-system/mcp-rag" in read_stack(objects).not_run


def test_an_external_authorizer_is_rejected_by_name(objects: list[dict[str, Any]]) -> None:
    """Requirement LOC-2: no authorizer runs locally, so a stack that relies on it is not run."""
    spec = {"action": "CUSTOM", "provider": {"name": "opa"}, "rules": [{}]}
    objects.append(local_objects.item("security.istio.io/v1", "AuthorizationPolicy", "asked", "mcp-system", spec))
    assert rejected(objects) == (
        ("AuthorizationPolicy mcp-system/asked: spec.action='CUSTOM' is not run locally; use 'ALLOW' or 'DENY'"),
        (
            "AuthorizationPolicy mcp-system/asked: spec.provider is not run locally; remove it "
            "from the stack of the local run"
        ),
    )


def test_ambiguous_token_keys_are_rejected(objects: list[dict[str, Any]]) -> None:
    """Requirement LOC-2: exactly one source of keys, and tokens from headers that are named."""
    rule = {"issuer": "https://login.example.com", "jwks": "{}", "jwksUri": "https://login.example.com/keys"}
    spec = {"jwtRules": [{**rule, "fromHeaders": [{"name": "authorization", "prefix": "Bearer "}]}]}
    objects.append(local_objects.item("security.istio.io/v1", "RequestAuthentication", "two", "mcp-system", spec))
    assert rejected(objects) == (
        "RequestAuthentication mcp-system/two: spec.jwtRules[0]: needs exactly one of jwksUri and jwks; set one",
    )
