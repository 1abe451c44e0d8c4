"""Records a resource that is plain data without the way over the wire, which takes most of a recording's time.

Pulumi notes a stack trace, writes each input to a protobuf message and reads the answer back. Kept here is all that a
recording shows: the resource in its parent, its options, its dependencies, and outputs as an answer has them. Pulumi's
own way go Helm releases and remote components, inputs that hold outputs, other options, and all if Pulumi has changed.
"""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from enum import StrEnum
from math import isfinite
from typing import Any, Final, NamedTuple

import pulumi
import pulumi.resource
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime import resource as runtime
from pulumi.runtime.stack import Stack

from meshed_mcp.components.core.register import KubernetesObject
from meshed_mcp.infra.recording.registration import Registration

Register = Callable[..., None]

CALL: Final = ("res", "ty", "name", "custom", "remote", "new_dependency", "props", "opts", "typ", "package_ref")
"""Parameters of Pulumi's `register_resource`, which is called by place."""

SEAMS: Final = (
    (runtime, "register_resource", CALL),
    (runtime, "resource_output", ("res",)),
    (rpc, "_expand_dependencies", ("deps", "from_resource")),
)
"""What is replaced or called here, with its parameters. Source: pulumi 3.272.0, `runtime/resource.py`, `rpc.py`."""

KNOWN_OPTIONS: Final = frozenset(
    {"parent", "depends_on", "protect", "providers", "version", "ignore_changes", "additional_secret_outputs"}
)
"""Options with which a resource may be recorded here: a recording shows them, or would not show them anyway."""

TRANSLATIONS: Final = ("translate_input_property", "translate_output_property")
"""Methods with which a resource may rename its properties; ours do not."""

LARGEST_WHOLE: Final = 2**53
"""Whole numbers up to here stay as they are on the wire, where they are floats. Source: IEEE 754, binary64."""


class DirectMonitor(mocks.MockMonitor):
    """A monitor that also takes registrations that were never requests."""

    def __init__(self, no_mocks: mocks.Mocks) -> None:
        super().__init__(mocks=no_mocks)
        self.registrations: list[Registration] = []


class Wish(NamedTuple):
    """A resource that is to be registered."""

    resource: pulumi.Resource
    type: str
    name: str
    inputs: dict[str, Any]
    opts: pulumi.ResourceOptions

    @property
    def custom(self) -> bool:
        """Whether a provider makes it; the others are components."""
        return isinstance(self.resource, pulumi.CustomResource)

    def outputs(self, urn: str, identity: str) -> dict[str, Any]:
        """Everything that the answer gives the resource."""
        own = {"urn": urn, "id": identity} if self.custom else {"urn": urn}
        return {**own, **self.inputs}


class NotPlainError(Exception):
    """A value that only Pulumi can write."""


def install() -> None:
    """Let plain resources be recorded directly from now on, if Pulumi is as it is expected here."""
    own = runtime.register_resource
    if pulumi.resource.register_resource is own and as_expected():  # type: ignore[attr-defined]  # imported there
        pulumi.resource.register_resource = register_or(own)  # type: ignore[attr-defined]  # as above


def as_expected() -> bool:
    """Whether Pulumi's functions have the parameters with which they are called."""
    found = [getattr(module, name, None) for module, name, _ in SEAMS]
    return all(
        function is not None and tuple(inspect.signature(function).parameters) == names
        for function, (_, _, names) in zip(found, SEAMS, strict=True)
    )


def register_or(own: Register) -> Register:
    """Pulumi's `own` function, but for what a recording can keep directly."""

    def register(*call: Any, **named: Any) -> None:
        monitor: object = settings.get_monitor()
        if not isinstance(monitor, DirectMonitor) or named or len(call) != len(CALL):
            return own(*call, **named)
        res, type_, name, _custom, remote, _new_dependency, props, opts, typ, package = call
        untyped = not remote and typ is package is None
        if not untyped or not of_a_kind(res, props) or not simple(opts):
            return own(*call)
        try:
            inputs = as_sent(props)
        except NotPlainError:
            return own(*call)
        return keep(monitor, Wish(res, type_, name, inputs, opts))

    return register


