"""Messages that carry a stable code, and the errors made of them."""

import copy
import pickle
import subprocess
import sys
from typing import Annotated

import pytest
from pydantic import AfterValidator, TypeAdapter, ValidationError

from meshed_mcp.error_codes import code
from meshed_mcp.error_codes.code import ErrorCode, Message, MessageError, raise_all

TOO_MANY = ErrorCode("test", "MM9999")


@pytest.fixture(autouse=True)
def texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalog with the text of one code."""
    text = "{count} are too many; set {most} or less"
    monkeypatch.setattr(code, "catalog", {"test": {"MM9999": {"text": text}}}.__getitem__)


def test_a_message_is_its_text_and_has_a_code() -> None:
    """Requirement CFG-14: a message is a string that can be compared and printed, with its code beside it."""
    message = TOO_MANY.message(count=7, most=5)
    assert message == "7 are too many; set 5 or less"
    assert (message.code, message.line) == ("MM9999", "MM9999: 7 are too many; set 5 or less")


def test_a_message_with_a_location_keeps_its_code() -> None:
    """Requirement CFG-2: a rule of a component names the component that it is about."""
    assert TOO_MANY.message(count=7, most=5).at("pools.slow").line.startswith("MM9999: pools.slow: 7 are")


def test_a_copy_keeps_the_code() -> None:
    """Python, "copy" and "pickle": a subclass of str with arguments of its own says how it is made again."""
    message = TOO_MANY.message(count=7, most=5)
    for made in (copy.deepcopy(message), pickle.loads(pickle.dumps(message))):  # noqa: S301 - our own bytes
        assert (made, made.code) == (message, "MM9999")


def test_pydantic_keeps_the_messages_of_a_validator() -> None:
    """pydantic, "Validators": a ValueError of a validator is in the context of its error."""

    def checked(value: int) -> int:
        raise_all(TOO_MANY.message(count=value, most=most) for most in (5, 3) if value > most)
        return value

    model = TypeAdapter(Annotated[int, AfterValidator(checked)])
    assert model.validate_python(3) == 3
    with pytest.raises(ValidationError) as raised:
        model.validate_python(7)
    error = raised.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, MessageError)
    assert [message.code for message in error.messages] == ["MM9999", "MM9999"]
    assert str(error) == "7 are too many; set 5 or less\n7 are too many; set 3 or less"


def test_an_error_of_one_message_is_its_text() -> None:
    """Requirement CFG-2: a caller of a single function sees one line."""
    with pytest.raises(ValueError, match=r"^7 are too many; set 5 or less$"):
        raise TOO_MANY.error(count=7, most=5)
    assert isinstance(TOO_MANY.error(count=7, most=5).messages[0], Message)


LAZY = """
import sys
from meshed_mcp.error_codes import code, runtime
assert code.catalog.cache_info().misses == 0
print(runtime.SERVER_NOT_STARTED.message(), code.catalog.cache_info().misses, "yaml" in sys.modules)
"""


def test_the_texts_of_an_area_are_read_once_when_a_message_needs_them() -> None:
    """Requirement CLI-1: an import of the catalog reads no text; the runtime, which has no YAML parser, can."""
    run = subprocess.run([sys.executable, "-c", LAZY], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout == "uvicorn did not start; see the log record before 1 False\n"
