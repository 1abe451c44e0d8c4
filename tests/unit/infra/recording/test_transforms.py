"""Transforms in a recording: every way of registering them, their order, options, outputs and errors."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.register import KubernetesObject
from meshed_mcp.infra.recording import Recording, Registration, record_program, transforms
from meshed_mcp.infra.recording.project import SECRET_PLACEHOLDER

POD_SPEC = {"containers": [{"name": "server", "image": "s:1"}]}
DEPLOYMENT: Manifest = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "a", "namespace": "n"},
    "spec": {"replicas": 2, "template": {"spec": POD_SPEC}},
}
Change = Callable[[dict[str, Any]], dict[str, Any]]


def transform(change: Change, **options: Any) -> Callable[[Any], Any]:
    """A transform of Kubernetes objects that changes properties and options."""

    def changed(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if not args.type_.startswith("kubernetes:"):
            return None
        for name, value in options.items():
            setattr(args.opts, name, value)
        return pulumi.ResourceTransformResult(change(dict(args.props)), args.opts)

    return changed


def governed(props: dict[str, Any]) -> dict[str, Any]:
    """A cost label and a pull secret, as an organization asks for them."""
    spec = {**props["spec"]["template"]["spec"], "imagePullSecrets": [{"name": "pull"}]}
    metadata = {**props["metadata"], "labels": {"team": "search"}}
    return {**props, "metadata": metadata, "spec": {**props["spec"], "template": {"spec": spec}}}


def trail(step: str) -> Change:
    """A change that adds its name to an annotation."""

    def changed(props: dict[str, Any]) -> dict[str, Any]:
        before = (props["metadata"].get("annotations") or {}).get("trail", "")
        return {**props, "metadata": {**props["metadata"], "annotations": {"trail": before + step}}}

    return changed


def deployment(name: str = "n/a", **options: Any) -> KubernetesObject:
    """A Deployment with options."""
    return KubernetesObject(name, DEPLOYMENT, pulumi.ResourceOptions(**options))


def recorded(program: Callable[[], object]) -> Recording:
    """A recording of a program."""
    return record_program(lambda: (program(), None)[1], "project", "stack", {})


def named(recording: Recording, name: str = "n/a") -> Registration:
    """The registration of that name."""
    return next(item for item in recording.registrations if item.name == name)


def by_resource_transform() -> None:
    """The current API for all resources of a stack."""
    pulumi.runtime.register_resource_transform(transform(governed))
    deployment()


def by_option_of_the_parent() -> None:
    """The current API for a component and its children."""
    options = pulumi.ResourceOptions(transforms=[transform(governed)])
    deployment(parent=pulumi.ComponentResource("a:b:C", "c", {}, options))


def by_stack_transformation() -> None:
    """The older API for all resources of a stack."""
    pulumi.runtime.register_stack_transformation(transform(governed))
    deployment()


def by_transformations_of_the_parent() -> None:
    """The older API for a component and its children."""
    options = pulumi.ResourceOptions(transformations=[transform(governed)])
    deployment(parent=pulumi.ComponentResource("a:b:C", "c", {}, options))


def by_own_option() -> None:
    """The current API for one resource."""
    deployment(transforms=[transform(governed)])


@pytest.mark.parametrize(
    "program",
    [
        by_resource_transform,
        by_option_of_the_parent,
        by_stack_transformation,
        by_transformations_of_the_parent,
        by_own_option,
    ],
    ids=lambda program: program.__name__,
)
def test_a_transform_changes_the_recorded_object(program: Callable[[], None]) -> None:
    """Requirement CHK-1: render, check and local see what transforms make of an object, as `pulumi up` does."""
    (found,) = recorded(program).objects
    assert found == governed(DEPLOYMENT)
    assert isinstance(found["spec"]["replicas"], int)


def test_transforms_run_from_the_resource_to_the_stack() -> None:
    """Pulumi, "Transforms": those of the resource, then of its parents, then of the stack, each in its order."""

    def program() -> None:
        for step in "56":
            pulumi.runtime.register_resource_transform(transform(trail(step)))
        outer = pulumi.ComponentResource("a:b:C", "c", {}, pulumi.ResourceOptions(transforms=[transform(trail("4"))]))
        inner = pulumi.ResourceOptions(parent=outer, transforms=[transform(trail("3"))])
        own = [transform(trail(step)) for step in "12"]
        deployment(parent=pulumi.ComponentResource("a:b:D", "d", {}, inner), transforms=own)

    assert named(recorded(program)).inputs["metadata"]["annotations"] == {"trail": "123456"}


def test_a_transform_of_the_stack_applies_to_later_resources_only() -> None:
    """Pulumi, "Transforms": `register_resource_transform` adds a transform to all future resources."""

    def program() -> None:
        deployment("n/before")
        pulumi.runtime.register_resource_transform(transform(governed))
        deployment("n/after")

    found = recorded(program)
    assert "labels" not in named(found, "n/before").inputs["metadata"]
    assert named(found, "n/after").inputs["metadata"]["labels"] == {"team": "search"}


def test_a_transform_changes_options() -> None:
    """Requirement CHK-1: protection, ignored fields and dependencies of a transform are recorded."""

    def program() -> None:
        first = deployment("n/first")
        options = {"protect": True, "ignore_changes": ["spec.replicas"], "depends_on": [first]}
        deployment(transforms=[transform(dict, **options)], ignore_changes=["metadata"])

    found = recorded(program)
    changed = named(found)
    assert (changed.protect, changed.ignore_changes) == (True, ("spec.replicas",))
    assert changed.depends_on == (named(found, "n/first").urn,)
    assert named(found, "n/first").protect is False


def test_a_transform_without_a_result_changes_nothing() -> None:
    """Pulumi, "Transforms": a transform that returns nothing leaves the resource as it is."""

    def program() -> None:
        pulumi.runtime.register_resource_transform(lambda _args: None)
        deployment(protect=True, ignore_changes=["spec.replicas"])

    found = named(recorded(program))
    assert found.inputs == DEPLOYMENT
    assert (found.protect, found.ignore_changes) == (True, ("spec.replicas",))


def test_an_asynchronous_transform_is_awaited() -> None:
    """Pulumi SDK for Python, `ResourceTransform`: a function or a coroutine function."""

    async def later(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult:
        return pulumi.ResourceTransformResult(governed(dict(args.props)), args.opts)

    def program() -> None:
        pulumi.runtime.register_resource_transform(later)
        deployment()

    assert named(recorded(program)).inputs["metadata"]["labels"] == {"team": "search"}


def test_a_secret_stays_secret_through_transforms() -> None:
    """Requirement CFG-11: a transform gets a secret as an output, and the recording has a placeholder."""
    seen: list[Any] = []

    def watch(props: dict[str, Any]) -> dict[str, Any]:
        seen.append(props["stringData"]["key"])
        return governed(props)

    def program() -> None:
        item = {**DEPLOYMENT, "stringData": {"key": pulumi.Output.secret("s3cret"), "open": "1"}}
        pulumi.runtime.register_resource_transform(transform(watch))
        KubernetesObject("n/a", item, pulumi.ResourceOptions())

    found = named(recorded(program)).inputs
    assert found["stringData"] == {"key": SECRET_PLACEHOLDER, "open": "1"}
    assert isinstance(seen[0], pulumi.Output)


def test_an_output_of_another_resource_is_waited_for() -> None:
    """Pulumi, "Inputs and outputs": a result may have outputs, also of a resource that is registered later."""

    def program() -> None:
        late: list[KubernetesObject] = []

        def with_late_name(props: dict[str, Any]) -> dict[str, Any]:
            labels = {"late": late[0].metadata["name"]}
            return {**props, "metadata": {**props["metadata"], "labels": labels}}

        for name in ("n/a", "n/b", "n/c"):
            deployment(name, transforms=[transform(with_late_name)])
        late.append(deployment("n/late"))

    found = recorded(program)
    assert [named(found, name).inputs["metadata"].get("labels") for name in ("n/a", "n/b", "n/c")] == [
        {"late": "a"}
    ] * 3
    assert found.registrations[0].name == "n/late"


def test_outputs_of_a_resource_are_those_after_its_transforms() -> None:
    """ADR 1: a program that reads an output of an object sees what is registered."""
    seen: list[object] = []

    def program() -> None:
        deployment(transforms=[transform(governed)]).metadata.apply(seen.append)

    recorded(program)
    assert seen == [{"name": "a", "namespace": "n", "labels": {"team": "search"}}]


def test_an_error_of_a_transform_names_the_resource_and_the_place() -> None:
    """Requirement CHK-2: a transform that fails is one line with its resource, its error and where it was raised."""

    def failing(_props: dict[str, Any]) -> dict[str, Any]:
        raise KeyError("no such label")

    def program() -> None:
        pulumi.runtime.register_resource_transform(transform(failing))
        deployment()

    with pytest.raises(ConfigurationError) as raised:
        recorded(program)
    (issue,) = raised.value.issues
    assert issue.line.startswith(
        "MM0149: kubernetes:apps/v1:Deployment: n/a: a transform raised 'no such label' (test_"
    )
    assert recorded(deployment).objects == [DEPLOYMENT]


def test_a_transform_that_waits_for_its_own_resource_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement CHK-2: the engine would wait for ever; a recording ends with one line."""
    monkeypatch.setattr(transforms, "CALL_SECONDS", 1)

    def program() -> None:
        made: list[KubernetesObject] = []
        change = transform(lambda props: {**props, "own": made[0].urn})
        made.append(deployment(transforms=[change]))

    with pytest.raises(ConfigurationError, match="a transform did not end within 1 s; use no output"):
        recorded(program)