def of_a_kind(res: pulumi.Resource, props: Mapping[str, Any]) -> bool:
    """Whether a resource is an object, or a component none of whose inputs is declared as an output as well."""
    kind = type(res)
    if isinstance(res, pulumi.ComponentResource) and not isinstance(res, Stack):
        declared = {name for each in kind.mro() for name in (*vars(each), *vars(each).get("__annotations__", {}))}
        return declared.isdisjoint(props) and all(
            getattr(kind, name) is getattr(pulumi.Resource, name) for name in TRANSLATIONS
        )
    return isinstance(res, KubernetesObject)


def simple(opts: pulumi.ResourceOptions) -> bool:
    """Whether only options are set that are known here; what is made first are resources, not outputs of such."""
    unknown = [value for name, value in vars(opts).items() if value is not None and name not in KNOWN_OPTIONS]
    return all(map(without_hooks, unknown)) and all(isinstance(each, pulumi.Resource) for each in waits_for(opts))


def without_hooks(option: Any) -> bool:
    """Whether an option is a binding of hooks that binds none: what merging options leaves."""
    return isinstance(option, pulumi.ResourceHookBinding) and not any(vars(option).values())


def waits_for(opts: pulumi.ResourceOptions) -> list[Any]:
    """What an object is made after."""
    made_first: Any = opts.depends_on or []
    return made_first if isinstance(made_first, list) else [made_first]


def as_sent(props: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs as they come out of a message, keys in order. Those that are None are not sent, but are outputs."""
    if not {"urn", "id"}.isdisjoint(props):
        raise NotPlainError
    sent: dict[str, Any] = plain(dict(props))
    return sent


def plain(value: Any) -> Any:
    """A copy of `value`, whole floats as ints, keys in order. Raises NotPlainError where Pulumi would do more."""
    kind = type(value)
    if kind is str:
        if value == rpc.UNKNOWN:
            raise NotPlainError
        return value
    if kind is dict:
        if rpc._special_sig_key in value or not all(type(key) is str for key in value):  # noqa: SLF001 - as in recorder.py
            raise NotPlainError
        return {key: plain(value[key]) for key in sorted(value)}
    if kind is list or kind is tuple:
        return [plain(item) for item in value]
    if value is None or kind is bool:
        return value
    if (kind is int and abs(value) <= LARGEST_WHOLE) or (kind is float and isfinite(value)):
        return int(value) if value == int(value) else value
    if isinstance(value, StrEnum):
        return str(value.value)
    raise NotPlainError


def as_received(value: Any) -> Any:
    """Plain data as Pulumi reads it out of an answer: every number a float, without keys whose value is None."""
    if isinstance(value, dict):
        return {key: as_received(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [as_received(item) for item in value]
    return float(value) if type(value) is int else value


def keep(monitor: DirectMonitor, wish: Wish) -> None:
    """Give the resource its outputs, and keep its registration once its parent and what it waits for are known."""
    resolvers = {}
    for name in wish.outputs("", ""):
        resolvers[name], vars(wish.resource)[name] = runtime.resource_output(wish.resource)

    async def take() -> None:
        try:
            item = await registration(monitor, wish)
        except Exception as error:
            for resolve in resolvers.values():
                resolve(None, False, False, error)
            raise
        monitor.registrations.append(item)
        for name, value in wish.outputs(item.urn, item.name).items():
            resolvers[name](as_received(value), True, False, None)

    asyncio.ensure_future(settings.SETTINGS.rpc_manager.do_rpc("register resource", take)())  # noqa: RUF006


async def registration(monitor: DirectMonitor, wish: Wish) -> Registration:
    """What the recorder keeps of a request, once all that it names is known."""
    first = await rpc._expand_dependencies(set(waits_for(wish.opts)), wish.resource)  # noqa: SLF001 - as Pulumi does it
    parent = wish.opts.parent or settings.get_root_resource()
    parent_urn = (await parent.urn.future() if parent else None) or ""
    return Registration(
        urn=monitor.make_urn(parent_urn, wish.type, wish.name),
        type=wish.type,
        name=wish.name,
        parent=parent_urn,
        inputs={key: value for key, value in wish.inputs.items() if value is not None},
        depends_on=tuple(sorted(first)),
        custom=wish.custom,
        remote=False,
        protect=bool(wish.opts.protect),
        ignore_changes=tuple(wish.opts.ignore_changes or ()),
        provider="",
        version=wish.opts.version or "",
    )
