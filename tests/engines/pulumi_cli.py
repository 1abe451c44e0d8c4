"""The Pulumi command line on a copy of a stack: state, plugins' home and settings in one folder, nothing downloaded."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

COMMAND_SECONDS: Final = 900
PROGRAMS: Final = ("pulumi", "pulumi-language-python", "pulumi-resource-kubernetes")


class Pulumi:
    """One stack of the project in `source`, worked on from `folder`: the stack file is a copy that may be written."""

    def __init__(self, source: Path, folder: Path, stack: str, kubeconfig: Path) -> None:
        self.folder, self.stack, self.kubeconfig = folder / "project", stack, kubeconfig
        for name in ("project", "state", "home"):
            (folder / name).mkdir()
        for name in ("Pulumi.yaml", f"Pulumi.{stack}.yaml"):
            shutil.copy(source / name, self.folder)
        (self.folder / "infra").symlink_to(source / "infra")
        (self.folder / ".venv").symlink_to(sys.prefix)
        self.run("stack", "init", stack)

    def run(self, *arguments: str, ok: bool = True) -> str:
        """Run a command and return what it prints.

        Raises RuntimeError with that when the command fails although `ok`, or does not fail although not `ok`.
        """
        root = self.folder.parent
        settings = {
            "KUBECONFIG": str(self.kubeconfig),
            "PULUMI_BACKEND_URL": f"file://{root / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "only for this test",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(root / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            **{f"HELM_{name}_HOME": str(root / "home") for name in ("CACHE", "CONFIG", "DATA")},
        }
        command = ["pulumi", "--non-interactive", "--color=never", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env={**os.environ, **settings}, check=False, text=True, timeout=COMMAND_SECONDS,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if (done.returncode == 0) is not ok:
            raise RuntimeError(f"pulumi {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout
