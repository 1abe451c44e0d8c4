"""The Pulumi CLI on a copy of a stack, with state and plugins in one folder and without downloads."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

COMMAND_SECONDS: Final = 900
PROGRAMS: Final = ("pulumi", "pulumi-language-python", "pulumi-resource-kubernetes")


def command_line(
    arguments: Sequence[str], folder: Path, home: Path, settings: Mapping[str, str] | None = None, *, ok: bool = True
) -> str:
    """Run a command in `folder` and return its output.

    Raises RuntimeError with that when the command fails although `ok`, or does not fail although not `ok`.
    """
    environment = {
        **os.environ,
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_HOME": str(home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        **(settings or {}),
    }
    done = subprocess.run(
        [shutil.which("pulumi") or "pulumi", "--non-interactive", "--color=never", *arguments],
        cwd=folder, env=environment, check=False, text=True, timeout=COMMAND_SECONDS,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if (done.returncode == 0) is not ok:
        raise RuntimeError(f"pulumi {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


class Pulumi:
    """One stack of the project in `source`; `folder` has a writable copy of the stack file."""

    def __init__(self, source: Path, folder: Path, stack: str, kubeconfig: Path) -> None:
        self.folder, self.home = folder / "project", folder / "home"
        for path in (self.folder, self.home, folder / "state"):
            path.mkdir()
        for name in ("Pulumi.yaml", f"Pulumi.{stack}.yaml"):
            shutil.copy(source / name, self.folder)
        (self.folder / "infra").symlink_to(source / "infra")
        (self.folder / ".venv").symlink_to(sys.prefix)
        self.settings = {
            "KUBECONFIG": str(kubeconfig),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "only for this test",
            **{f"HELM_{name}_HOME": str(self.home) for name in ("CACHE", "CONFIG", "DATA")},
        }
        self.run("stack", "init", stack)

    def run(self, *arguments: str, ok: bool = True) -> str:
        """Run a command on the stack; see `command_line`."""
        return command_line(arguments, self.folder, self.home, self.settings, ok=ok)
