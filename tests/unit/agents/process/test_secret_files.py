"""Secrets in mounted files: read again after a change, never lost, never logged."""

import logging
import os
import threading
from pathlib import Path

import pytest

from meshed_mcp.agents.process.secret_files import FixedSecret, ParsedSecret, SecretFile, secrets_in_files
from meshed_mcp.contract import MAX_SECRET_BYTES
from meshed_mcp.error_codes.code import MessageError
from meshed_mcp.error_codes.secrets import SECRET_FILE_EMPTY
from tests.mounted_files import MountedFiles


@pytest.fixture
def mounted(tmp_path: Path) -> MountedFiles:
    """A volume with one key."""
    return MountedFiles(tmp_path / "files", {"secret/db/url": "one\n"})


def codes(error: pytest.ExceptionInfo[MessageError]) -> list[str]:
    """Codes of a refusal."""
    return [message.code for message in error.value.messages]


def test_a_replaced_file_is_read_again(mounted: MountedFiles) -> None:
    """Requirement ROT-1: the kubelet replaces a mounted Secret by a rename of `..data`."""
    secret = SecretFile(mounted.path("secret/db/url"))
    assert secret.read() == "one"
    for value in ("two", "six"):  # of one size: the folder differs
        mounted.replace({"secret/db/url": value})
        assert secret.read() == value


def test_a_file_that_is_overwritten_at_once_is_read_again(tmp_path: Path) -> None:
    """Linux, "timers": two changes within a step of the clock have one time, and here one size and one inode."""
    file = tmp_path / "token"
    file.write_text("0")
    secret = SecretFile(file)
    for number in "123456789":
        file.write_text(number)
        assert secret.read() == number


def test_an_old_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement ROT-1: an unchanged file costs one system call, at every request."""
    file = tmp_path / "token"
    file.write_text("one")
    os.utime(file, (1, 1))
    secret = SecretFile(file)
    assert secret.read() == "one"
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("an unchanged file was opened"))
    assert secret.read() == "one"


def test_the_line_ends_of_editors_are_no_part_of_a_secret(tmp_path: Path) -> None:
    """Requirement ROT-1: `echo token > file` ends with a line end; other white space is part of the value."""
    file = tmp_path / "token"
    file.write_bytes(b" a b \r\n\n")
    assert SecretFile(file).read() == " a b "


def test_a_file_that_disappears_keeps_its_last_value_with_one_log_line(
    mounted: MountedFiles, caplog: pytest.LogCaptureFixture
) -> None:
    """Requirement ROT-2: a deleted or emptied Secret ends no process that has a value."""
    secret = SecretFile(mounted.path("secret/db/url"))
    secret.read()
    mounted.replace({"secret/db/other": "x"})
    assert [secret.read(), secret.read()] == ["one", "one"]
    (record,) = caplog.records
    assert "the last value stays in use" in record.getMessage()
    mounted.replace({"secret/db/url": " \n"})
    assert secret.read() == "one"
    mounted.replace({"secret/db/url": "two"})
    assert secret.read() == "two"


@pytest.mark.parametrize("content", [b"", b"\n", b" \n"])
def test_an_empty_file_is_rejected_at_the_start(tmp_path: Path, content: bytes) -> None:
    """Requirement ROT-2: a process without a value cannot start."""
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(MessageError) as error:
        SecretFile(file).read()
    assert codes(error) == ["MM1021"]


def test_a_file_that_is_no_secret_is_rejected(tmp_path: Path) -> None:
    """Kubernetes, "Secrets", "Size limit": 1 MiB; and values of the runtime are text."""
    file = tmp_path / "token"
    for content, code in ((b"x" * (MAX_SECRET_BYTES + 1), "MM1022"), (b"\xff\xfe", "MM1020")):
        file.write_bytes(content)
        with pytest.raises(MessageError) as error:
            SecretFile(file).read()
        assert codes(error) == [code]
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(MessageError) as error:
            SecretFile(path).read()
        assert codes(error) == ["MM1020"]


def test_neither_logs_nor_texts_show_a_value(mounted: MountedFiles, caplog: pytest.LogCaptureFixture) -> None:
    """Requirement CFG-11: paths are shown, values are not."""
    caplog.set_level(logging.DEBUG)
    secret = SecretFile(mounted.path("secret/db/url"))
    secret.read()
    mounted.replace({"secret/db/url": "other-value"})
    secret.read()
    text = f"{caplog.text}{secret!r}{FixedSecret('one')!r}"
    assert "has changed; the new value is used" in text
    assert "other-value" not in text
    assert "one" not in text.replace(mounted.path(""), "")


def test_threads_see_one_value_or_the_other(mounted: MountedFiles) -> None:
    """Requirement ROT-1: a pool of threads reads while the kubelet writes."""
    secret, seen, stop = SecretFile(mounted.path("secret/db/url")), set[str](), threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(secret.read())

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    values = ["one", *(f"value-{number}" for number in range(50))]
    for value in values[1:]:
        mounted.replace({"secret/db/url": value})
    stop.set()
    for thread in threads:
        thread.join(timeout=30)
    assert seen <= set(values)
    assert secret.read() == values[-1]


def test_a_value_that_cannot_be_parsed_keeps_the_last_one(
    mounted: MountedFiles, caplog: pytest.LogCaptureFixture
) -> None:
    """Requirement ROT-2: a typing error in a Secret ends no process."""

    def number(text: str) -> int:
        if not text.isdigit():
            raise SECRET_FILE_EMPTY.error(path="the file")
        return int(text)

    mounted.replace({"secret/db/url": "1"})
    parsed = ParsedSecret(SecretFile(mounted.path("secret/db/url")), number)
    mounted.replace({"secret/db/url": "secret-word"})
    assert [parsed.get(), parsed.get()] == [1, 1]
    assert len(caplog.records) == 1
    assert "secret-word" not in caplog.text
    mounted.replace({"secret/db/url": "2"})
    assert parsed.get() == 2


def test_a_variable_has_one_source(mounted: MountedFiles) -> None:
    """Requirement CFG-5: a variable beside its file would never rotate."""
    both = {"A": "plain", "A_FILE": mounted.path("secret/db/url"), "B_FILE": "/missing", "C_FILE": ""}
    files, issues = secrets_in_files(both, ["A", "B", "C"])
    assert not files
    assert [issue.code for issue in issues] == ["MM1023", "MM1020"]
    assert issues[1].startswith("B_FILE: /missing cannot be read (No such file or directory); mount the Secret there")
