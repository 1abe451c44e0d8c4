"""Converts pydantic errors to issues: one line each, with object, field, what is wrong and what to set instead.

`model_issues` validates again without the invalid fields, because pydantic skips a model's validators when one of its
fields is invalid.
"""

import difflib
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Self, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from meshed_mcp.components.core.args import camel, written_name
from meshed_mcp.components.core.tagged import Location, inside, tagged_models, untagged
from meshed_mcp.error_codes import values as codes
from meshed_mcp.error_codes.code import Message, MessageError
from meshed_mcp.error_codes.pod import UNKNOWN_FIELD_OF_POD
from meshed_mcp.error_codes.service import ENFORCEMENT_REPLACED

MAXIMUM_SHOWN_CHARACTERS: Final = 60
"""Longest excerpt of a wrong value in a message."""

UNITS: Final = ("seconds", "percent", "replicas", "minutes", "hours", "days", "bytes", "gib", "mib")
"""Units, as in the last word of a field's name."""

SECONDS_PER: Final = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
"""Seconds per suffix of a duration."""


RENAMED_KEYS: Final[Mapping[str, str]] = {
    "all_buckets": "store_all_histogram_buckets",
    "all_proxy_series": "store_all_istio_metrics",
    "endpoint_seconds": "pre_stop_delay_seconds",
    "imports": "sidecar_egress_hosts",
    "lever": "fast_scaler",  # codespell:ignore lever
    "reaches": "cluster_dependencies",
    "redirection": "traffic_capture",
    "uses": "shared_state",
}
"""Former name of a field -> its name now. The former names are rejected with the new one, and are not aliases."""

RENAMED_VALUES: Final[Mapping[str, str]] = {"release": "component"}
"""Former word of a choice -> its word now, rejected as RENAMED_KEYS are."""


REPLACED_KEYS: Final[Mapping[str, Message]] = {"enforcement": ENFORCEMENT_REPLACED.message()}
"""Former name of a field whose values changed too -> what to set instead."""


class ConfigIssue(NamedTuple):
    """One configuration error: the object (`service mcp-rag`), the path of the field in it, and the message."""

    where: str
    field: str
    message: Message

    @property
    def code(self) -> str:
        """Stable code, such as `MM0102`."""
        return self.message.code

    @property
    def line(self) -> str:
        """`MM0102: service mcp-rag: callers[0]: there is no service ...`."""
        return f"{self.code}: {self}"

    def __str__(self) -> str:
        line = f"{self.where}: {self.field}: {self.message}" if self.field else f"{self.where}: {self.message}"
        return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in line)


class ConfigurationError(Exception):
    """All issues of a configuration, raised before anything is registered."""

    def __init__(self, issues: Iterable[ConfigIssue]) -> None:
        self.issues = tuple(issues)
        super().__init__("\n".join(issue.line for issue in self.issues))

    @classmethod
    def single(cls, where: str, message: Message, field: str = "") -> Self:
        """The error of one issue."""
        return cls([ConfigIssue(where, field, message)])


def model_issues(model: type[BaseModel], raw: Any, where: str) -> list[ConfigIssue]:
    """Every issue of `raw` as `model`, empty when it is valid; `raw` is not changed."""
    rest, found, settled = copy_mappings(raw), dict[ConfigIssue, None](), set[Location]()
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
            settled.update(item["loc"] for item in repaired)
            # Later errors of a model follow from a known field that was removed from it.
            settled.update(item["loc"][:-1] for item in repaired if item["type"] not in {"extra_forbidden", *FILLED})
        else:
            return list(found)


def copy_mappings(raw: Any) -> Any:
    """A deep copy of the mappings in `raw`; other values, such as outputs, are shared."""
    return {key: copy_mappings(value) for key, value in raw.items()} if isinstance(raw, dict) else raw


PLACEHOLDER: Final = "placeholder"
"""Value of a missing or invalid text field, so that the other fields are validated."""


FILLED: Final = ("missing", "string_type")
"""Types of errors that the placeholder repairs."""


def repair(raw: Any, item: ErrorDetails, written: Location) -> bool:
    """Remove an invalid value from `raw`, or set a placeholder; False if neither is possible.

    `written` is the location without the tags of pydantic.
    """
    *path, last = written or (None,)
    for step in path:
        raw = raw.get(step) if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or last == "[key]":
        return False
    if item["type"] in FILLED:
        raw[last] = PLACEHOLDER
        return True
    known = last in raw
    raw.pop(last, None)
    return known


