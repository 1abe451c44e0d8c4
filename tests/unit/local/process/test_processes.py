"""Processes of a run: start, termination, and messages about unexpected ends."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.processes import Processes, Program, last_line

READY = "import signal, sys, pathlib; {0}; pathlib.Path(sys.argv[1]).touch(); signal.pause()"
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


def python(name: str, code: str, folder: Path) -> Program:
    """A Python program that creates the file `name` in `folder` when it is ready."""
    command = (sys.executable, "-I", "-S", "-c", code, str(folder / name))
    return Program(name=name, command=command, env={}, log=folder / f"{name}.log")


def alive(pid: int) -> bool:
    """Whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def running(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("code", ["pass", STUBBORN])
def test_processes_end_with_the_block_even_if_they_ignore_sigterm(tmp_path: Path, code: str) -> None:
    """Requirement LOC-3: SIGTERM, a bounded wait, SIGKILL."""
    with Processes(stop_seconds=1.0) as group:
        group.start(python("one", READY.format(code), tmp_path))
        group.wait_until(lambda name: (tmp_path / name).exists(), 20, lambda _: None)
        pid = group.pids["one"]
        begin = time.monotonic()
    assert not alive(pid)
    assert time.monotonic() - begin < 5


def test_children_of_a_process_end_with_it(tmp_path: Path) -> None:
    """Requirement LOC-3: the whole process group is ended."""
    command = f"[{sys.executable!r}, '-c', {READY.format(STUBBORN)!r}, sys.argv[1] + '.x']"
    child = f"import subprocess; p = subprocess.Popen({command})"
    write = "pathlib.Path(sys.argv[1] + '.pid').write_text(str(p.pid))"
    with Processes(stop_seconds=1.0) as group:
        group.start(python("one", READY.format(f"{child}; {write}"), tmp_path))
        group.wait_until(lambda name: (tmp_path / f"{name}.x").exists(), 20, lambda _: None)
        pid = int((tmp_path / "one.pid").read_text())
    deadline = time.monotonic() + 5
    while running(pid):  # it is no child of this process, so its end cannot be awaited
        assert time.monotonic() < deadline


def test_a_process_that_exits_is_named_with_its_last_line(tmp_path: Path) -> None:
    """Requirement LOC-4: name, last line of the log, path of the log."""
    with Processes(stop_seconds=1.0) as group:
        group.start(python("one", "raise SystemExit('out of luck')", tmp_path))
        with pytest.raises(LocalRunError) as error:
            group.wait_until(lambda _: False, 20, lambda _: None)
    assert error.value.messages == (f"one ended with code 1: out of luck (log: {tmp_path / 'one.log'})",)


def test_a_process_that_is_not_ready_in_time_is_named(tmp_path: Path) -> None:
    """Requirement LOC-4: every wait is bounded."""
    with Processes(stop_seconds=1.0) as group:
        group.start(python("one", READY.format("pass"), tmp_path))
        with pytest.raises(LocalRunError) as error:
            group.wait_until(lambda _: False, 0.2, lambda _: None)
    assert error.value.messages == (f"one is not ready after 0 s: it wrote nothing (log: {tmp_path / 'one.log'})",)


def test_the_environment_is_the_programs_own(tmp_path: Path) -> None:
    """Requirement LOC-3: no variable of this machine's environment reaches a process unless it is declared."""
    program = python("one", "import os; print(sorted(os.environ.keys() - {'LC_CTYPE'}))", tmp_path)
    with Processes(stop_seconds=1.0) as group:
        group.start(Program(program.name, program.command, {"ONLY": "1"}, program.log))
        with pytest.raises(LocalRunError, match="ended with code 0"):
            group.wait_until(lambda _: False, 20, lambda _: None)
    assert program.log.read_text() == "['ONLY']\n"


def test_ctrl_c_of_the_terminal_does_not_reach_the_processes(tmp_path: Path) -> None:
    """Requirement LOC-3: the run stops processes in order, so each has a process group of its own."""
    with Processes(stop_seconds=1.0) as group:
        group.start(python("one", READY.format("pass"), tmp_path))
        group.wait_until(lambda name: (tmp_path / name).exists(), 20, lambda _: None)
        assert os.getpgid(group.pids["one"]) == group.pids["one"] != os.getpgid(0)
        os.kill(group.pids["one"], signal.SIGTERM)


def test_a_long_last_line_is_truncated(tmp_path: Path) -> None:
    """Requirement LOC-4: one line per error."""
    log = tmp_path / "log"
    log.write_text(f"first\n{'x' * 1000}\n\n")
    assert last_line(log) == "x" * 300


@pytest.mark.parametrize(("code", "ended_with"), [("pass", -15), (STUBBORN, -9)])
def test_a_process_gets_one_sigterm_and_then_sigkill(tmp_path: Path, code: str, ended_with: int) -> None:
    """Requirement RUN-1: a second SIGTERM would cancel the calls that the first one lets finish."""
    with Processes(stop_seconds=1.0) as group:
        for name in ("one", "two"):
            group.start(python(name, READY.format(code), tmp_path))
        group.wait_until(lambda name: (tmp_path / name).exists(), 20, lambda _: None)
        group.terminate("one")
        assert group.wait_ended("one", 1.0) == ended_with
        assert group.pids.keys() == {"two"}
        assert group.ended() == []
        assert alive(group.pids["two"])


def test_a_killed_process_is_not_reported_as_an_unexpected_exit(tmp_path: Path) -> None:
    """Requirement LOC-4: a deliberate stop is not an error."""
    with Processes(stop_seconds=1.0) as group:
        group.start(python("one", READY.format("pass"), tmp_path))
        group.wait_until(lambda name: (tmp_path / name).exists(), 20, lambda _: None)
        assert group.kill("one") == -9
        assert (group.pids, group.ended()) == ({}, [])
