"""That each of the 36 common mistakes in Istio configuration has its test, and no more than one module tells of it."""

import re
from collections import Counter
from pathlib import Path

LAST = 36
TEST = re.compile(r"^def test_(\d\d)_", re.MULTILINE)


def test_every_mistake_has_its_test_in_one_module() -> None:
    """Product rule: a mistake is looked up at one place."""
    modules = Path(__file__).parent.glob("test_istio_corrections*.py")
    found = Counter(int(number) for path in modules for number in set(TEST.findall(path.read_text("utf-8"))))
    assert found == Counter(range(1, LAST + 1))
