"""The page with the response to every hostile request at the gateway of a meshed service; the mesh test compares it.

Takes responses by case and returns Markdown. Regenerate it with
`WRITE_HOSTILE_TABLE=1 pytest tests/engines/test_hostile_mesh.py`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.hostile.requests import Hostile

PAGE: Final = Path(__file__).parent.parent / "docs" / "reference" / "hostile.md"
HEAD: Final = """# Hostile requests

Responses to malformed and malicious requests: at the ingress gateway of a service behind the mesh (rendered gateway,
sidecar and server, real Envoy proxies), and from a server without a mesh. The test
`tests/engines/test_hostile_mesh.py` writes this page and fails when a response differs.
"""
PARSER: Final = """
## What the parser accepts

Bytes that the specification wants to be rejected, and what uvicorn's h11 parser makes of them in a process without
a mesh. Envoy rejects the request, or forwards it in a correct form. Expose no process without a proxy before it.

| request | h11 | without | through the mesh |
| --- | --- | --- | --- |
"""
OK: Final = 200

Answer = tuple[int | None, int | None]
"""Status and JSON-RPC code; None = there is none."""


def page(answers: Mapping[str, Answer], cases: tuple[Hostile, ...]) -> str:
    """The whole page."""
    through = [case for case in cases if answers[case.name][0] == OK and case.status != OK]
    lines = [
        HEAD,
        f"{len(cases)} requests, {len(through)} of them accepted although they are invalid.",
        "",
        "| request | through the mesh | without a mesh | source |",
        "| --- | --- | --- | --- |",
        *(row(case, answers[case.name]) for case in sorted(cases, key=lambda case: case.name)),
    ]
    accepted = (
        f"| {case.name} | {case.parser} | {shown((case.status, case.code))} | {shown(answers[case.name])} |"
        for case in sorted(cases, key=lambda case: case.name)
        if case.parser
    )
    return "\n".join(lines) + "\n" + PARSER + "\n".join(accepted) + "\n"


def row(case: Hostile, answer: Answer) -> str:
    """One request."""
    cells = [case.name, shown(answer), shown((case.status, case.code)), case.source]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def shown(answer: Answer) -> str:
    """An answer as a reader sees it."""
    status, code = answer
    if status is None:
        return "no answer"
    return f"{status}" if code is None else f"{status}, code {code}"
