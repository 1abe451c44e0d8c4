"""Kubernetes quantities: their numbers, and the errors on ambiguous notations."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes


@pytest.mark.parametrize(
    ("text", "millicores"), [("250m", 250), ("0.5", 500), ("2", 2000), ("1.25", 1250), ("128", 128_000)]
)
def test_cpu_is_read_in_thousandths_of_a_core(text: str, millicores: int) -> None:
    """Kubernetes, "Resource Management", CPU resource units."""
    assert cpu_millicores(text) == millicores


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("250", "'250' is 250 whole cores; for thousandths of a core, use '250m'"),
        ("1.5m", "'1.5m' is finer than a thousandth of a core; use '2m'"),
        ("0", "'0' gives the container no CPU; use '100m' or more"),
        ("0m", "'0m' gives the container no CPU; use '100m' or more"),
        ("half", "'half' is not a CPU quantity; use thousandths of a core such as '250m', or cores such as '2'"),
        ("500mi", "'500mi' is not a CPU quantity; use thousandths of a core such as '250m', or cores such as '2'"),
        ("-1", "'-1' is not a CPU quantity; use thousandths of a core such as '250m', or cores such as '2'"),
    ],
)
def test_invalid_cpu_is_rejected_with_what_to_set(text: str, expected: str) -> None:
    """Requirement CFG-2: the error is one line with the fix."""
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        cpu_millicores(text)


@pytest.mark.parametrize(
    ("text", "size"), [("512Mi", 512 * 2**20), ("1Gi", 2**30), ("1G", 10**9), ("64M", 64 * 10**6), ("100Ki", 102_400)]
)
def test_memory_is_read_in_bytes(text: str, size: int) -> None:
    """Kubernetes, "Resource Management", memory resource units."""
    assert memory_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("512MB", "'512Mi'"),
        ("512mb", "'512Mi'"),
        ("512m", "'512Mi'"),
        ("512", "'512Mi'"),
        ("1GB", "'1Gi'"),
        ("1gi", "'1Gi'"),
    ],
)
def test_memory_in_another_unit_is_rejected_with_the_nearest_one(text: str, suggestion: str) -> None:
    """Kubernetes, "Resource Management": a suffix m means thousandths of a byte."""
    with pytest.raises(ValueError, match=f"is not a memory quantity with a known unit; use {suggestion}$"):
        memory_bytes(text)


def test_invalid_memory_is_rejected_with_an_example() -> None:
    """Requirement CFG-2: the error is one line with the fix."""
    with pytest.raises(ValueError, match=r"use a whole number and a unit, such as '512Mi' or '1Gi'$"):
        memory_bytes("much")
    with pytest.raises(ValueError, match="'0Mi' gives the container no memory; use '128Mi' or more"):
        memory_bytes("0Mi")


@given(st.text(max_size=12))
def test_any_text_is_a_positive_number_or_a_one_line_error(text: str) -> None:
    """Requirement CFG-4: no quantity ends in a traceback."""
    assert outcome(cpu_millicores, text)
    assert outcome(memory_bytes, text)


def outcome(read: Callable[[str], int], text: str) -> bool:
    """Whether `read` returns a positive number or raises a one-line error."""
    try:
        return read(text) > 0
    except ValueError as error:
        return "\n" not in str(error)
