"""Page of the responses to hostile requests at the gateway of a meshed service; the mesh test compares it.

Regenerate it with `WRITE_HOSTILE_TABLE=1 pytest tests/engines/test_hostile_mesh.py`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.hostile.requests import HostileRequest

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "hostile.md"
HEAD: Final = """# Hostile requests

Responses to malformed and malicious requests: at the ingress gateway of a service behind the mesh (rendered gateway,
sidecar and server, real Envoy proxies), and from a server without a mesh. The test
`tests/engines/test_hostile_mesh.py` writes this page and fails when a response differs.
"""
PARSER: Final = """
## What the parser accepts

Bytes that the specification rejects, and how uvicorn's h11 parser interprets them in a process without a mesh.
Envoy rejects the request or forwards it in a correct form. Do not expose a process without a proxy.

| request | h11 | without | through the mesh |
| --- | --- | --- | --- |
"""
OK: Final = 200

Response = tuple[int | None, int | None]
"""Status and JSON-RPC code, or None."""


def page(responses: Mapping[str, Response], cases: tuple[HostileRequest, ...]) -> str:
    """Return the page as Markdown."""
    through = [case for case in cases if responses[case.name][0] == OK and case.status != OK]
    lines = [
        HEAD,
        f"{len(cases)} requests, {len(through)} of them accepted although they are invalid.",
        "",
        "| request | through the mesh | without a mesh | source |",
        "| --- | --- | --- | --- |",
        *(row(case, responses[case.name]) for case in sorted(cases, key=lambda case: case.name)),
    ]
    accepted = (
        f"| {case.name} | {case.parser} | {response_text((case.status, case.code))} | "
        f"{response_text(responses[case.name])} |"
        for case in sorted(cases, key=lambda case: case.name)
        if case.parser
    )
    return "\n".join(lines) + "\n" + PARSER + "\n".join(accepted) + "\n"


def row(case: HostileRequest, response: Response) -> str:
    """Return the row of a request."""
    cells = [case.name, response_text(response), response_text((case.status, case.code)), case.source]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def response_text(response: Response) -> str:
    """Return a response as text."""
    status, code = response
    if status is None:
        return "no response"
    return f"{status}" if code is None else f"{status}, code {code}"
