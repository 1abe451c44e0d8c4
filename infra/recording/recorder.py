"""Runs a Pulumi program in process against a recording resource monitor, without engine, cluster or network.

The program runs unmodified, as in the language host. A recording has no contents of Helm charts and of remote
components, and placeholders for secrets.
"""

import asyncio
import gc
import json
import os
import runpy
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from pathlib import Path
from typing import Any, Final, NamedTuple

from google.protobuf import empty_pb2, struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import Settings, configure, mocks, run_in_stack, set_all_config
from pulumi.runtime.proto import resource_pb2

from meshed_mcp.components.core.charts import RELEASE_TYPE
from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.error_codes.stack import PROVIDER_UNAVAILABLE, REGISTERED_TWICE
from meshed_mcp.infra.recording.project import read_project
from meshed_mcp.infra.recording.signatures import plain
from meshed_mcp.infra.recording.transforms import Transforms
from meshed_mcp.infra.recording.turns import Turns

TIMEOUT_SECONDS: Final = 600
"""Longest run of a program; 700 resources take about 1.5 s, 13,000 about 40 s."""

SETTLING_STEPS: Final = 2_000
"""Iterations of the event loop for outputs to resolve, before Pulumi waits for the rest. The dev stack takes 120; it
saves a fifth of the time of 50 services (measured)."""

_ONE_RUN: Final = threading.Lock()
"""Held by the recording whose configuration is in the environment."""

STACK_TYPE: Final = "pulumi:pulumi:Stack"
STACK_REFERENCE_TYPE: Final = "pulumi:pulumi:StackReference"
STACK_OUTPUTS: Final = ("remote_kubeconfig", "east_west_address")
"""Outputs that stacks of one mesh read from each other (`infra/planning/peers.py`)."""

OTHER_STACK_PLACEHOLDER: Final = "other-stack.invalid"
"""Placeholder of an output of another stack, a host name. Source: RFC 2606, section 2."""


class Registration(NamedTuple):
    """One registered resource. `inputs` are plain data: whole floats are ints, secrets are placeholders."""

    urn: str
    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    depends_on: tuple[str, ...]
    custom: bool
    remote: bool
    protect: bool
    ignore_changes: tuple[str, ...]
    provider: str
    version: str

    @property
    def is_object(self) -> bool:
        """Whether it is a whole Kubernetes object: no Helm release, and no patch of an existing object."""
        kind = self.type.rpartition(":")[2]
        own = self.custom and self.type.startswith("kubernetes:") and self.type != RELEASE_TYPE
        return own and self.inputs.get("kind") == kind


class Recording(NamedTuple):
    """All registrations of a program in order, each component's outputs by URN, and the stack's outputs."""

    registrations: list[Registration]
    outputs: dict[str, dict[str, Any]]
    stack_outputs: dict[str, Any]

    @property
    def objects(self) -> list[Manifest]:
        """The Kubernetes objects, as the API server would get them."""
        return [item.inputs for item in self.registrations if item.is_object]

    @property
    def releases(self) -> list[dict[str, Any]]:
        """The Helm releases: chart, version, repository, values."""
        return [item.inputs for item in self.registrations if item.type == RELEASE_TYPE]

    @property
    def remotes(self) -> list[Registration]:
        """Components that another package's plugin constructs."""
        return [item for item in self.registrations if item.remote]


