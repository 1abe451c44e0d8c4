"""Runs a program's transforms as Pulumi's engine does, through the callback server that the SDK starts for them.

Order: those of the resource, of its parents from the nearest to the farthest, then those of the stack. Source: Pulumi,
`pkg/resource/deploy/source_eval.go`, `RegisterResource`; Pulumi, "Transforms".
"""

import re
from collections.abc import Callable
from typing import Any, Final

import grpc
from google.protobuf import message, struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc, resource_pb2

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.error_codes.stack import TRANSFORM_FAILED, TRANSFORM_WAITS
from meshed_mcp.infra.recording.signatures import OUTPUT_SIGNATURE, SECRET_SIGNATURE, SIGNATURE_KEY

CALL_SECONDS: Final = 30
"""Longest call of one transform. The engine has no limit; here a transform that waits for itself must end."""

PATIENCE_SECONDS: Final = 0.25
"""Time in which a transform keeps its place in the order of requests. One that takes longer may wait for an output of
a later resource, so the next requests go on."""

MESSAGE_BYTES: Final = 400 * 1024 * 1024
"""Largest message of a callback. Source: Pulumi SDK for Python, the limit of its callback server."""

MAXIMUM_REASON: Final = 300
"""Characters of an error of a transform in the message."""

OPTION_FIELDS: Final = {
    "depends_on": "dependencies",
    "ignore_changes": "ignoreChanges",
    "replace_on_changes": "replaceOnChanges",
    "version": "version",
    "provider": "provider",
    "plugin_download_url": "pluginDownloadURL",
    "deleted_with": "deletedWith",
    "additional_secret_outputs": "additionalSecretOutputs",
    "providers": "providers",
    "aliases": "aliases",
    "import": "importId",
    "custom_timeouts": "customTimeouts",
}
"""Option of a transform -> field of the registration; `protect`, `retain_on_delete` and `delete_before_replace` have
three states. Source: Pulumi, `resource.proto`, `TransformResourceOptions`."""

OPTIONAL_FIELDS: Final = {"protect": "protect", "retain_on_delete": "retainOnDelete"}
"""Options that may be unset."""


class Transforms:
    """The transforms that a program has registered so far."""

    def __init__(self, let_others_go_on: Callable[[], None]) -> None:
        self.let_others_go_on = let_others_go_on
        self.of_stack: list[Any] = []
        self.of_resource: dict[str, list[Any]] = {}
        self.parents: dict[str, str] = {}
        self.channels: dict[str, Any] = {}

    def add_resource(self, urn: str, request: Any) -> None:
        """Keep the parent and the transforms of a resource for its children."""
        self.parents[urn] = request.parent
        if request.transforms:
            self.of_resource[urn] = list(request.transforms)

    def for_request(self, request: Any) -> list[Any]:
        """The callbacks that apply to a registration, in order."""
        found, current = list(request.transforms), request.parent
        while current and self.of_resource:
            found += self.of_resource.get(current, [])
            current = self.parents.get(current, "")
        return found + self.of_stack

    def applied(self, request: Any) -> Any:
        """The registration after its transforms; the same one if none applies.

        Raises ConfigurationError for a transform that fails or does not end.
        """
        callbacks = self.for_request(request)
        if not callbacks:
            return request
        given = transform_request(request)
        for callback in callbacks:
            response = self.response(callback, given)
            if response.HasField("options"):
                given.options.CopyFrom(response.options)
            if response.HasField("properties"):
                given.properties.CopyFrom(response.properties)
        return with_result(request, given)

    def response(self, callback: Any, given: Any) -> Any:
        """What one transform makes of a resource."""
        invocation = callback_pb2.CallbackInvokeRequest(token=callback.token, request=given.SerializeToString())
        called = self.stub(callback.target).Invoke.future(invocation, timeout=CALL_SECONDS)
        try:
            return resource_pb2.TransformResponse.FromString(self.result(called).response)
        except grpc.RpcError as error:
            late = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            failed = TRANSFORM_FAILED.message(reason=reason(error.details()))
            line = TRANSFORM_WAITS.message(seconds=CALL_SECONDS) if late else failed
            raise ConfigurationError.single(given.type, line, given.name) from error

    def result(self, called: Any) -> Any:
        """The response of a call; other requests go on when it takes longer."""
        try:
            return called.result(timeout=PATIENCE_SECONDS)
        except grpc.FutureTimeoutError:
            self.let_others_go_on()
            return called.result()

    def stub(self, target: str) -> Any:
        """A client of the callback server at `target`."""
        if target not in self.channels:
            options = [("grpc.max_receive_message_length", MESSAGE_BYTES)]
            self.channels[target] = grpc.insecure_channel(target, options=options)
        return callback_pb2_grpc.CallbacksStub(self.channels[target])

    def close(self) -> None:
        """Close the connections to callback servers."""
        while self.channels:
            self.channels.popitem()[1].close()


