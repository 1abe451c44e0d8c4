"""pydantic's errors as issues: one line each, with the object, the field, what is wrong and what to set instead.

`model_issues` also finds what pydantic alone would report only on the next try: it takes the faulty fields out and
validates again, so that a misspelled field does not hide a minimum above its maximum.
"""

import difflib
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Self, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from meshed_mcp.components.core.args import written_name
from meshed_mcp.components.core.tagged import Location, tagged_models, untagged
from meshed_mcp.error_codes.code import Message, MessageError
from meshed_mcp.error_codes.values import (
    INVALID_VALUE,
    MISSING_FIELD,
    NOT_A_CHOICE,
    NOT_A_LIST,
    NOT_A_MAPPING,
    NOT_A_NUMBER,
    OUT_OF_BOUNDS,
    RENAMED_FIELD,
    UNKNOWN_FIELD,
    WRONG_TYPE,
)

MAXIMUM_SHOWN_CHARACTERS: Final = 60
"""Longest excerpt of a wrong value in a message: a line must stay a line."""

UNITS: Final = ("seconds", "percent", "replicas", "minutes", "hours", "days", "bytes", "gib", "mib")
"""Last words of field names that name a unit."""

SECONDS_PER: Final = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
"""Suffixes that people write on durations, in seconds."""


RENAMED_KEYS: Final[Mapping[str, str]] = {
    "all_buckets": "store_all_histogram_buckets",
    "all_proxy_series": "store_all_istio_metrics",
    "endpoint_seconds": "pre_stop_delay_seconds",
    "imports": "sidecar_egress_hosts",
    "lever": "fast_scaler",
    "reaches": "cluster_dependencies",
    "redirection": "traffic_capture",
    "uses": "shared_state",
}
"""Former name of a field -> its name now. The former names are rejected with the new one, and are not aliases."""


class ConfigIssue(NamedTuple):
    """One thing that is wrong: the object (`service mcp-rag`), the field's path in it, and the sentence."""

    where: str
    field: str
    message: Message

    @property
    def code(self) -> str:
        """Stable code of its kind, such as `MM0102`."""
        return self.message.code

    @property
    def line(self) -> str:
        """`MM0102: service mcp-rag: callers[0]: there is no service ...`."""
        return f"{self.code}: {self}"

    def __str__(self) -> str:
        line = f"{self.where}: {self.field}: {self.message}" if self.field else f"{self.where}: {self.message}"
        return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in line)


class ConfigurationError(Exception):
    """All issues of a configuration, one line each; raised before anything is registered."""

    def __init__(self, issues: Iterable[ConfigIssue]) -> None:
        self.issues = tuple(issues)
        super().__init__("\n".join(issue.line for issue in self.issues))

    @classmethod
    def single(cls, where: str, message: Message, field: str = "") -> Self:
        """The error of one issue."""
        return cls([ConfigIssue(where, field, message)])


def model_issues(model: type[BaseModel], raw: Any, where: str) -> list[ConfigIssue]:
    """Every issue of `raw` as `model`, empty when it is valid; `raw` is not changed."""
    rest, found, settled = unshared(raw), dict[ConfigIssue, None](), set[Location]()
    while True:
        try:
            model.model_validate(rest, by_alias=False, by_name=True)
        except ValidationError as error:
            details = without_union_branches(error.errors(include_url=False))
            new = [item for item in details if item["loc"] not in settled]
            found.update(dict.fromkeys(issue for item in new for issue in sentences(model, item, where)))
            repaired = [item for item in new if repair(rest, item, untagged(model, item["loc"]))]
            if not repaired:
                return list(found)
            settled.update(location for item in repaired for location in settled_by(item))
        else:
            return list(found)


def unshared(raw: Any) -> Any:
    """A copy of all mappings in mappings: repairs change nothing else, and an output cannot be copied."""
    return {key: unshared(value) for key, value in raw.items()} if isinstance(raw, dict) else raw


STAND_IN: Final = "stand-in"
"""Value of a required text field that was missing or wrong, so that the rest can be judged."""


def settled_by(item: ErrorDetails) -> list[Location]:
    """Places whose later errors follow from this one: its own, and its model's once a known field was taken out."""
    location = item["loc"]
    follows = item["type"] not in {"extra_forbidden", "missing", "string_type"}
    return [location, location[:-1]] if follows else [location]


