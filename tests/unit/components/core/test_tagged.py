"""Choices between models by a tag: where an error is, what it suggests, and what other languages are told."""

import json
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.core.schema import Schema
from meshed_mcp.components.core.tagged import tagged_models, untagged


class Walk(Model):
    """On foot."""

    by: Literal["walk"]
    """`walk`."""

    pace: int = Field(default=5, ge=1)
    """Kilometres per hour."""


class Ride(Model):
    """On a horse."""

    by: Literal["ride"]
    """`ride`."""

    horse: str
    """Its name."""


class Trip(Model):
    """A way to travel, and others for the way back."""

    there: Annotated[Walk | Ride, Field(discriminator="by")]
    """Out."""

    back: list[Annotated[Walk | Ride, Field(discriminator="by")]] = Field(default_factory=list)
    """Home."""


def lines(**values: object) -> list[str]:
    """Faults of a trip."""
    return [str(fault) for fault in model_issues(Trip, values, "trip")]


def test_models_of_a_choice_are_known_by_their_tags() -> None:
    """pydantic, "Discriminated unions": every member has one literal field."""
    models: dict[str, type[BaseModel]] = {"walk": Walk, "ride": Ride}
    assert tagged_models(Walk | Ride) == models
    assert tagged_models(Walk) == tagged_models(Walk | None) == tagged_models(str | None) == {}


def test_a_faults_place_is_what_the_reader_wrote() -> None:
    """Product rule: the tag that pydantic puts into a place stands nowhere in the stack file."""
    assert untagged(Trip, ("there", "walk", "pace")) == ("there", "pace")
    assert untagged(Trip, ("back", 1, "ride", "horse")) == ("back", 1, "horse")
    assert untagged(Trip, ("there",)) == ("there",)


def test_all_faults_of_a_choice_come_in_one_go() -> None:
    """Product rule: a misspelt field does not hide a missing one, and suggestions are of the chosen model."""
    assert lines(there={"by": "ride", "hors": "Rih"}) == [
        "trip: there.horse: is missing; set horse: with a value",
        "trip: there.hors: unknown field; did you mean horse?",
    ]
    assert lines(there={"by": "walk", "pace": 0, "horse": "Rih"}) == [
        "trip: there.pace: 0 is below 1; set 1 or more",
        "trip: there.horse: unknown field; known here: by, pace",
    ]


def test_a_tag_that_is_none_names_the_choices() -> None:
    """Product rule: the field that chooses is named, with what it may be."""
    assert lines(there={"by": "wal"}) == ["trip: there.by: 'wal' is not a choice; did you mean walk?"]
    assert lines(there={"pace": 3}) == ["trip: there.by: is missing; set by: with a value"]


def test_other_languages_are_told_of_the_choice() -> None:
    """Pulumi, "Package schema": `oneOf` with a discriminator; a tag is a constant."""
    schema = Schema()
    assert schema.object_spec(Trip)["properties"]["there"]["discriminator"] == {
        "propertyName": "by",
        "mapping": {"walk": "#/types/meshed-mcp:index:Walk", "ride": "#/types/meshed-mcp:index:Ride"},
    }
    assert schema.types["meshed-mcp:index:Walk"]["properties"]["by"]["const"] == "walk"
    assert json.dumps(schema.types)