def reason(details: str) -> str:
    """One line of what the callback server says: the error of the transform, and where it was raised.

    Source: Pulumi SDK for Python, `Invoke callback <token> error: <error>:`, then lines of the stack.
    """
    text = re.sub(r"^Invoke callback \S+ error: ", "", details)
    places = re.findall(r'File ".*?([^/\\"]+)", line (\d+)', text)
    said = text.partition(':\n  File "')[0]
    line = " ".join(said.split())[:MAXIMUM_REASON]
    return f"{line} ({places[-1][0]}, line {places[-1][1]})" if places else line


def transform_request(request: Any) -> Any:
    """The first transform's input: properties whose dependencies and secrets are outputs, and the options."""
    options = resource_pb2.TransformResourceOptions()
    for option, field in OPTION_FIELDS.items():
        copy_field(request, field, options, option)
    for option, field in OPTIONAL_FIELDS.items():
        if request.HasField(field):
            setattr(options, option, getattr(request, field))
    if request.deleteBeforeReplaceDefined:
        options.delete_before_replace = request.deleteBeforeReplace
    properties = outputs_of_secrets(MessageToDict(request.object))
    if request.transforms:
        dependencies = {name: sorted(item.urns) for name, item in request.propertyDependencies.items()}
        properties = {name: dependent(value, dependencies.get(name, [])) for name, value in properties.items()}
    return resource_pb2.TransformRequest(
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=request.parent,
        properties=struct(properties),
        options=options,
    )


def with_result(request: Any, given: Any) -> Any:
    """The registration with properties and options of its transforms.

    As in the engine, only transforms of the resource itself change its dependencies.
    """
    changed: Any = resource_pb2.RegisterResourceRequest()
    changed.CopyFrom(request)
    changed.object.CopyFrom(given.properties)
    for option, field in OPTION_FIELDS.items():
        if option != "depends_on" or request.transforms:
            changed.ClearField(field)
            copy_field(given.options, option, changed, field)
    for option, field in OPTIONAL_FIELDS.items():
        changed.ClearField(field)
        if given.options.HasField(option):
            setattr(changed, field, getattr(given.options, option))
    return changed


def copy_field(source: Any, name: str, target: Any, target_name: str) -> None:
    """Copy a field of a message to one of another message with the same type, if it is set."""
    value = getattr(source, name)
    if isinstance(value, str):
        setattr(target, target_name, value)
    elif not isinstance(value, message.Message):  # a list or a map
        getattr(target, target_name).MergeFrom(value)
    elif source.HasField(name):
        getattr(target, target_name).CopyFrom(value)


def outputs_of_secrets(value: Any) -> Any:
    """`value` whose secrets are outputs, as transforms get them."""
    if isinstance(value, dict):
        parts = {key: outputs_of_secrets(item) for key, item in value.items()}
        secret = value.get(SIGNATURE_KEY) == SECRET_SIGNATURE
        return {**parts, SIGNATURE_KEY: OUTPUT_SIGNATURE, "secret": True} if secret else parts
    return [outputs_of_secrets(item) for item in value] if isinstance(value, list) else value


def dependent(value: Any, urns: list[str]) -> Any:
    """A property as an output with its dependencies; as it is without any."""
    if not urns:
        return value
    if isinstance(value, dict) and value.get(SIGNATURE_KEY) == OUTPUT_SIGNATURE:
        return {**value, "dependencies": urns}
    return {SIGNATURE_KEY: OUTPUT_SIGNATURE, "value": value, "dependencies": urns}


def struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    """A message of properties."""
    made = struct_pb2.Struct()
    made.update(properties)
    return made
