"""Code blocks of the how-to pages: Python runs, and the program accepts the stack files."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from meshed_mcp.infra.plan import planned
from tests.stacks import ROOT

BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<body>.*?)^```", re.DOTALL | re.MULTILINE)
NEIGHBORS = {"mcp-controller": {"image": "registry.example.com/mcp-controller:1.0"}}
"""Services that the pages name as callers without showing them."""


def blocks(language: str) -> Iterator[Any]:
    """Every block of a language in the how-to pages, under the name of its page."""
    for page in sorted((ROOT / "docs" / "how-to").glob("*.md")):
        for number, found in enumerate(BLOCK.finditer(page.read_text("utf-8"))):
            if found["language"] == language:
                yield pytest.param(found["body"], id=f"{page.stem}-{number}")


@pytest.mark.parametrize("body", list(blocks("python")))
def test_python_code_blocks_of_a_page_run(body: str) -> None:
    """Requirement PRJ-2: the code blocks of each how-to run as tests."""
    exec(compile(body, "a how-to page", "exec"), {"__name__": "document"})  # noqa: S102 - our own pages


@pytest.mark.parametrize("body", list(blocks("yaml")))
def test_stack_files_of_a_page_give_a_plan(body: str) -> None:
    """Requirement PRJ-2: the program accepts the stack files that the pages show."""
    config = yaml.safe_load(body)["config"]
    services = {**NEIGHBORS, **config.pop("meshed-mcp:services", {})}
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    assert planned({**values, "meshed-mcp:services": json.dumps(services)}).services
