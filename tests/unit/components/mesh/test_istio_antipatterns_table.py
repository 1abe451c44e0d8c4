"""Table of the 36 Istio antipatterns: each has tests, in one module."""

import re
from collections import Counter
from pathlib import Path

LAST = 36
TEST = re.compile(r"^def test_(\d\d)_", re.MULTILINE)


def test_every_correction_has_its_tests_in_one_module() -> None:
    """Requirement PRJ-1: each correction is tested, in one module."""
    modules = Path(__file__).parent.glob("test_istio_antipatterns*.py")
    found = Counter(int(number) for path in modules for number in set(TEST.findall(path.read_text("utf-8"))))
    assert found == Counter(range(1, LAST + 1))
