"""The stack of examples/connect in the local run, with Keycloak's keys at its proxies and processes."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from meshed_mcp.infra.recording import record
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.process.token_issuer import LocalIssuer
from meshed_mcp.local.translate.stack import read_stack
from tests.stacks import ROOT

EXAMPLE: Final = ROOT / "examples" / "connect"
STACK: Final = "login"


class KeysOf(LocalIssuer):
    """The keys of a real issuer, in the place of those that a run makes up."""

    def __init__(self, keys: str) -> None:
        super().__init__()
        self._keys = keys

    def jwks(self) -> str:
        """The keys as a JWK Set."""
        return self._keys


@contextlib.contextmanager
def running_example(folder: Path, gateway_port: int, keys: str) -> Iterator[Running]:
    """Run the rendered objects during the block.

    Its tokens have no clock skew at the service, so that a test need not wait for it.
    """
    copied = shutil.copytree(EXAMPLE, folder / "example", ignore=shutil.ignore_patterns(".local"))
    file = copied / f"Pulumi.{STACK}.yaml"
    text = file.read_text("utf-8").replace("notes.py", str(copied / "notes.py"))
    file.write_text(text.replace("realm: tools\n", "realm: tools\n            clock_skew_seconds: 0\n"), "utf-8")
    stack = KeysOf(keys).with_local_keys(read_stack(record(copied, STACK).objects))
    with running(stack, gateway_port, RunFolders(folder / "state", folder / "secrets"), lambda _: None) as up:
        yield up
