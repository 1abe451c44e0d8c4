"""Recording without the way over the wire: whatever it shows is what Pulumi's own way shows."""

import asyncio
import gc
import subprocess
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pulumi
import pulumi.resource
import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime import resource as runtime
from pulumi.runtime import rpc

from meshed_mcp.components.core.register import KubernetesObject
from meshed_mcp.infra import render
from meshed_mcp.infra.recording import Recording, direct, record, record_program, recorder
from tests.stacks import EXAMPLES, JUDGED, ROOT, STACKS, recording

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}}
RELEASE = "kubernetes:helm.sh/v3:Release"
HEAVY = ("pulumi_kubernetes", "requests", "urllib3")
"""What the typed class of Helm releases brings, half a second of imports."""


class Mode(StrEnum):
    """An enum as the arguments have them."""

    STRICT = "STRICT"


def pulumis_own_way(patch: pytest.MonkeyPatch) -> None:
    """Let Pulumi register everything, as if it were not the expected one."""
    patch.setattr(recorder, "install", lambda: None)
    patch.setattr(pulumi.resource, "register_resource", runtime.register_resource)


def both_ways(patch: pytest.MonkeyPatch, recorded: Callable[[], Recording]) -> tuple[Recording, Recording]:
    """One recording directly, and one as Pulumi does it."""
    directly = recorded()
    with patch.context() as inner:
        pulumis_own_way(inner)
        return directly, recorded()


def in_order(found: Recording) -> Recording:
    """A recording with its registrations by URN: which of two resources comes first is chance, unless one waits."""
    return found._replace(registrations=sorted(found.registrations))


def of(program: Callable[[], None]) -> Recording:
    """A recording of a program function."""
    return record_program(program, "project", "stack", {})