def without_union_branches(details: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """One error per field: a value of `In[T]` fails once per branch; keeps the error of T."""
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
    """The issues of one pydantic error; a validator may report several.

    `spelling` converts a field's name to that of the user: unchanged, or camel case.
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
    """Names the new name of a renamed field, otherwise the nearest known name."""
    renamed = next((spelling(new) for old, new in RENAMED_KEYS.items() if spelling(old) == name), None)
    if renamed in known:
        return codes.RENAMED_FIELD.message(renamed=renamed)
    replaced = REPLACED_KEYS.get(name)
    if replaced is not None and "runtime" in known:
        return replaced
    if "pod" in known and not difflib.get_close_matches(name, known, n=1) and (field := pod_field(name)):
        return UNKNOWN_FIELD_OF_POD.message(field=field)
    return codes.UNKNOWN_FIELD.message(suggested=suggestion(name, known))


def pod_field(name: str) -> str | None:
    """The field of a Kubernetes pod with this name, in either spelling; None if there is none."""
    from meshed_mcp.components.pod import schema  # noqa: PLC0415 - imports this module, and is needed for errors alone

    return next((each for each in (name, camel(name)) if each in schema.definition("PodSpec")["properties"]), None)


def messages_of(item: ErrorDetails) -> tuple[Message, ...]:
    """The messages of a validator's error."""
    error = item["ctx"]["error"]
    if isinstance(error, MessageError):
        return error.messages
    return tuple(Message(codes.INVALID_VALUE.code, line) for line in str(error).splitlines())


def tag_name(item: ErrorDetails) -> str:
    """Name of the discriminator field."""
    return str(item["ctx"]["discriminator"]).strip("'")


def tag_sentence(item: ErrorDetails) -> Message:
    """Message on a wrong or missing discriminator."""
    if item["type"] == "union_tag_not_found":
        return codes.MISSING_FIELD.message(name=tag_name(item))
    choices = re.findall(r"'([^']*)'", str(item["ctx"]["expected_tags"]))
    tag = str(item["ctx"]["tag"])
    return codes.NOT_A_CHOICE.message(shown=repr(tag), suggested=suggestion(tag, choices))


def path_text(location: Location) -> str:
    """A location as text: `scaling.max_replicas`, `callers[0]`."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{written_name(step)}"
    return text.removeprefix(".").replace(".[key]", "")


def sentence(known: Sequence[str], item: ErrorDetails) -> Message:
    """The message on one invalid value."""
    kind, context, name = item["type"], item.get("ctx", {}), str(item["loc"][-1]) if item["loc"] else ""
    shown = excerpt(item["input"])
    if kind == "missing":
        return codes.MISSING_FIELD.message(name=name)
    if kind.startswith(("int_", "float_", "decimal_")):
        return codes.NOT_A_NUMBER.message(
            shown=shown, wanted=number_text(name, kind), advice=number_advice(name, item["input"])
        )
    if kind in BOUNDS:
        relation, limit = BOUNDS[kind]
        return codes.OUT_OF_BOUNDS.message(
            shown=shown, relation=relation, limit=context[limit], direction="more" if limit == "ge" else "less"
        )
    if kind == "enum":
        return unknown_choice(item["input"], re.findall(r"'([^']*)'", str(context["expected"])))
    if kind in {"string_type", "bool_type", "bool_parsing"}:
        type_name = "text" if kind == "string_type" else "true or false"
        return codes.WRONG_TYPE.message(shown=shown, wanted=type_name, advice=wanted(kind, item["input"]))
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        names = f" with the fields {', '.join(known)}" if known and kind != "dict_type" else ""
        return codes.NOT_A_MAPPING.message(shown=shown, names="", fields=names)
    if kind == "list_type":
        return codes.NOT_A_LIST.message(
            shown=shown, advice=f"[{item['input'] if isinstance(item['input'], str) else '...'}]"
        )
    return codes.INVALID_VALUE.message(reason=item["msg"][:1].lower() + item["msg"][1:], shown=shown)


def unknown_choice(value: Any, choices: Sequence[str]) -> Message:
    """Names the new word of a renamed choice, otherwise the nearest known one."""
    renamed = RENAMED_VALUES.get(value) if isinstance(value, str) else None
    if renamed in choices:
        return codes.RENAMED_VALUE.message(value=value, renamed=renamed)
    return codes.NOT_A_CHOICE.message(shown=excerpt(value), suggested=suggestion(str(value), choices))


BOUNDS: Final = {"greater_than_equal": ("below", "ge"), "less_than_equal": ("above", "le")}
"""pydantic's inclusive bounds: how the value compares, and the key of the limit."""


def excerpt(value: Any) -> str:
    """`repr` of the value, truncated."""
    text = repr(value)
    return text if len(text) <= MAXIMUM_SHOWN_CHARACTERS else text[: MAXIMUM_SHOWN_CHARACTERS - 3] + "..."


def suggestion(name: str, known: Sequence[str]) -> str:
    """`did you mean max_replicas?`, or all known names if none is similar."""
    close = difflib.get_close_matches(name.replace("-", "_").lower(), known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known) or 'nothing'}"


def number_text(name: str, kind: str) -> str:
    """`a whole number of seconds`, with the unit of the field's name."""
    unit = next((unit for unit in UNITS if name.endswith(f"_{unit}")), None)
    whole = "a whole number" if kind.startswith("int_") else "a number"
    return f"{whole} of {unit}" if unit else whole


def number_advice(name: str, value: Any) -> str:
    """Converts durations with a suffix (`5m`) to the field's unit."""
    match = re.fullmatch(r"(\d+)\s*([A-Za-z%]*)", value.strip()) if isinstance(value, str) else None
    if match is None:
        return "use digits only"
    factor = SECONDS_PER.get(match[2].lower(), 1) if name.endswith("_seconds") else 1
    return f"set {int(match[1]) * factor}"


def wanted(kind: str, value: Any) -> str:
    """The value in the right type, or the expected type."""
    if kind == "string_type" and isinstance(value, (int, float, bool)):
        return f'"{value}" in quotes'
    return "text" if kind == "string_type" else "true or false without quotes"


def fields_at(model: type[BaseModel], location: Location) -> list[str]:
    """Field names of the model at `location` inside `model`; empty for other types."""
    kind: Any = model
    for step in location:
        choices = tagged_models(kind)
        kind = choices[str(step)] if step in choices else inside(kind, step)
    found = nested_model(kind)
    return sorted(map(written_name, found.model_fields)) if found else []


def nested_model(kind: Any) -> type[BaseModel] | None:
    """The model in `kind` or `kind | None`."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    if get_origin(kind) in {Union, types.UnionType}:
        return next((found for part in get_args(kind) if (found := nested_model(part))), None)
    return None
