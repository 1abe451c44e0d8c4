"""Which extra of the distribution brings a module, and the one-line error where it is missing.

Names of modules in, a sentence out. Source: the distribution's own metadata (`Requires-Dist`, PEP 566).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import requires
from typing import Final

DISTRIBUTION: Final = "meshed-mcp"

DISTRIBUTION_OF: Final = {"jwt": "pyjwt", "opentelemetry": "opentelemetry-api", "re2": "google-re2", "yaml": "pyyaml"}
"""Modules that are not named after their distribution."""

REQUIREMENT: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+).*extra == ['\"](?P<extra>[a-z-]+)['\"]")


def extras_of(module: str) -> list[str]:
    """The extras that bring a module, in the order of pyproject.toml; empty for a module of no extra."""
    top = module.partition(".")[0]
    wanted = DISTRIBUTION_OF.get(top, top.replace("_", "-"))
    if wanted == DISTRIBUTION:
        return []  # [local] requires [platform] and [runtime] of the distribution itself
    found = [match for line in requires(DISTRIBUTION) or [] if (match := REQUIREMENT.match(line))]
    return [match["extra"] for match in found if match["name"].lower().replace("_", "-") == wanted]


def advice(error: ModuleNotFoundError, preferred: str) -> str | None:
    """What to install for a module that is not there; `preferred` if several extras bring it, None if none does."""
    module = error.name or ""
    extras = extras_of(module)
    if not extras:
        return None
    extra = preferred if preferred in extras else extras[0]
    return f"the package {module} is not installed; install '{DISTRIBUTION}[{extra}]'"


@contextmanager
def required(extra: str) -> Iterator[None]:
    """Imports that need an extra: a missing module raises ModuleNotFoundError with the extra to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        text = advice(error, extra)
        if text is None:
            raise
        raise ModuleNotFoundError(text, name=error.name) from None
