"""A real Chromium without a window, whose only way out is the login network."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from playwright.sync_api import BrowserContext, expect, sync_playwright

from tests.engines.login.network import LoginNetwork

STEP_MILLISECONDS: Final = 60_000
"""Bound of every wait for an element: a busy machine draws slowly."""

VIEW: Final = {"width": 1280, "height": 800}


@contextlib.contextmanager
def chromium(program: Path, profile: Path, network: LoginNetwork) -> Iterator[BrowserContext]:
    """A browser with an empty profile during the block.

    It trusts the keys of the network's hosts alone.
    """
    arguments = [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--ignore-certificate-errors-spki-list={','.join(network.pins)}",
    ]
    with sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            profile,
            executable_path=program,
            args=arguments,
            chromium_sandbox=False,  # root has none
            proxy={"server": network.proxy_url, "bypass": "localhost,127.0.0.1"},
            viewport={"width": VIEW["width"], "height": VIEW["height"]},
            locale="en-US",
        )
        context.set_default_timeout(STEP_MILLISECONDS)
        expect.set_options(timeout=STEP_MILLISECONDS)
        try:
            yield context
        finally:
            context.close()
