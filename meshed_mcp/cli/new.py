"""Command `meshed-mcp new`: generates a minimal service with test, stack and Dockerfile from `templates/`."""

import sys
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from string import Template
from typing import Final

from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.components.core.names import service_name
from meshed_mcp.error_codes.cli import FILE_EXISTS, FILE_NOT_WRITABLE, MODULE_NAME_TAKEN
from meshed_mcp.error_codes.code import MessageError

TEMPLATES: Final = {
    "service.py.tmpl": "$module.py",
    "test_service.py.tmpl": "test_$module.py",
    "Dockerfile.tmpl": "Dockerfile",
    "dockerignore.tmpl": ".dockerignore",
    "gitignore.tmpl": ".gitignore",
    "Pulumi.yaml.tmpl": "Pulumi.yaml",
    "Pulumi.dev.yaml.tmpl": "Pulumi.dev.yaml",
    "__main__.py.tmpl": "__main__.py",
}
"""Template -> generated file."""


def write(name: str, folder: Path) -> list[Path]:
    """Write the project; returns its files. Raises ConfigurationError for a wrong name or an existing file."""
    try:
        values = {"name": service_name(name), "module": _module(name), "version": version("meshed-mcp")}
    except MessageError as error:
        raise ConfigurationError(ConfigIssue("new", "NAME", message) for message in error.messages) from None
    texts = {
        folder / Template(target).substitute(values): _text(source, values) for source, target in TEMPLATES.items()
    }
    advice = FILE_EXISTS.message()
    issues = [ConfigIssue(str(path), "", advice) for path in texts if path.exists()]
    if issues:
        raise ConfigurationError(issues)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            path.write_text(text)
    except OSError as error:
        message = FILE_NOT_WRITABLE.message(path="the folder", reason=error.strerror)
        raise ConfigurationError.single(str(folder), message) from error
    return list(texts)


def _module(name: str) -> str:
    module = name.replace("-", "_")
    if iskeyword(module) or module in sys.stdlib_module_names or find_spec(module):
        raise MODULE_NAME_TAKEN.error(name=name)
    return module


def _text(source: str, values: dict[str, str]) -> str:
    return Template((files("meshed_mcp.cli") / "templates" / source).read_text()).substitute(values)
