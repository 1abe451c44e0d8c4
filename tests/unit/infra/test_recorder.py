"""The recorder: what a program registers, exactly, without an engine."""

import pulumi
import pytest

from meshed_mcp.components.core.charts import Chart, ReleaseSpec
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.core.register import KubernetesObject, objects, release
from meshed_mcp.infra.recording import Recording, record_program
from meshed_mcp.infra.recording.project import SECRET_PLACEHOLDER

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "n"}}


def recorded(program: object) -> Recording:
    """A recording of a program function."""
    return record_program(program, "project", "stack", {})  # type: ignore[arg-type]  # any callable


def test_an_object_is_registered_as_it_is_with_whole_numbers_as_integers() -> None:
    """ADR 5: what is registered is what the pure functions return; the wire's floats are undone."""
    item = {**DEPLOYMENT, "spec": {"replicas": 2, "share": 0.5, "list": [1, {"b": True}]}}

    def program() -> None:
        objects([item], pulumi.ResourceOptions())

    (found,) = recorded(program).registrations
    assert found.inputs == {**item, "spec": {"replicas": 2, "share": 0.5, "list": [1, {"b": True}]}}
    assert found.type == "kubernetes:apps/v1:Deployment"
    assert found.name == "n/a"
    assert found.ignore_changes == ("spec.replicas",)


def test_a_secret_is_hidden_where_it_stands_and_nowhere_else() -> None:
    """Product rule: nothing rendered contains a secret; everything else stays readable."""

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

    with pytest.raises(ConfigurationError, match=r"kubernetes:apps/v1:Deployment: n/a: registered twice; give one"):
        recorded(program)


def test_a_program_that_raises_raises_here_and_leaves_nothing_behind() -> None:
    """Product rule: a fault of the program is the caller's to report; the next recording is a clean one."""

    def failing() -> None:
        objects([DEPLOYMENT], pulumi.ResourceOptions())
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        recorded(failing)
    assert recorded(lambda: None).registrations == []


def test_an_answer_carries_the_inputs_so_that_outputs_resolve() -> None:
    """ADR 1: a program that reads an output of an object sees what it wrote."""
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