@pytest.mark.parametrize("stack", JUDGED)
def test_every_stack_is_recorded_and_rendered_as_by_pulumi(stack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADR 1: a recording is what the unmodified program registers; no way of recording may show in it."""
    directly = recording(stack)
    pulumis_own_way(monkeypatch)
    own = record(ROOT if stack in STACKS else EXAMPLES, stack)
    assert in_order(directly) == in_order(own)
    assert render.files(directly) == render.files(own)


@pytest.mark.parametrize("stack", JUDGED)
def test_what_waits_for_another_is_recorded_after_it(stack: str) -> None:
    """Pulumi, "dependsOn": the engine hears of a resource when all it depends on is made."""
    waiting = [item.urn for item in recording(stack).registrations]
    for item in recording(stack).registrations:
        waiting.remove(item.urn)
        assert not {*waiting, item.urn}.intersection(item.depends_on), item.urn


def test_plain_objects_and_components_send_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """Product rule (design, figures): 50 services are rendered in two seconds, of which messages would take two."""
    sent = set[str]()
    answer = recorder.Recorder.RegisterResource

    def counted(self: recorder.Recorder, request: Any) -> Any:
        sent.add(request.type)
        return answer(self, request)

    monkeypatch.setattr(recorder.Recorder, "RegisterResource", counted)
    found = record(ROOT / "examples" / "quickstart", "dev")
    assert len(found.objects) > 40
    assert not {item.type for item in found.registrations if not item.remote and item.type != RELEASE} & sent


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(Mode),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1, max_size=4).filter(lambda key: key not in {"urn", "id"}), JSON, max_size=4))
def test_plain_data_is_what_comes_out_of_a_message(props: dict[str, Any]) -> None:
    """Pulumi's own writing, protobuf's `Struct` and its JSON mapping."""
    message = asyncio.run(rpc.serialize_properties(props, {}))
    expected = recorder.plain(MessageToDict(message))
    found = {key: value for key, value in direct.as_sent(props).items() if value is not None}
    assert repr(found) == repr(expected)


@given(JSON)
def test_an_output_is_what_pulumi_reads_out_of_an_answer(value: Any) -> None:
    """Pulumi's own reading: numbers come as floats, so a program that takes one for an int fails here as well."""
    message = asyncio.run(rpc.serialize_properties({"value": value}, {}))
    expected = rpc.deserialize_properties(message).get("value")
    assert direct.as_received(direct.plain(value)) == expected
    assert type(direct.as_received(direct.plain(value))) is type(expected)


@pytest.mark.parametrize(
    "value",
    [
        rpc.UNKNOWN,
        {rpc._special_sig_key: rpc._special_secret_sig, "value": "x"},
        {1: "a"},
        2**53 + 1,
        float("inf"),
        b"bytes",
        {"a", "b"},
        object(),
        pulumi.StringAsset("text"),
    ],
    ids=lambda value: type(value).__name__,  # the same in every process
)
def test_what_only_pulumi_can_write_is_left_to_it(value: Any) -> None:
    """Pulumi's wire format: marks, assets, numbers that change, and values that it refuses."""
    with pytest.raises(direct.NotPlainError):
        direct.as_sent({"deep": [{"value": value}]})


def retained(name: str, **options: Any) -> None:
    """An object with options."""
    KubernetesObject(name, CONFIG_MAP, pulumi.ResourceOptions(**options))


def secret_data() -> None:
    """An object with a secret among plain values."""
    KubernetesObject("n/a", {**CONFIG_MAP, "data": {"a": pulumi.Output.secret("s"), "b": 1}}, pulumi.ResourceOptions())


def after_an_output() -> None:
    """An object that waits for another through an output."""
    first = KubernetesObject("n/a", CONFIG_MAP, pulumi.ResourceOptions())
    retained("n/b", depends_on=[first.metadata.apply(lambda _: first)])


def of_another_provider() -> None:
    """An object in another cluster, and a component that hands its provider on."""
    provider = pulumi.ProviderResource("kubernetes", "other", {})
    retained("n/a", provider=provider)
    component = pulumi.ComponentResource("a:b:C", "c", {}, pulumi.ResourceOptions(providers=[provider]))
    retained("n/b", parent=component)


def protected_family() -> None:
    """Options that children take over from their parent."""
    component = pulumi.ComponentResource("a:b:C", "c", {"count": 2}, pulumi.ResourceOptions(protect=True))
    inner = pulumi.ComponentResource("a:b:D", "d", {}, pulumi.ResourceOptions(parent=component))
    retained("n/a", parent=inner, ignore_changes=["data"], version="1.2.3")
    retained("n/b", depends_on=component)


@pytest.mark.parametrize(
    "program",
    [
        secret_data,
        after_an_output,
        of_another_provider,
        protected_family,
        lambda: retained("n/a", retain_on_delete=True),
        lambda: retained("n/a", aliases=[pulumi.Alias(name="old")]),
        lambda: retained("n/a", delete_before_replace=True, replace_on_changes=["data"]),
    ],
)
def test_resources_with_any_option_are_recorded_alike(
    program: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADR 1: as for whole stacks, with what their components do not use."""
    directly, own = both_ways(monkeypatch, lambda: of(program))
    assert directly.registrations
    assert in_order(directly) == in_order(own)


def test_a_program_reads_the_same_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """ADR 1: an output of an object is what was written, known, and depends on the object."""

    def program() -> None:
        made = KubernetesObject("n/a", {**CONFIG_MAP, "kind": "Secret", "size": {"n": 3}}, pulumi.ResourceOptions())
        component = pulumi.ComponentResource("a:b:C", "c", {"port": 80, "nothing": None})
        pulumi.export("all", [made.urn, made.id, made.metadata, made.data, vars(made)["size"]])
        pulumi.export("component", [component.urn, vars(component)["port"], vars(component)["nothing"]])
        KubernetesObject("n/b", {**CONFIG_MAP, "from": vars(made)["size"]}, pulumi.ResourceOptions())

    directly, own = both_ways(monkeypatch, lambda: of(program))
    assert in_order(directly) == in_order(own)
    assert directly.stack_outputs["all"][0].endswith("kubernetes:core/v1:Secret::n/a")
    assert directly.registrations[-1].depends_on == (directly.stack_outputs["all"][0],)


def failure(program: Callable[[], None]) -> str:
    """The text of the error with which a recording ends."""
    try:
        of(program)
    except RuntimeError as error:
        return str(error)
    return ""


def test_a_circle_of_dependencies_is_an_error_and_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Pulumi: what waits for its own parent would wait for ever, and is refused. asyncio logs what nobody awaited."""

    def program() -> None:
        component = pulumi.ComponentResource("a:b:C", "c", {})
        retained("n/a", parent=component, depends_on=[component])

    texts = [failure(program)]
    pulumis_own_way(monkeypatch)
    texts.append(failure(program))
    assert texts[0] == texts[1]
    assert "circular dependency" in texts[0]
    of(lambda: None)
    gc.collect()
    assert caplog.messages == []


def test_another_pulumi_registers_everything_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Product rule: nothing of Pulumi is replaced that may have changed; the recording is only slower."""

    def changed(res: pulumi.Resource, ty: str, name: str, more: str) -> None:
        """A `register_resource` of another version."""

    monkeypatch.setattr(runtime, "register_resource", changed)
    monkeypatch.setattr(pulumi.resource, "register_resource", changed)
    direct.install()
    assert vars(pulumi.resource)["register_resource"] is changed


def test_outside_a_recording_pulumi_registers_everything_itself() -> None:
    """Product rule: the same process may run programs for an engine, whose state needs all that Pulumi sends."""
    seen = []
    direct.register_or(lambda *call: seen.append(call))(*direct.CALL)
    assert seen == [direct.CALL]


@pytest.mark.parametrize("fails", [False, True])
def test_the_garbage_collector_is_as_before(fails: bool) -> None:
    """Product rule: it is held for a recording and works on after it, also if the program fails."""

    def program() -> None:
        assert not gc.isenabled()
        assert not fails, "as told"

    if fails:
        with pytest.raises(AssertionError, match="as told"):
            of(program)
    else:
        of(program)
    assert gc.isenabled()


@pytest.mark.slow
def test_a_recording_imports_no_typed_classes() -> None:
    """Product rule (design, figures): 50 services are rendered in two seconds, with all that is imported."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom meshed_mcp.infra.recording import record\n"
        f"record(Path({str(ROOT)!r}), 'dev')\nprint(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
