"""Draws the pictures of docs/how-to/connect-a-client.md: `python -m tests.engines.login.pictures FOLDER`."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.conftest import engine_path
from tests.engines.login.environment import Login, login_environment
from tests.engines.login.pages import ServerPage, consent, log_in
from tests.engines.login.stack import EXAMPLE


def draw(login: Login, folder: Path) -> None:
    """Draw a login as the user ada, and the tools of the user ben."""
    for user in ("ada", "ben"):
        with login.inspector(EXAMPLE / "inspector.json") as inspector, login.browser() as browser:
            page = ServerPage(browser.pages[0], inspector.url)
            page.page.set_viewport_size({"width": 640, "height": 470})
            page.open()
            page.connect()
            expect(page.page.get_by_label("Username")).to_be_visible()
            save(page.page, folder / "log-in.png")
            log_in(page.page, user)
            expect(page.page.get_by_text("Grant Access")).to_be_visible()
            save(page.page, folder / "consent.png")
            page.page.set_viewport_size({"width": 1240, "height": 460})
            consent(page.page)
            page.expect_connected("2026-07-28")
            page.page.get_by_label("Close monitoring sidebar").click()
            if user == "ada":
                page.call("add_note", Text="Ask Grace about the compiler")
            else:
                page.call("list_notes")
            save(page.page, folder / f"tools-of-{user}.png")


def save(page: Page, file: Path) -> None:
    """Draw the page without the text cursor, when its fonts and styles are there."""
    page.wait_for_load_state("networkidle" if "login.example.com" in page.url else "load")
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=file, caret="hide", animations="disabled")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as state, login_environment(engine_path, Path(state)) as environment:
        draw(environment, folder)
