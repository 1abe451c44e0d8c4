"""Secrets of a process: a fixed value, or a mounted file that is read again when it changes.

The kubelet replaces a mounted Secret atomically, by a symbolic link to another folder, so the next `read` returns the
old or the new value and nothing between. Values are never logged; paths are. Source: Kubernetes, "Secrets", "Mounted
Secrets are updated automatically".
"""

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from meshed_mcp.contract import FILE_SUFFIX, MAX_SECRET_BYTES
from meshed_mcp.error_codes.code import Message, MessageError
from meshed_mcp.error_codes.secrets import (
    SECRET_FILE_EMPTY,
    SECRET_FILE_TOO_LARGE,
    SECRET_FILE_UNREADABLE,
    SECRET_SET_TWICE,
)

SETTLED_NANOSECONDS: Final = 1_000_000_000
"""Age from which a file's time of change identifies its content. Source: Linux, `CONFIG_HZ`: steps of 1 to 10 ms; one
second also covers file systems with whole seconds."""

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Secret(Protocol):
    """A secret whose value may change while the process runs."""

    def read(self) -> str:
        """Return the current value."""


@dataclass(frozen=True)
class FixedSecret:
    """A value that stays until the process ends, such as that of an environment variable."""

    value: str = field(repr=False)

    def read(self) -> str:
        """Return the value."""
        return self.value


class _Seen(NamedTuple):
    """A value, and the file that it came from: device, inode, size in bytes and time of change in nanoseconds."""

    version: tuple[int, int, int, int]
    value: str
    is_settled: bool
    """Whether a later change has another time: a clock of the file system has steps of milliseconds."""


class SecretFile:
    """A file with a secret: UTF-8 text, without the line ends at its end. Safe for threads."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._seen: _Seen | None = None
        self._is_lost = False

    def __repr__(self) -> str:
        return f"SecretFile({str(self.path)!r})"

    def read(self) -> str:
        """Return the value; an unchanged file costs one system call.

        A file that was read before and is missing, empty or unreadable now keeps its last value, after one log line.
        Raises MessageError if there is no last value.
        """
        seen = self._seen
        try:
            if seen is not None and seen.is_settled and _version(self.path.stat()) == seen.version:
                return seen.value
            found = _read(self.path)
        except (OSError, MessageError) as error:
            return self._last_value(error)
        if seen is not None and found.value != seen.value:
            logger.info("%s has changed; the new value is used from now on", self.path)
        self._seen, self._is_lost = found, False
        return found.value

    def _last_value(self, error: OSError | MessageError) -> str:
        if isinstance(error, OSError):
            error = SECRET_FILE_UNREADABLE.error(path=self.path, reason=error.strerror)
        if self._seen is None:
            raise error from None
        if not self._is_lost:
            self._is_lost = True
            logger.warning("the last value stays in use: %s", error)
        return self._seen.value


class ParsedSecret(Generic[T]):
    """A secret as an object; a new value that cannot be parsed keeps the last object, after one log line."""

    def __init__(self, secret: Secret, parse: Callable[[str], T]) -> None:
        """`parse` raises MessageError. Raises MessageError if the first value is invalid."""
        self._secret, self._parse = secret, parse
        self._text = secret.read()
        self._value = parse(self._text)

    def get(self) -> T:
        """Return the object of the current value; the same one as long as the value is the same."""
        text = self._secret.read()
        if text != self._text:
            self._text = text
            try:
                self._value = self._parse(text)
            except MessageError as error:
                logger.error("the last value stays in use: %s", error)  # noqa: TRY400 - one line with its fix, no traceback
        return self._value


class SecretsInFiles(NamedTuple):
    """The variables of an environment that `<VARIABLE>_FILE` sets."""

    files: dict[str, SecretFile]
    """Variable -> its file, which has been read."""

    issues: list[Message]


def secrets_in_files(environment: Mapping[str, str], variables: Iterable[str]) -> SecretsInFiles:
    """Read the file of each of the `variables` that has one; an empty variable counts as unset."""
    found = SecretsInFiles({}, [])
    for variable in variables:
        named = f"{variable}{FILE_SUFFIX}"
        if not environment.get(named):
            continue
        if environment.get(variable):
            found.issues.append(SECRET_SET_TWICE.message(file=named, variable=variable))
            continue
        file = SecretFile(environment[named])
        try:
            file.read()
        except MessageError as error:
            found.issues.extend(message.at(named) for message in error.messages)
        else:
            found.files[variable] = file
    return found


def _version(stat: os.stat_result) -> tuple[int, int, int, int]:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def _read(path: Path) -> _Seen:
    """Read the file. Raises OSError, MessageError."""
    with path.open("rb") as file:
        stat = os.fstat(file.fileno())  # of the open file: another one may have this path by now
        content = file.read(MAX_SECRET_BYTES + 1)
    if len(content) > MAX_SECRET_BYTES:
        raise SECRET_FILE_TOO_LARGE.error(path=path, most=MAX_SECRET_BYTES)
    try:
        value = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SECRET_FILE_UNREADABLE.error(path=path, reason="it is not UTF-8 text") from None
    if not value.strip():
        raise SECRET_FILE_EMPTY.error(path=path)
    return _Seen(_version(stat), value, time.time_ns() - stat.st_mtime_ns > SETTLED_NANOSECONDS)
