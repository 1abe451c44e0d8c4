"""Runs a Pulumi program in process against a recording monitor: every registration, no engine, no cluster, no network.

The program is run as the language host runs it (`infra/__main__.py`, unmodified). Contents of Helm charts and of remote
components are not known here; secret values are replaced. What a recording cannot show, `pulumi preview` shows.
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
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context
from pathlib import Path
from typing import Any, Final

from google.protobuf import empty_pb2, struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import Settings, configure, mocks, run_in_stack, set_all_config
from pulumi.runtime.proto import resource_pb2

from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.error_codes.stack import REGISTERED_TWICE
from meshed_mcp.infra.recording.project import SECRET_PLACEHOLDER, read_project
from meshed_mcp.infra.recording.registration import Recording, Registration

TIMEOUT_SECONDS: Final = 600
"""Longest run of a program: an end for one that hangs. 700 resources take about 1.5 s, 13,000 about 40 s."""

SETTLING_STEPS: Final = 2_000
"""Turns of the event loop in which outputs resolve: the dev stack's take 120. Pulumi waits for the rest itself. Saves a
fifth of the time of 50 services (measured)."""

_ONE_RUN: Final = threading.Lock()
"""Held by the recording whose configuration is in the environment."""

SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark that Pulumi defines, not a secret
RESOURCE_SIGNATURE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
"""Key and values that mark secrets and resources in messages.

Source: Pulumi, developer documentation, "Property values": signatures.
"""

STACK_TYPE: Final = "pulumi:pulumi:Stack"
STACK_REFERENCE_TYPE: Final = "pulumi:pulumi:StackReference"
STACK_OUTPUTS: Final = ("remote_kubeconfig", "east_west_address")
"""Outputs that stacks of one mesh read of each other (`infra/planning/peers.py`)."""

OTHER_STACK_PLACEHOLDER: Final = "other-stack.invalid"
"""Stands for an output of another stack; a host name, as one of them is. Source: RFC 2606, section 2."""


class Recorder(mocks.MockMonitor):
    """Pulumi's mock monitor, keeping the whole request and answering with the inputs."""

    def __init__(self) -> None:
        super().__init__(_NoMocks())
        self.registrations: list[Registration] = []
        self.outputs: dict[str, dict[str, Any]] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        """Keep the registration and answer with its inputs."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        item = registration(urn, request)
        self.registrations.append(item)
        identity = request.name if request.custom else ""
        self.resources[urn] = self.ResourceRegistration(urn, identity, item.inputs)  # for references to it
        answer = struct_pb2.Struct()
        answer.CopyFrom(request.object)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identity, object=answer)

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        """Answer for another stack's outputs: every one that a program may ask for, none of them known here."""
        if request.type != STACK_REFERENCE_TYPE:
            return super().ReadResource(request)  # type: ignore[no-untyped-call]
        answer = struct_pb2.Struct()
        outputs = dict.fromkeys(STACK_OUTPUTS, OTHER_STACK_PLACEHOLDER)
        answer.update({"name": request.id, "outputs": outputs, "secretOutputNames": []})
        urn = self.make_urn(request.parent, request.type, request.name)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=answer)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        """Keep a component's outputs."""
        self.outputs[request.urn] = plain(MessageToDict(request.outputs))
        return empty_pb2.Empty()


class _NoMocks(mocks.Mocks):
    """The recorder answers registrations itself; a call of a provider's function has no answer without the provider."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise NotImplementedError(f"{args.token}: a recording cannot call provider functions")

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise NotImplementedError(f"{args.typ} {args.name}: a recording cannot read existing resources")


def refuse_doubles(registrations: list[Registration]) -> None:
    """Raise ConfigurationError for a URN registered twice, as the engine does; the mock monitor takes it."""
    counts = Counter(item.urn for item in registrations)
    doubled = {item.urn: item for item in registrations if counts[item.urn] > 1}
    if doubled:
        message = REGISTERED_TWICE.message()
        raise ConfigurationError(ConfigIssue(item.type, item.name, message) for item in doubled.values())


def registration(urn: str, request: Any) -> Registration:
    """What is kept of a registration request."""
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


def plain(value: Any) -> Any:
    """`value` without wire marks: whole floats as ints, secrets hidden, resources as URNs, keys in order."""
    if isinstance(value, dict):
        signature = value.get(SIGNATURE_KEY)
        if signature == SECRET_SIGNATURE:
            return SECRET_PLACEHOLDER
        if signature == RESOURCE_SIGNATURE:
            return value.get("urn")
        return {key: plain(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def record(folder: Path, stack: str) -> Recording:
    """What the project in `folder` registers for `stack`.

    Raises ConfigurationError for a wrong configuration, and whatever else the program raises.
    """
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
    """What `program` registers. It runs on a thread of its own: Pulumi's state is per context, so nothing leaks."""
    result: list[Recording | BaseException] = []

    def run() -> None:
        try:
            result.append(Context().run(_run, program, project, stack, config, secret_keys or []))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, raised there
            result.append(error)

    thread = threading.Thread(target=run, name=f"record {stack}", daemon=True)
    thread.start()
    thread.join(TIMEOUT_SECONDS)
    if not result:
        raise TimeoutError(f"the program of stack {stack} did not end within {TIMEOUT_SECONDS} s")
    if not isinstance(result[0], BaseException):
        return result[0]
    # The program hands a wrong configuration to Pulumi as one text; here it is wanted as the issues it came from.
    cause = result[0].__cause__
    raise cause if isinstance(cause, ConfigurationError) else result[0]


@contextmanager
def _environment(config: dict[str, str], secret_keys: list[str]) -> Iterator[None]:
    """Hand the configuration over as the language host does: in two variables of the process, one run at a time."""
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
def _uncollected() -> Iterator[None]:
    """Hold the garbage collector: all that a recording makes lives to its end, and is searched again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


async def _settled(program: Callable[[], None]) -> None:
    """Run `program`, then let its outputs resolve.

    Pulumi waits for the first of all outputs, again and again, which takes time with the square of their number.
    """
    program()
    for _ in range(SETTLING_STEPS):
        await asyncio.sleep(0)


def _raised_already(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
    """Say nothing of futures that carry the error of a program: it is raised, and they are found much later."""


def _run(
    program: Callable[[], None], project: str, stack: str, config: dict[str, str], secret_keys: list[str]
) -> Recording:
    """Run on this thread, with an event loop and Pulumi settings of its own."""
    loop, monitors_loop = asyncio.new_event_loop(), asyncio.new_event_loop()
    # One worker answers requests in the order in which they are made; Pulumi's mock monitor needs a loop there.
    loop.set_default_executor(ThreadPoolExecutor(1, initializer=asyncio.set_event_loop, initargs=(monitors_loop,)))
    asyncio.set_event_loop(loop)
    monitor = Recorder()
    engine = mocks.MockEngine(None)
    configure(Settings(project, stack, monitor, engine, dry_run=False, organization="organization"))
    try:
        with _environment(config, secret_keys), _uncollected():
            loop.run_until_complete(run_in_stack(lambda: _settled(program)))
    except BaseException:
        loop.set_exception_handler(_raised_already)
        raise
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        monitors_loop.close()
        loop.close()
    refuse_doubles(monitor.registrations)
    stack_outputs = monitor.outputs.pop(monitor.make_urn("", STACK_TYPE, f"{project}-{stack}"), {})
    return Recording(monitor.registrations, monitor.outputs, stack_outputs)
