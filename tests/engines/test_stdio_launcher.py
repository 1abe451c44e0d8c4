"""The stdio launcher: its own tests, and the bridge in front of a hostile server behind it."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from mcp import MCPError

from meshed_mcp import contract
from tests.behaviors.replicas import free_port
from tests.conftest import absent
from tests.engines.waiting import wait_for
from tests.unit.agents.bridge.conftest import Bridge, bridged
from tests.unit.agents.bridge.test_process import call, command, living, until

SOURCE: Final = Path(__file__).parents[2] / "image" / "stdio-launcher"
TEST_SECONDS: Final = 120


def go() -> str:
    """Path of Go, which the engines need too."""
    found = shutil.which("go")
    if found is None:
        absent("go", "install Go >= 1.26 (https://go.dev/dl)")
    return found


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built from source."""
    program = tmp_path_factory.mktemp("launcher") / "stdio-launcher"
    build = [go(), "build", "-C", str(SOURCE), "-trimpath", "-buildvcs=false", "-o", str(program), "."]
    subprocess.run(build, env={**os.environ, "CGO_ENABLED": "0"}, check=True, timeout=TEST_SECONDS)
    return program


@asynccontextmanager
async def behind_launcher(launcher: Path, log: Path, *ways: str, **settings: Any) -> AsyncIterator[Bridge]:
    """A bridge in front of the hostile server behind the launcher."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - starts at once, and no other task runs here
            [launcher, "--listen", f"127.0.0.1:{port}", "--", *command(*ways)], stdout=output, stderr=output
        )
    try:
        wait_for(lambda: "listening on" in log.read_text(), "the launcher listens")
        async with bridged(upstream_address=f"127.0.0.1:{port}", legacy="sticky", **settings) as bridge:
            yield bridge
    finally:
        process.terminate()
        process.wait(10)


def test_the_launchers_own_tests_pass() -> None:
    """Requirement BRG-6: `go test` of image/stdio-launcher."""
    done = subprocess.run([go(), "test", "./..."], cwd=SOURCE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_program_is_static(launcher: Path, tmp_path: Path) -> None:
    """Requirement BRG-11: it runs in an image without libraries, where an init container has installed it."""
    target = tmp_path / "installed"
    subprocess.run([launcher, "install", target], check=True)
    assert target.read_bytes() == launcher.read_bytes()
    assert b"ld-linux" not in target.read_bytes()


@pytest.mark.anyio
async def test_each_session_is_a_process_that_ends_with_it(launcher: Path, tmp_path: Path) -> None:
    """Requirement BRG-6: the whole group of each session ends."""
    async with behind_launcher(launcher, tmp_path / "log", "fork") as bridge:
        pids = {int(await call(bridge, "pid", "legacy")) for _ in range(3)}
        assert len(pids) == 3
        await until(lambda: not any(living(pid) for pid in pids))
        assert bridge.sample(contract.METRIC_UPSTREAM_PROCESSES) == 0


@pytest.mark.anyio
async def test_the_exit_code_is_in_the_error(launcher: Path, tmp_path: Path) -> None:
    """Requirement BRG-4: the launcher reports the exit code, and the next call restarts."""
    async with behind_launcher(launcher, tmp_path / "log") as bridge:
        with pytest.raises(MCPError, match="exited with code 3 during the call"):
            await call(bridge, "die", "legacy")
        assert int(await call(bridge, "pid", "legacy")) > 0


@pytest.mark.anyio
async def test_standard_error_is_in_the_launchers_log(launcher: Path, tmp_path: Path) -> None:
    """Requirement BRG-7: 100 MB of standard error are bounded, and each line names its session."""
    log = tmp_path / "log"
    async with behind_launcher(launcher, log, call_seconds=20) as bridge:
        assert await call(bridge, "scream", "legacy") == "screamed"
    text = log.read_text()
    assert '"session":"' in text
    assert len(text) < 1_000_000


@pytest.mark.anyio
async def test_a_launcher_that_is_down_is_an_error(launcher: Path, tmp_path: Path) -> None:
    """Requirement BRG-4: the address is in the error."""
    async with behind_launcher(launcher, tmp_path / "log") as bridge:
        connector: Any = bridge.service.proxy.pool.connector
        connector._port = free_port()  # as if the launcher had ended
        with pytest.raises(MCPError, match=r"The stdio launcher at 127\.0\.0\.1:\d+ does not respond"):
            await call(bridge, "pid", "legacy")
