"""Every value of a component's arguments reaches Pulumi, or is rejected with one line."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, date, datetime
from enum import Enum, IntEnum, StrEnum
from functools import partial
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pulumi
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from meshed_mcp.components import AutoscalingPolicy, MeshedMCPService, ObservabilityStack, ServiceMesh
from meshed_mcp.components.core.args import Deferred, Model
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.core.properties import LARGEST_WHOLE, properties
from meshed_mcp.components.core.schema import arguments_model
from meshed_mcp.infra.config import StackConfig
from meshed_mcp.infra.recording import record_program
from meshed_mcp.infra.recording.project import SECRET_PLACEHOLDER


class Level(IntEnum):
    """An enum of numbers."""

    HIGH = 10


class Mode(StrEnum):
    """An enum of texts."""

    STRICT = "STRICT"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ({10: ["spot"], "a": 1}, {"10": ["spot"], "a": 1}),
        ({True: 1, None: 2, Mode.STRICT: 3, Level.HIGH: 4}, {"true": 1, "null": 2, "STRICT": 3, "10": 4}),
        ([Mode.STRICT, Level.HIGH, (1, 2), {"b", "a"}], ["STRICT", 10, [1, 2], ["a", "b"]]),
        ({"at": datetime(2026, 11, 30, tzinfo=UTC), "day": date(2026, 11, 30)}, None),
    ],
)
def test_a_value_is_sent_as_json_spells_it(value: Any, sent: Any) -> None:
    """protobuf, `Struct`: keys are text, values are null, booleans, doubles, text, lists and maps."""
    expected = sent or {"at": "2026-11-30T00:00:00+00:00", "day": "2026-11-30"}
    assert properties(value) == expected
    program = partial(pulumi.ComponentResource, "a:b:C", "c", {"value": properties(value)})
    (found,) = record_program(lambda: (program(), None)[1], "project", "test", {}).registrations
    assert found.inputs == {"value": expected}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), LARGEST_WHOLE + 1, 10**400])
def test_a_number_that_no_message_carries_is_refused_by_its_path(number: float) -> None:
    """protobuf, `Value.number_value`: a double, which "must not be NaN or infinite" in JSON."""
    with pytest.raises(ValueError, match=r"^values\.istiod\[1\]: \S+ is not a number that Pulumi can carry; use text"):
        properties({"values": {"istiod": [1, number]}})


def test_outputs_pass_unchanged() -> None:
    """Pulumi resolves outputs itself, and keeps their secrets and dependencies."""

    def program() -> None:
        pulumi.ComponentResource("a:b:C", "c", properties({"password": pulumi.Output.secret("s3cret")}))

    assert record_program(program, "project", "test", {}).registrations[0].inputs == {"password": SECRET_PLACEHOLDER}


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4)
)
ANYTHING = st.recursive(
    LEAVES | st.dates() | st.sampled_from(Mode),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.booleans(), inner, max_size=2)
    ),
    max_leaves=6,
)
"""What a field of type Any may hold, such as values of a chart."""

NAMES = st.sampled_from(["a", "mcp-search", "data/postgres", "example.com", "https://example.com", "100m", "1Gi", "5m"])
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: NAMES | st.text(max_size=4),
    int: st.integers(0, 100) | st.integers(),
    float: st.floats() | st.floats(0, 100),
    bool: st.booleans(),
    NoneType: st.none(),
    Any: ANYTHING,
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type, right ones among them."""
    if kind in PLAIN:
        return PLAIN[kind]
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return values_of(parts[0])
    if origin is Literal:
        return st.sampled_from(parts)
    if origin in {Union, UnionType}:
        return st.one_of([values_of(part) for part in parts if part is not Deferred])
    if origin is list:
        return st.lists(values_of(parts[0]), max_size=2)
    if origin in {dict, Mapping}:
        return st.dictionaries(values_of(parts[0]), values_of(parts[1]), max_size=2)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    assert issubclass(kind, BaseModel), kind
    return st.deferred(lambda: fields_of(kind))


def fields_of(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """Values of the fields that a model needs, and of up to three others."""
    needed = [name for name, field in model.model_fields.items() if field.is_required()]
    others = st.lists(st.sampled_from(sorted(model.model_fields)), max_size=3)
    return others.flatmap(
        lambda chosen: st.fixed_dictionaries(
            {name: values_of(model.model_fields[name].annotation) for name in dict.fromkeys([*needed, *chosen])}
        )
    )


def repaired(model: type[Model], given_values: dict[str, Any], base: dict[str, Any]) -> Model:
    """A model of `given_values` without the invalid ones."""
    for _ in range(20):
        try:
            return model.model_validate({**base, **given_values})
        except ValidationError as error:
            for item in error.errors(include_url=False):
                remove(given_values, item["loc"])
    assume(False)
    raise AssertionError


def remove(values: Any, location: tuple[str | int, ...]) -> None:
    """Remove the key of the innermost mapping at a location, or any key if a rule between fields is violated."""
    path = [(values, next(iter(values), None))]
    for step in location:
        inside = path[-1][0]
        if isinstance(inside, dict) and step in inside:
            path[-1:] = [(inside, step)]
            path.append((inside[step], None))
    holders = [(inside, key) for inside, key in path if isinstance(inside, dict) and key in inside]
    if holders:
        inside, key = holders[-1]
        del inside[key]


COMPONENTS: list[tuple[type, dict[str, Any]]] = [
    (AutoscalingPolicy, {"targets": {}, "prometheus_url": "http://prometheus:9090"}),
    (MeshedMCPService, {"image": "registry.example.com/mcp-search:1.0"}),
    (ObservabilityStack, {"cert_manager": {"install": "component"}}),
    (ServiceMesh, {"domain": "mcp.example.com"}),
]


@pytest.mark.parametrize(("kind", "base"), COMPONENTS, ids=lambda value: getattr(value, "__name__", ""))
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_every_argument_of_a_component_reaches_a_registration(kind: type, base: dict[str, Any], data: Any) -> None:
    """Pulumi, resource monitor protocol: what a program registers is a message, whatever the arguments are."""
    model: Any = arguments_model(kind)
    args = repaired(model, deepcopy(data.draw(fields_of(model))), base)
    register_or_refuse(lambda: kind("mcp-search", args))


def register_or_refuse(program: Any) -> None:
    """Record a program; the only error allowed is the one line on a number that cannot be carried."""
    try:
        record_program(lambda: (program(), None)[1], "project", "test", {})
    except ConfigurationError:
        return
    except ValueError as error:
        if "is not a number that a property can be" not in str(error):
            raise


def leaves(kind: Any, seen: set[Any]) -> Iterator[Any]:
    """Types of the values and keys in a type, models followed."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if kind not in seen:
            seen.add(kind)
            for field in kind.model_fields.values():
                yield from leaves(field.annotation, seen)
    elif get_origin(kind) in {None, Literal}:
        yield kind
    else:
        for part in get_args(kind) if get_origin(kind) is not Annotated else get_args(kind)[:1]:
            yield from leaves(part, seen)


def test_fields_have_no_type_that_only_some_messages_carry() -> None:
    """Requirement PRJ-1: a field of a new type is tested with a value of that type."""
    models: list[Any] = [StackConfig, *(arguments_model(kind) for kind, _ in COMPONENTS)]
    found = {kind for model in models for kind in leaves(model, set())}
    plain = {kind for kind in found if get_origin(kind) is not Literal and kind is not Deferred}
    assert {kind for kind in plain if not (isinstance(kind, type) and issubclass(kind, StrEnum))} <= {*PLAIN, datetime}
