"""That each of the 36 common mistakes in Istio configuration has its test, or is named here as not yet rendered."""

import re
from pathlib import Path

LAST = 36
TEST = re.compile(r"^def test_(\d\d)_", re.MULTILINE)
NOT_RENDERED_YET = {
    21: "several clusters need names, networks, a shared root and remote secrets",
}
"""Mistakes that nothing rendered could make yet; an entry leaves when its test comes."""


def test_every_mistake_has_its_test() -> None:
    """Product rule: a feature that lands without the test of its mistake fails here once it is taken from the list."""
    modules = Path(__file__).parent.glob("test_istio_corrections*.py")
    found = {int(number) for path in modules for number in TEST.findall(path.read_text("utf-8"))}
    assert found | NOT_RENDERED_YET.keys() == set(range(1, LAST + 1))
    assert found & NOT_RENDERED_YET.keys() == set(), "has a test now: take it from NOT_RENDERED_YET"
