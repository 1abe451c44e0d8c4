"""Configuration errors: one line each, with what to set instead, all in one run."""

from collections.abc import Callable
from enum import StrEnum
from typing import Self

import pytest
from pydantic import Field, ValidationError, model_validator

from meshed_mcp.components.core.args import In, Model, camel
from meshed_mcp.components.core.errors import ConfigurationError, model_issues, sentences


class Color(StrEnum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Inner(Model):
    """Nested."""

    grace_seconds: int = Field(default=30, ge=5, le=60)
    color: Color = Color.RED
    share: float = 0.5
    enabled: bool = False


class Outer(Model):
    """A model with every shape that stack files have."""

    image: In[str]
    min_replicas: int = Field(default=1, ge=0)
    max_replicas: int = 3
    callers: list[str] = Field(default_factory=list)
    env: dict[str, In[str]] = Field(default_factory=dict)
    inner: Inner = Inner()
    inners: dict[str, Inner] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError("min_replicas is above max_replicas")
        return self


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ({"max_replica": 5}, "max_replica: unknown field; did you mean max_replicas?"),
        (
            {"zzz": 5},
            "zzz: unknown field; known here: callers, env, image, inner, inners, max_replicas, min_replicas",
        ),
        ({"inner": {"grace_second": 5}}, "inner.grace_second: unknown field; did you mean grace_seconds?"),
        ({"inners": {"a": {"colors": 1}}}, "inners.a.colors: unknown field; did you mean color?"),
        ({"inner": {"grace_seconds": "1m"}}, "inner.grace_seconds: '1m' is not a whole number of seconds; set 60"),
        ({"inner": {"grace_seconds": 90}}, "inner.grace_seconds: 90 is above 60; set 60 or less"),
        ({"inner": {"grace_seconds": 1}}, "inner.grace_seconds: 1 is below 5; set 5 or more"),
        ({"max_replicas": "many"}, "max_replicas: 'many' is not a whole number of replicas; use digits only"),
        ({"max_replicas": 2.5}, "max_replicas: 2.5 is not a whole number of replicas; use digits only"),
        ({"inner": {"share": "half"}}, "inner.share: 'half' is not a number; use digits only"),
        ({"inner": {"color": "blu"}}, "inner.color: 'blu' is not a choice; did you mean blue?"),
        ({"inner": {"color": 7}}, "inner.color: 7 is not a choice; known here: red, blue"),
        (
            {"inner": {"enabled": "perhaps"}},
            "inner.enabled: 'perhaps' is not true or false; set true or false without quotes",
        ),
        ({"image": 5}, 'image: 5 is not text; set "5" in quotes'),
        ({"image": ["x"]}, "image: ['x'] is not text; set text"),
        ({"env": {"A": 1}}, 'env.A: 1 is not text; set "1" in quotes'),
        ({"callers": "mcp-a"}, "callers: 'mcp-a' is not a list; set [mcp-a]"),
        ({"callers": [1]}, 'callers[0]: 1 is not text; set "1" in quotes'),
        (
            {"inner": 5},
            "inner: 5 is not a mapping; set key: value lines with the fields color, enabled, grace_seconds, share",
        ),
        ({"env": 5}, "env: 5 is not a mapping; set key: value lines"),
        ({"min_replicas": 5}, "min_replicas is above max_replicas"),
    ],
)  # fmt: skip
def test_error_names_object_field_and_what_to_set(raw: dict[str, object], line: str) -> None:
    """Requirement CFG-2: every wrong stack ends with one line per issue."""
    assert list(map(str, model_issues(Outer, {"image": "x", **raw}, "service mcp-a"))) == [f"service mcp-a: {line}"]


def test_missing_field_is_named_once() -> None:
    """Requirement CFG-3: a missing field is reported once, under the name that the stack file uses."""
    lines = [str(issue) for issue in model_issues(Outer, {}, "service mcp-a")]
    assert lines == ["service mcp-a: image: is missing; set image: with a value"]


def test_misspelled_field_does_not_hide_an_error_between_fields() -> None:
    """Requirement CFG-3: all issues in one run, although pydantic stops before a model's own validators."""
    raw = {"image": 5, "min_replicas": 7, "max_replica": 9, "inner": {"color": "grn"}}
    assert [issue.field for issue in model_issues(Outer, raw, "x")] == ["image", "inner.color", "max_replica", ""]


class Renamed(Model):
    """A model with a field that had another name."""

    pre_stop_delay_seconds: int = 5


@pytest.mark.parametrize(("spelling", "line"), [
    (str, "endpoint_seconds: was renamed; set pre_stop_delay_seconds"),
    (camel, "endpointSeconds: was renamed; set preStopDelaySeconds"),
])  # fmt: skip
def test_renamed_field_is_rejected_with_its_new_name(spelling: Callable[[str], str], line: str) -> None:
    """Requirement CFG-8: a former name is rejected with the name that replaced it, in the spelling of its user."""
    with pytest.raises(ValidationError) as raised:
        Renamed.model_validate({spelling("endpoint_seconds"): 5})
    (item,) = raised.value.errors()
    (issue,) = sentences(Renamed, item, "x", spelling)
    assert (issue.code, str(issue)) == ("MM0010", f"x: {line}")


def test_a_renamed_field_of_another_object_is_unknown() -> None:
    """Requirement CFG-12: a message never advises a field that the object does not have."""
    (issue,) = model_issues(Renamed, {"uses": []}, "x")
    assert str(issue) == "x: uses: unknown field; known here: pre_stop_delay_seconds"


def test_long_value_is_truncated_to_keep_the_error_on_one_line() -> None:
    """Requirement CFG-2: an issue is one line."""
    (issue,) = model_issues(Outer, {"image": "x", "max_replicas": "9x\n" * 100}, "x")
    assert "\n" not in str(issue)
    assert len(str(issue)) < 200


def test_validation_leaves_its_input_unchanged() -> None:
    """Requirement CMP-1: validation has no side effects; the same data is rendered next."""
    raw = {"image": "x", "nonsense": {"a": 1}}
    model_issues(Outer, raw, "x")
    assert raw == {"image": "x", "nonsense": {"a": 1}}


def test_configuration_error_lists_all_errors_one_line_each() -> None:
    """Requirement CFG-3: the exception that ends a program or a command reports every error."""
    assert model_issues(Outer, {"image": "x", "max_replicas": 4}, "x") == []
    error = ConfigurationError(model_issues(Outer, {"image": "x", "max_replicaz": 4, "minn_replicas": 4}, "x"))
    assert len(error.issues) == 2
    assert str(error).startswith("MM0003: x: max_replicaz: unknown field")
    assert str(error).count("\n") == 1
