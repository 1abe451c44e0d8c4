"""Recorder: exact registrations of a program without an engine."""

import gc
import importlib
import subprocess
import sys
from typing import Any

import pulumi
import pytest

from meshed_mcp.components.core.charts import Chart, ReleaseSpec
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.core.register import KubernetesObject, objects, release
from meshed_mcp.infra.recording import Recording, record_program
from meshed_mcp.infra.recording.project import SECRET_PLACEHOLDER
from tests.stacks import JUDGED, ROOT, recording

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}}
HEAVY = ("pulumi_kubernetes", "pulumi_kubernetes_cert_manager", "requests", "urllib3")
"""What the typed classes of Helm releases and of cert-manager import, half a second."""

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "n"}}


def recorded(program: object) -> Recording:
    """A recording of a program function."""
    return record_program(program, "project", "stack", {})  # type: ignore[arg-type]  # any callable


def test_an_object_is_registered_unchanged_with_integers() -> None:
    """ADR 5: what is registered is what the pure functions return; the protocol's floats are undone."""
    item = {**DEPLOYMENT, "spec": {"replicas": 2, "share": 0.5, "list": [1, {"b": True}]}}

    def program() -> None:
        objects([item], pulumi.ResourceOptions())

    (found,) = recorded(program).registrations
    assert found.inputs == {**item, "spec": {"replicas": 2, "share": 0.5, "list": [1, {"b": True}]}}
    assert found.type == "kubernetes:apps/v1:Deployment"
    assert found.name == "n/a"
    assert found.ignore_changes == ()


def test_a_secret_is_hidden_at_its_own_place_only() -> None:
    """Requirement CFG-11: nothing rendered contains a secret; everything else stays readable."""

    def program() -> None:
        env = [{"name": "A", "value": pulumi.Output.secret("s3cret")}, {"name": "B", "value": "open"}]
        objects([{**DEPLOYMENT, "spec": {"env": env}}], pulumi.ResourceOptions())

    (found,) = recorded(program).objects
    assert found["spec"]["env"] == [{"name": "A", "value": SECRET_PLACEHOLDER}, {"name": "B", "value": "open"}]


def test_parents_dependencies_and_outputs_are_kept() -> None:
    """ADR 1: tests of order and of component outputs read the recording."""

    def program() -> None:
        component = pulumi.ComponentResource("meshed-mcp:index:X", "x")
        child = pulumi.ResourceOptions(parent=component)
        first = objects([DEPLOYMENT], child)
        spec = ReleaseSpec("istiod", "istio-system", Chart("istiod", "1.31.1", "https://charts.example"), {"a": 1})
        release(spec, pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=first)))
        component.register_outputs({"port": 80})
        pulumi.export("url", "http://x")

    recording = recorded(program)
    component, first, chart = recording.registrations
    assert (first.parent, chart.parent) == (component.urn, component.urn)
    assert chart.depends_on == (first.urn,)
    assert recording.releases[0]["repositoryOpts"] == {"repo": "https://charts.example"}
    assert recording.objects == [DEPLOYMENT]
    assert recording.outputs == {component.urn: {"port": 80}}
    assert recording.stack_outputs == {"url": "http://x"}


def test_registering_one_name_twice_is_an_error_as_in_the_engine() -> None:
    """Pulumi, "Resource names": a URN is unique; the mock monitor alone would not notice."""

    def program() -> None:
        objects([DEPLOYMENT, DEPLOYMENT], pulumi.ResourceOptions())

    with pytest.raises(ConfigurationError, match=r"kubernetes:apps/v1:Deployment: n/a: is registered twice; give one"):
        recorded(program)


def test_an_error_of_the_program_is_raised_and_leaves_nothing_behind() -> None:
    """Requirement CMP-4: the next recording after an error is a clean one."""

    def failing() -> None:
        objects([DEPLOYMENT], pulumi.ResourceOptions())
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        recorded(failing)
    assert recorded(lambda: None).registrations == []


def test_a_response_carries_the_inputs_so_that_outputs_resolve() -> None:
    """ADR 1: a program that reads an output of an object sees what it set."""
    seen: list[object] = []

    def program() -> None:
        KubernetesObject("n/a", DEPLOYMENT, pulumi.ResourceOptions()).metadata.apply(seen.append)

    recorded(program)
    assert seen == [{"name": "a", "namespace": "n"}]


@pytest.mark.parametrize(
    ("mirror", "chart", "repository"),
    [
        (None, "istiod", {"repo": "https://charts.example"}),
        ("https://mirror.example/charts/", "istiod", {"repo": "https://mirror.example/charts"}),
        ("oci://mirror.example/charts", "oci://mirror.example/charts/istiod", None),
        ("./charts", "./charts/istiod", None),
    ],
)
def test_a_chart_comes_from_its_publisher_or_from_the_mirror(
    mirror: str | None, chart: str, repository: dict[str, str] | None
) -> None:
    """Helm, "helm install": a repository with a chart name, an OCI reference, or a path."""
    published = Chart("istiod", "1.31.1", "https://charts.example")

    def program() -> None:
        release(ReleaseSpec("istiod", "istio-system", published.mirrored(mirror), {}), pulumi.ResourceOptions())

    (found,) = recorded(program).releases
    assert (found["chart"], found.get("repositoryOpts")) == (chart, repository)


@pytest.mark.parametrize("stack", JUDGED)
def test_a_dependency_is_recorded_before_its_dependents(stack: str) -> None:
    """Pulumi, "dependsOn": the engine registers a resource when everything that it depends on exists."""
    waiting = [item.urn for item in recording(stack).registrations]
    for item in recording(stack).registrations:
        waiting.remove(item.urn)
        assert not {*waiting, item.urn}.intersection(item.depends_on), item.urn


