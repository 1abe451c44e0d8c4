"""Discriminated unions: locations and suggestions of errors, and the package schema."""

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
    """Kilometers per hour."""


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
    """Issues of a trip."""
    return [str(issue) for issue in model_issues(Trip, values, "trip")]


def test_models_of_a_union_are_known_by_their_tags() -> None:
    """pydantic, "Discriminated unions": every member has one literal field."""
    models: dict[str, type[BaseModel]] = {"walk": Walk, "ride": Ride}
    assert tagged_models(Walk | Ride) == models
    assert tagged_models(Walk) == tagged_models(Walk | None) == tagged_models(str | None) == {}


def test_error_location_omits_the_tag_of_the_union() -> None:
    """Requirement CFG-2: the error names the field as in the stack file, without pydantic's tag."""
    assert untagged(Trip, ("there", "walk", "pace")) == ("there", "pace")
    assert untagged(Trip, ("back", 1, "ride", "horse")) == ("back", 1, "horse")
    assert untagged(Trip, ("there",)) == ("there",)


def test_all_errors_of_a_union_are_reported_in_one_run() -> None:
    """Requirement CFG-3: a misspelled field does not hide a missing one; suggestions come from the chosen model."""
    assert lines(there={"by": "ride", "hors": "Rih"}) == [
        "trip: there.horse: is missing; set horse: with a value",
        "trip: there.hors: unknown field; did you mean horse?",
    ]
    assert lines(there={"by": "walk", "pace": 0, "horse": "Rih"}) == [
        "trip: there.pace: 0 is below 1; set 1 or more",
        "trip: there.horse: unknown field; known here: by, pace",
    ]


def test_unknown_tag_is_rejected_with_the_choices() -> None:
    """Requirement CFG-8: the error names the field that selects the model, and its choices."""
    assert lines(there={"by": "wal"}) == ["trip: there.by: 'wal' is not a choice; did you mean walk?"]
    assert lines(there={"pace": 3}) == ["trip: there.by: is missing; set by: with a value"]


def test_schema_describes_the_union_to_other_languages() -> None:
    """Pulumi, "Package schema": `oneOf` with a discriminator; a tag is a constant."""
    schema = Schema()
    assert schema.object_spec(Trip)["properties"]["there"]["discriminator"] == {
        "propertyName": "by",
        "mapping": {"walk": "#/types/meshed-mcp:index:Walk", "ride": "#/types/meshed-mcp:index:Ride"},
    }
    assert schema.types["meshed-mcp:index:Walk"]["properties"]["by"]["const"] == "walk"
    assert json.dumps(schema.types)
