"""What every room of the tests shares: finding the real engines and the CRDs they judge by.

A missing engine skips its test with the command that gets it. In CI (`CI=true`) it fails the test instead: there
`make engines` ran before, so that a skip would hide that nothing was judged.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NoReturn

import pytest
from hypothesis import settings

from tests import local_issuer
from tests.local_issuer import Issuer

# No deadline: how long an example takes says more of the machine than of the code.
settings.register_profile("quick", deadline=None, max_examples=20)
settings.register_profile("ci", deadline=None, max_examples=100)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "quick")

ROOT: Final = Path(__file__).parent.parent
IN_NO_REGISTRY: Final = frozenset(
    {
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-yaml",
        "pulumi-resource-kubernetes",
    }
)
"""Programs `make engines` cannot get: a machine has them or not, in CI too (https://www.pulumi.com/docs/install/)."""


def absent(what: str, advice: str, *, obtainable: bool = True) -> NoReturn:
    """End the test: skipped with the advice, or failed where CI was to have it."""
    text = f"{what} is not on this machine; {advice}"
    if obtainable and os.environ.get("CI") == "true":
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


def engine_path(name: str) -> Path:
    """The program `name`: the pinned one of `make engines`, else the PATH's, else where Debian keeps servers."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    candidates = [ROOT / ".engines" / "bin" / name, shutil.which(name), Path("/usr/sbin") / name, *debian]
    for candidate in candidates:
        if candidate is not None and os.access(candidate, os.X_OK):
            return Path(candidate)
    if name in IN_NO_REGISTRY:
        absent(name, "get it with: https://www.pulumi.com/docs/install/", obtainable=False)
    absent(name, "get it with: make engines")


@pytest.fixture
def anyio_backend() -> str:
    """The runtime is asyncio's: uvicorn knows no other."""
    return "asyncio"


@pytest.fixture(scope="session")
def find_engine() -> Callable[[str], Path]:
    """Finds an engine's program by name, or ends the test that needs it (see `absent`)."""
    return engine_path


@pytest.fixture(scope="session")
def crd_dir() -> Path:
    """Folder with the CRDs of Istio, KEDA and the others: $CRD_DIR, else ../shared/crds."""
    folder = Path(os.environ.get("CRD_DIR") or ROOT.parent / "shared" / "crds")
    if not any(folder.glob("*.yaml")):
        text = "name one: export CRD_DIR=<folder of CRD YAML files>"
        absent(f"a folder of CRDs ({folder})", text, obtainable="CRD_DIR" in os.environ)
    return folder


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """A token issuer on this machine, whose keys and tokens the tests of a module share."""
    with local_issuer.serving() as running:
        yield running


@pytest.fixture(autouse=True)
def _packaged_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    """`check` validates by the schemas of the package; a test that wants others sets CRD_DIR itself."""
    monkeypatch.delenv("CRD_DIR", raising=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Set the markers that follow from what a test is: see `markers` in pyproject.toml."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("property")
        if "behaviors" in item.path.parts:
            item.add_marker("process")
        if {"find_engine", "promtool", "postgresql"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("engine")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Honor `@pytest.mark.engine("etcd", ...)`: the test runs only where all of these are."""
    for mark in item.iter_markers("engine"):
        for name in mark.args:
            engine_path(name)