def config_map(name: str, **options: Any) -> KubernetesObject:
    """An object with options."""
    return KubernetesObject(name, CONFIG_MAP, pulumi.ResourceOptions(**options))


def test_options_of_a_parent_reach_its_children() -> None:
    """Pulumi, "Resource options": `protect` and `providers` are inherited, a dependency on a component is on its
    children.
    """  # noqa: D205 - one sentence

    def program() -> None:
        provider = pulumi.ProviderResource("kubernetes", "other", {})
        options = pulumi.ResourceOptions(protect=True, providers=[provider])
        component = pulumi.ComponentResource("a:b:C", "c", {"count": 2}, options)
        config_map("n/a", parent=component, ignore_changes=["data"], version="1.2.3")
        config_map("n/b", depends_on=component)

    found = {item.name: item for item in recorded(program).registrations}
    assert found["c"].inputs == {"count": 2}
    assert (found["n/a"].protect, found["n/a"].ignore_changes, found["n/a"].version) == (True, ("data",), "1.2.3")
    assert found["n/a"].provider.startswith(found["other"].urn)
    assert found["n/a"].urn in found["n/b"].depends_on
    assert found["n/b"].provider == ""


def test_a_resource_as_an_input_is_its_urn() -> None:
    """Pulumi, developer documentation, "Resource references": the message names the resource by its URN."""
    importlib.import_module("pulumi_kubernetes")  # its typed classes ask the monitor for what a reference names

    def program() -> None:
        first = config_map("n/a")
        KubernetesObject("n/b", {**CONFIG_MAP, "data": {"first": first}}, pulumi.ResourceOptions())

    first, second = recorded(program).registrations
    assert second.inputs["data"] == {"first": first.urn}
    assert second.depends_on == (first.urn,)


def test_an_output_of_a_resource_makes_its_reader_depend_on_it() -> None:
    """Pulumi, "Inputs and outputs": an output carries the resource that it comes from."""

    def program() -> None:
        made = KubernetesObject("n/a", {**DEPLOYMENT, "kind": "Secret"}, pulumi.ResourceOptions())
        pulumi.export("made", [made.urn, made.id, made.metadata, made.data])
        KubernetesObject("n/b", {**CONFIG_MAP, "data": {"from": made.metadata["name"]}}, pulumi.ResourceOptions())

    found = recorded(program)
    urn, identity, metadata, data = found.stack_outputs["made"]
    assert (identity, metadata) == ("n/a", DEPLOYMENT["metadata"])
    assert data in {None, SECRET_PLACEHOLDER}
    assert found.registrations[-1].inputs["data"] == {"from": "a"}
    assert found.registrations[-1].depends_on == (urn,)


def test_a_dependency_cycle_is_one_error(caplog: pytest.LogCaptureFixture) -> None:
    """Pulumi rejects a child that waits for its own parent; asyncio logs exceptions that no task awaits."""

    def program() -> None:
        component = pulumi.ComponentResource("a:b:C", "c", {})
        config_map("n/a", parent=component, depends_on=[component])

    with pytest.raises(RuntimeError, match="circular dependency"):
        recorded(program)
    recorded(lambda: None)
    gc.collect()
    assert caplog.messages == []


@pytest.mark.parametrize("fails", [False, True])
def test_the_garbage_collector_is_restored_after_a_recording(fails: bool) -> None:
    """Requirement CMP-1: collection is paused for a recording and resumes after it, also after an error."""

    def program() -> None:
        assert not gc.isenabled()
        if fails:
            raise ValueError("no such stack")

    if fails:
        with pytest.raises(ValueError, match="no such stack"):
            recorded(program)
    else:
        recorded(program)
    assert gc.isenabled()


def test_a_recording_imports_no_typed_classes() -> None:
    """Requirement CMP-2: rendering 50 services in five seconds leaves no time to import typed classes."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom meshed_mcp.infra.recording import record\n"
        f"record(Path({str(ROOT)!r}), 'dev')\nprint(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


def calls_a_function() -> None:
    """A provider function, as classic Helm charts and YAML files use it."""
    pulumi.export("a", pulumi.runtime.invoke_output("kubernetes:helm:template", {"jsonOpts": "{}"}))


def reads_a_resource() -> None:
    """An existing object."""
    pulumi.CustomResource(
        "kubernetes:core/v1:Service", "s", {}, pulumi.ResourceOptions(id="istio-ingress/istio-ingress")
    )


def calls_a_method() -> None:
    """A method of a component of another package."""
    pulumi.export("a", pulumi.runtime.call("eks:index:Cluster/getKubeconfig", {}))


@pytest.mark.parametrize(
    ("program", "line"),
    [
        (calls_a_function, "MM0151: kubernetes:helm:template: the program calls this function of a provider"),
        (reads_a_resource, "MM0151: kubernetes:core/v1:Service: s: the program reads this existing resource"),
        (calls_a_method, "MM0151: eks:index:Cluster/getKubeconfig: the program calls this method of a resource"),
    ],
)
def test_a_question_to_a_provider_is_an_error(program: object, line: str) -> None:
    """Requirement CHK-8: there is no provider, and a made-up value would be no recording."""
    with pytest.raises(ConfigurationError) as raised:
        recorded(program)
    assert raised.value.issues[0].line.startswith(line)


def test_a_transform_of_invokes_is_not_left_out() -> None:
    """Requirement CHK-8: the invoke that it is for is an error; without one it has no effect in `pulumi up` either."""

    def program() -> None:
        pulumi.runtime.register_invoke_transform(lambda _args: None)
        calls_a_function()

    with pytest.raises(ConfigurationError, match="kubernetes:helm:template: the program calls this function"):
        recorded(program)
