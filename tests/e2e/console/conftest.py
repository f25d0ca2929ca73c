"""Consoles, and the machine's own browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from console_support import Console, console_in, find_chromium
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

# A busy machine is no fault of the code.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console for all tests of one file."""
    with console_in(tmp_path_factory.mktemp("console")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; skipped where there is none. While it lives no test of this process can run a loop of its own."""
    program = find_chromium()
    if program is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield running
        running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A person with a browser of their own, in another time zone."""
    made = browser.new_context(locale="en-GB", timezone_id="Asia/Tokyo", viewport={"width": 1300, "height": 900})
    made.set_default_timeout(20_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page; whatever it complains about, such as what the policy forbids, fails the test."""
    complaints: list[str] = []
    made = context.new_page()
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield made
    # A connection that was lost, as where a test restarts the console, is no fault of the page.
    assert [text for text in complaints if "ERR_" not in text] == []


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with an input file."""
    folder = tmp_path / "input"
    folder.mkdir()
    (folder / "a.txt").write_text("first")
    (folder / "deep").mkdir()
    (folder / "deep" / "b.txt").write_text("second")
    return folder