class Recorder(mocks.MockMonitor):
    """Pulumi's mock monitor that records whole requests and returns their inputs."""

    def __init__(self, transforms: Transforms) -> None:
        super().__init__(_NoMocks())
        self.transforms = transforms
        self.registrations: list[Registration] = []
        self.outputs: dict[str, dict[str, Any]] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        """Run the transforms of the resource, record the result and return it."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        self.transforms.add_resource(urn, request)
        request = self.transforms.applied(request)
        item = registration(urn, request)
        self.registrations.append(item)
        identity = request.name if request.custom else ""
        self.resources[urn] = self.ResourceRegistration(urn, identity, item.inputs)  # for references to it
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identity, object=request.object)

    def RegisterStackTransform(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        """Run this transform on all resources from now on."""
        self.transforms.of_stack.append(request)
        return empty_pb2.Empty()

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        """Return placeholders for the outputs of another stack."""
        if request.type != STACK_REFERENCE_TYPE:
            return super().ReadResource(request)  # type: ignore[no-untyped-call]
        properties = struct_pb2.Struct()
        outputs = dict.fromkeys(STACK_OUTPUTS, OTHER_STACK_PLACEHOLDER)
        properties.update({"name": request.id, "outputs": outputs, "secretOutputNames": []})
        urn = self.make_urn(request.parent, request.type, request.name)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=properties)

    def ExistsResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        """Reject the question: there is no provider, and the mock monitor would say no."""
        raise unavailable(request.type, "asks whether this resource exists", request.id)

    def Call(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        """Reject a call of a resource's method."""
        raise unavailable(request.tok, "calls this method of a resource")

    def SignalAndWaitForShutdown(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        """Leave the callback server before the SDK stops it."""
        self.transforms.close()
        return super().SignalAndWaitForShutdown(request)  # type: ignore[no-untyped-call]

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        """Record a component's outputs."""
        self.outputs[request.urn] = plain(MessageToDict(request.outputs))
        return empty_pb2.Empty()


class _NoMocks(mocks.Mocks):
    """Mocks that are never used for registrations; provider functions and existing resources are unavailable."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise unavailable(args.token, "calls this function of a provider")

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise unavailable(args.typ, "reads this existing resource", args.name)


def unavailable(what: str, use: str, name: str = "") -> ConfigurationError:
    """The error of a program that asks a provider: there is none, and a made-up value would be no recording."""
    return ConfigurationError.single(what, PROVIDER_UNAVAILABLE.message(use=use), name)


def reject_duplicates(registrations: list[Registration]) -> None:
    """Raise ConfigurationError for a URN registered twice, as the engine does and the mock monitor does not."""
    counts = Counter(item.urn for item in registrations)
    duplicates = {item.urn: item for item in registrations if counts[item.urn] > 1}
    if duplicates:
        message = REGISTERED_TWICE.message()
        raise ConfigurationError(ConfigIssue(item.type, item.name, message) for item in duplicates.values())


def registration(urn: str, request: Any) -> Registration:
    """The recorded part of a registration request."""
    return Registration(
        urn=urn,
        type=request.type,
        name=request.name,
        parent=request.parent,
        inputs=plain(MessageToDict(request.object)),
        depends_on=tuple(sorted(request.dependencies)),
        custom=request.custom,
        remote=request.remote,
        protect=request.protect,
        ignore_changes=tuple(request.ignoreChanges),
        provider=request.provider,
        version=request.version,
    )


def record(folder: Path, stack: str) -> Recording:
    """Record the project in `folder` for `stack`. Raises ConfigurationError, and any error of the program."""
    project = read_project(folder, stack)

    def program() -> None:
        sys.path.insert(0, str(project.program.parent))
        try:
            runpy.run_path(str(project.program), run_name="__main__")
        finally:
            sys.path.remove(str(project.program.parent))

    return record_program(program, project.name, stack, project.config, project.secret_keys)


def record_program(
    program: Callable[[], None], project: str, stack: str, config: dict[str, str], secret_keys: list[str] | None = None
) -> Recording:
    """Record `program`, on a separate thread with its own context, which holds Pulumi's state."""
    result: list[Recording | BaseException] = []

    def run() -> None:
        try:
            result.append(Context().run(_run, program, project, stack, config, secret_keys or []))
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            result.append(error)

    thread = threading.Thread(target=run, name=f"record {stack}", daemon=True)
    thread.start()
    thread.join(TIMEOUT_SECONDS)
    if not result:
        raise TimeoutError(f"the program of stack {stack} did not end within {TIMEOUT_SECONDS} s")
    if not isinstance(result[0], BaseException):
        return result[0]
    raise configuration_error(result[0]) or result[0]


def configuration_error(error: BaseException | None) -> ConfigurationError | None:
    """The issues behind an error: the program raises them as one text, and the SDK what follows from them."""
    seen = list[BaseException | None]()
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if isinstance(current, ConfigurationError):
            return current
        if current is not None and current not in seen:  # the SDK makes an error its own cause
            seen.append(current)
            waiting += [current.__context__, current.__cause__]
    return None


@contextmanager
def _environment(config: dict[str, str], secret_keys: list[str]) -> Iterator[None]:
    """Pass the configuration as the language host does, in environment variables, one run at a time."""
    given = {"PULUMI_CONFIG": json.dumps(config), "PULUMI_CONFIG_SECRET_KEYS": json.dumps(secret_keys)}
    with _ONE_RUN:
        before = {name: os.environ.get(name) for name in given}
        os.environ.update(given)
        try:
            set_all_config(config, secret_keys)
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                os.environ.update({} if value is None else {name: value})


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Disable the garbage collector: a recording keeps all its objects."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


async def _settled(program: Callable[[], None]) -> None:
    """Run `program`, then let its outputs resolve: Pulumi's own wait is quadratic in their number."""
    program()
    for _ in range(SETTLING_STEPS):
        await asyncio.sleep(0)


def _ignore_unretrieved(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
    """Exception handler for futures with the error of a program, which is raised already."""


def _run(
    program: Callable[[], None], project: str, stack: str, config: dict[str, str], secret_keys: list[str]
) -> Recording:
    """Run on this thread, with separate event loops and Pulumi settings."""
    loop, monitors_loop = asyncio.new_event_loop(), asyncio.new_event_loop()
    turns = Turns(lambda: asyncio.set_event_loop(monitors_loop))  # Pulumi's mock monitor needs a loop
    loop.set_default_executor(turns)
    asyncio.set_event_loop(loop)
    transforms = Transforms(turns.let_others_go_on)
    monitor = Recorder(transforms)
    engine = mocks.MockEngine(None)
    configure(Settings(project, stack, monitor, engine, dry_run=False, organization="organization"))
    try:
        with _environment(config, secret_keys), _without_garbage_collection():
            loop.run_until_complete(run_in_stack(lambda: _settled(program)))
    except BaseException:
        loop.set_exception_handler(_ignore_unretrieved)
        raise
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        transforms.close()
        monitors_loop.close()
        loop.close()
    reject_duplicates(monitor.registrations)
    stack_outputs = monitor.outputs.pop(monitor.make_urn("", STACK_TYPE, f"{project}-{stack}"), {})
    return Recording(monitor.registrations, monitor.outputs, stack_outputs)