def repair(raw: Any, item: ErrorDetails, written: Location) -> bool:
    """Take a wrong value out of `raw`, or put one in for what is missing; False where neither can be done. `written` is
    the location as the reader wrote it.
    """  # noqa: D205 - two sentences
    *path, last = written or (None,)
    for step in path:
        raw = raw.get(step) if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or last == "[key]":
        return False
    if item["type"] in {"missing", "string_type"}:
        raw[last] = STAND_IN
        return True
    known = last in raw
    raw.pop(last, None)
    return known


def without_union_branches(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """One error per field: a value that may be an output fails once for each branch of `In[T]`; keep T's error."""
    outputs = {item["loc"][:-1] for item in details if str(item["loc"][-1:]).find("is-instance[") >= 0}
    kept = []
    for item in details:
        if item["loc"][:-1] not in outputs:
            kept.append(item)
        elif not str(item["loc"][-1]).startswith("is-instance["):
            kept.append({**item, "loc": item["loc"][:-1]})
    return kept


def sentences(
    model: type[BaseModel], item: ErrorDetails, where: str, spelling: Callable[[str], str] = str
) -> list[ConfigIssue]:
    """The issues behind one pydantic error; a validator may report several, one per line.

    `spelling` makes a field's name what the reader writes: Python's own, or the one on the wire.
    """
    location = item["loc"]
    field = path_text(untagged(model, location))
    if item["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        return [ConfigIssue(where, f"{field}.{tag_name(item)}", tag_sentence(item))]
    if item["type"] in {"value_error", "assertion_error"}:
        return [ConfigIssue(where, field, message) for message in messages_of(item)]
    holder = location if item["type"] == "model_type" else location[:-1]
    known = [spelling(name) for name in fields_at(model, holder)]
    if item["type"] == "extra_forbidden":
        return [ConfigIssue(where, field, unknown_field(str(location[-1]), known, spelling))]
    return [ConfigIssue(where, field, sentence(known, item))]


def unknown_field(name: str, known: Sequence[str], spelling: Callable[[str], str]) -> Message:
    """The field's new name where it was renamed in this object, otherwise the nearest known name."""
    renamed = next((spelling(new) for old, new in RENAMED_KEYS.items() if spelling(old) == name), None)
    if renamed in known:
        return RENAMED_FIELD.message(renamed=renamed)
    return UNKNOWN_FIELD.message(suggested=suggestion(name, known))


def messages_of(item: ErrorDetails) -> tuple[Message, ...]:
    """The messages of a validator; its error is a MessageError unless it comes from elsewhere."""
    error = item["ctx"]["error"]
    if isinstance(error, MessageError):
        return error.messages
    return tuple(Message(INVALID_VALUE.code, line) for line in str(error).splitlines())


def tag_name(item: ErrorDetails) -> str:
    """Name of the field that chooses between models."""
    return str(item["ctx"]["discriminator"]).strip("'")


def tag_sentence(item: ErrorDetails) -> Message:
    """What may be chosen."""
    if item["type"] == "union_tag_not_found":
        return MISSING_FIELD.message(name=tag_name(item))
    choices = re.findall(r"'([^']*)'", str(item["ctx"]["expected_tags"]))
    tag = str(item["ctx"]["tag"])
    return NOT_A_CHOICE.message(shown=repr(tag), suggested=suggestion(tag, choices))


def path_text(location: Location) -> str:
    """`scaling.max_replicas`, `callers[0]`."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{written_name(step)}"
    return text.removeprefix(".").replace(".[key]", "")


def sentence(known: Sequence[str], item: ErrorDetails) -> Message:
    """What is wrong with one value and what to set instead."""
    kind, context, name = item["type"], item.get("ctx", {}), str(item["loc"][-1]) if item["loc"] else ""
    shown = excerpt(item["input"])
    if kind == "missing":
        return MISSING_FIELD.message(name=name)
    if kind.startswith(("int_", "float_", "decimal_")):
        return NOT_A_NUMBER.message(
            shown=shown, wanted=number_text(name, kind), advice=number_advice(name, item["input"])
        )
    if kind in BOUNDS:
        relation, limit = BOUNDS[kind]
        return OUT_OF_BOUNDS.message(
            shown=shown, relation=relation, limit=context[limit], direction="more" if limit == "ge" else "less"
        )
    if kind == "enum":
        choices = re.findall(r"'([^']*)'", str(context["expected"]))
        return NOT_A_CHOICE.message(shown=shown, suggested=suggestion(str(item["input"]), choices))
    if kind in {"string_type", "bool_type", "bool_parsing"}:
        type_name = "text" if kind == "string_type" else "true or false"
        return WRONG_TYPE.message(shown=shown, wanted=type_name, advice=wanted(kind, item["input"]))
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        names = f" with the fields {', '.join(known)}" if known and kind != "dict_type" else ""
        return NOT_A_MAPPING.message(shown=shown, names="", fields=names)
    if kind == "list_type":
        return (
            NOT_A_LIST.message(shown=shown, advice=f"[{item['input']}]")
            if isinstance(item["input"], str)
            else NOT_A_LIST.message(shown=shown, advice="[...]")
        )
    return INVALID_VALUE.message(reason=lower_first(item["msg"]), shown=shown)


BOUNDS: Final = {
    "greater_than_equal": ("below", "ge"),
    "less_than_equal": ("above", "le"),
}
"""Bounds that our models use; inclusive, so that a message can name a value that is allowed."""


def excerpt(value: Any) -> str:
    """The value as it would be written, on one line, cut to a bounded length."""
    text = repr(value)
    return text if len(text) <= MAXIMUM_SHOWN_CHARACTERS else text[: MAXIMUM_SHOWN_CHARACTERS - 3] + "..."


def suggestion(name: str, known: Sequence[str]) -> str:
    """`did you mean max_replicas?`, or the whole list where nothing is close."""
    close = difflib.get_close_matches(name.replace("-", "_").lower(), known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known) or 'nothing'}"


def number_text(name: str, kind: str) -> str:
    """`a whole number of seconds`, by the unit in the field's name."""
    unit = next((unit for unit in UNITS if name.endswith(f"_{unit}")), None)
    whole = "a whole number" if kind.startswith("int_") else "a number"
    return f"{whole} of {unit}" if unit else whole


def number_advice(name: str, value: Any) -> str:
    """The number in another unit's clothes: '5m' for a field in seconds is 300."""
    match = re.fullmatch(r"(\d+)\s*([A-Za-z%]*)", value.strip()) if isinstance(value, str) else None
    if match is None:
        return "use digits only"
    factor = SECONDS_PER.get(match[2].lower(), 1) if name.endswith("_seconds") else 1
    return f"set {int(match[1]) * factor}"


def wanted(kind: str, value: Any) -> str:
    """The value in the right type where that is plain, else the kinds of value that are."""
    if kind == "string_type" and isinstance(value, (int, float, bool)):
        return f'"{value}" in quotes'
    return "text" if kind == "string_type" else "true or false without quotes"


def lower_first(text: str) -> str:
    """A pydantic sentence as the middle of ours."""
    return text[:1].lower() + text[1:]


def fields_at(model: type[BaseModel], location: Location) -> list[str]:
    """Field names of the model that lies at `location` inside `model`; empty where it is no model."""
    kind: Any = model
    for step in location:
        if (chosen := tagged_models(kind)) and step in chosen:
            kind = chosen[str(step)]
        elif inner := nested_model(kind):
            field = inner.model_fields.get(str(step))
            kind = field.annotation if field else None
        else:
            kind = element_type(kind)
    found = nested_model(kind)
    return sorted(map(written_name, found.model_fields)) if found else []


def nested_model(kind: Any) -> type[BaseModel] | None:
    """The model in `kind` or `kind | None`."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    if get_origin(kind) in {Union, types.UnionType}:
        return next((found for part in get_args(kind) if (found := nested_model(part))), None)
    return None


def element_type(kind: Any) -> Any:
    """What a list or a map holds."""
    if get_origin(kind) in {Union, types.UnionType}:
        return next((found for part in get_args(kind) if (found := element_type(part))), None)
    return get_args(kind)[-1] if get_origin(kind) in {list, dict, Sequence, Mapping} else None
