"""Extras of the distribution: which extra installs a module, and the one-line error for a missing one.

Source: the distribution's own metadata (`Requires-Dist`, PEP 566).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import requires
from typing import Final

DISTRIBUTION: Final = "meshed-mcp"

DISTRIBUTION_OF: Final = {"jwt": "pyjwt", "opentelemetry": "opentelemetry-api", "re2": "google-re2", "yaml": "pyyaml"}
"""Modules whose distribution has another name."""

REQUIREMENT: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+).*extra == ['\"](?P<extra>[a-z-]+)['\"]")


def extras_of(module: str) -> list[str]:
    """Return the extras that install a module, in the order of pyproject.toml; empty for a module of no extra."""
    top = module.partition(".")[0]
    wanted = DISTRIBUTION_OF.get(top, top.replace("_", "-"))
    if wanted == DISTRIBUTION:
        return []  # [local] requires [platform] and [runtime] of the distribution itself
    found = [match for line in requires(DISTRIBUTION) or [] if (match := REQUIREMENT.match(line))]
    return [match["extra"] for match in found if match["name"].lower().replace("_", "-") == wanted]


def advice(error: ModuleNotFoundError, preferred: str) -> str | None:
    """Return what to install for a missing module; `preferred` if several extras have it, None if none has."""
    module = error.name or ""
    extras = extras_of(module)
    if not extras:
        return None
    extra = preferred if preferred in extras else extras[0]
    return f"the package {module} is not installed; install '{DISTRIBUTION}[{extra}]'"


@contextmanager
def required(extra: str) -> Iterator[None]:
    """Guard imports of an extra: raises ModuleNotFoundError with the extra to install for a missing module."""
    try:
        yield
    except ModuleNotFoundError as error:
        text = advice(error, extra)
        if text is None:
            raise
        raise ModuleNotFoundError(text, name=error.name) from None
