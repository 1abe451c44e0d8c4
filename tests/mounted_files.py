"""A Secret volume as the kubelet makes it: files behind symbolic links that one rename replaces.

Source: Kubernetes, `pkg/volume/util/atomic_writer.go`: a folder `..<timestamp>` per version, `..data` that links to it,
and per first element of a path a link through `..data`.
"""

import shutil
from collections.abc import Mapping
from itertools import count
from pathlib import Path


class MountedFiles:
    """One volume in `folder`."""

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self.folder = folder
        self._versions = count(1)
        folder.mkdir(parents=True, exist_ok=True)
        self.replace(files)

    def path(self, name: str) -> str:
        """Path of a file, which stays the same."""
        return str(self.folder / name)

    def replace(self, files: Mapping[str, str]) -> None:
        """Replace all files at once."""
        data, old = self.folder / "..data", self.folder.joinpath("..data").resolve()
        version = self.folder / f"..2026_11_30_20_37_07.{next(self._versions)}"
        for name, text in files.items():
            file = version / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o444)
        new = self.folder / "..data_tmp"
        new.symlink_to(version.name)
        new.rename(data)
        for first in {Path(name).parts[0] for name in files}:
            link = self.folder / first
            if not link.is_symlink():
                link.symlink_to(Path("..data") / first)
        if old.name.startswith("..2026"):
            shutil.rmtree(old)
