"""The console in a real browser: first paint, how soon a change is seen, and what many open pages cost."""

from __future__ import annotations

import http.client
import shutil
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from many import fill
from rich.table import Table
from timing import Spread, interleaved, ratio
from workspace import Workspace, array, operator

from clara_cli.config import Config
from clara_cli.database import Database
from clara_cli.jobs import store
from clara_cli.jobs.states import JobEvent, OperatorEvent
from clara_cli.root import choose_root

# A page shows fifty.
FEW, FULL, MANY = 10, 50, 10_000
PAGES, CHANGES = 50, 20
TARGET = 300
# When the badge of an operator says something else, as the browser's own clock has it.
_WATCH = """(name) => {
  window.seen = new Promise((done) => {
    const badge = () => document.getElementById(`operator-${name}`).querySelector(".badge").textContent.trim();
    const before = badge();
    new MutationObserver(() => badge() !== before && done(Date.now())).observe(
      document.getElementById("overview"), { subtree: true, childList: true, characterData: true, attributes: true });
  });
}"""


def measure(runs: int) -> list[Table]:
    """Three tables; none where there is no Chromium, or no playwright to drive it."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        program = None
    if program is None:
        sys.stderr.write("console: needs Chromium, and pip install playwright\n")
        return []
    with ExitStack() as stack:
        spaces = {count: stack.enter_context(Workspace()) for count in (FEW, FULL, MANY)}
        for count, space in spaces.items():
            fill(space, count)
        addresses = {count: stack.enter_context(_console(space)) for count, space in spaces.items()}
        many = spaces[MANY]
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=program, args=["--no-sandbox"])
        stack.callback(browser.close)

        def paint(count: int) -> Callable[[], float]:
            def run() -> float:
                page = browser.new_page()
                page.goto(f"{addresses[count][0]}/jobs")
                query = "performance.getEntriesByName('first-contentful-paint').map((entry) => entry.startTime)"
                while not (found := page.evaluate(query)):
                    page.wait_for_timeout(5)
                page.close()
                return float(found[0]) / 1000

            return run

        paints = interleaved({count: paint(count) for count in spaces}, runs)
        page = browser.new_page()
        delays = _delays(many, page, addresses[MANY][0], runs)
        page.close()
        crowd = _crowd(many, *addresses[MANY])
    return [_paint_table(paints), _delay_table(delays), _crowd_table(crowd)]


@contextmanager
def _console(space: Workspace) -> Iterator[tuple[str, int]]:
    """Address and process of a console."""
    said = dict(line.split(": ", 1) for line in space.clara("console", "start", "--port", "0").splitlines())
    try:
        yield said["ADDRESS"], int(said["PID"])
    finally:
        space.clara("console", "stop")


def _running_job(space: Workspace, operators: int) -> str:
    """A job that counts as running, without a process: what happens to it is written by hand."""
    pipeline = space.pipeline([operator(f"step-{n}", "noop", [], [array("token", 1)]) for n in range(operators)])
    job = space.job(pipeline)
    with Database(choose_root(Config(root=space.root))) as database, database.write() as connection:
        connection.execute("UPDATE jobs SET submitted = created WHERE id = ?", (job,))
        store.change_job(connection, job, JobEvent.RUN)
    return job


def _delays(space: Workspace, page: object, address: str, count: int) -> list[float]:
    """Seconds from the commit of an operator's change to the page that shows it."""
    job = _running_job(space, count)
    folder = space.root / "jobs" / job
    found = []
    with _held(folder), Database(choose_root(Config(root=space.root))) as database:
        page.goto(f"{address}/jobs/{job}")  # type: ignore[attr-defined]
        page.locator("#live.is-live").wait_for()  # type: ignore[attr-defined]
        for number in range(count):
            # At no particular moment of the console's own rhythm.
            time.sleep(0.3 + 0.017 * number)
            page.evaluate(_WATCH, f"step-{number}")  # type: ignore[attr-defined]
            with database.write() as connection:
                store.change_operator(connection, job, f"step-{number}", OperatorEvent.BEGIN)
            began = time.time()
            found.append(page.evaluate("window.seen") / 1000 - began)  # type: ignore[attr-defined]
    return found


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """As long as this lasts the job counts as alive."""
    from clara_cli.jobs import lock

    handle = lock.acquire(folder)
    assert handle is not None
    try:
        yield
    finally:
        import os

        os.close(handle)


def _crowd(space: Workspace, address: str, pid: int) -> dict[int, tuple[float, float, float]]:
    """Open pages → memory (MiB), CPU time of the console for one change, and seconds until all pages have it."""
    results = {}
    job = _running_job(space, CHANGES * 2)
    host, port = address.removeprefix("http://").split(":")
    with _held(space.root / "jobs" / job), Database(choose_root(Config(root=space.root))) as database:
        first = 0
        for pages in (1, PAGES):
            with ExitStack() as stack:
                readers = [stack.enter_context(_page(host, int(port), job)) for _ in range(pages)]
                time.sleep(0.5)
                took, began = [], _cpu(pid)
                for number in range(first, first + CHANGES):
                    done = [reader.seen for reader in readers]
                    start = time.perf_counter()
                    with database.write() as connection:
                        store.change_operator(connection, job, f"step-{number}", OperatorEvent.BEGIN)
                    while any(reader.seen == before for reader, before in zip(readers, done, strict=True)):
                        time.sleep(0.001)
                    took.append(time.perf_counter() - start)
                first += CHANGES
                results[pages] = (_memory(pid), (_cpu(pid) - began) / CHANGES, statistics.median(took))
    return results


class _Reader:
    """What the script of a page does: it waits for news, then asks for the part that shows them."""

    def __init__(self, host: str, port: int, job: str) -> None:
        self.seen = 0
        self._host, self._port, self._job = host, port, job
        self._news = http.client.HTTPConnection(host, port, timeout=60)
        self._news.request("GET", f"/events?topic=job:{job}")
        self._stream = self._news.getresponse()
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        parts = http.client.HTTPConnection(self._host, self._port, timeout=60)
        try:
            while line := self._stream.readline():
                if line.startswith(b"event: news"):
                    parts.request("GET", f"/jobs/{self._job}", headers={"X-Clara-Part": "job_overview"})
                    parts.getresponse().read()
                    self.seen += 1
        except (OSError, ValueError, http.client.HTTPException):
            pass

    def close(self) -> None:
        if self._news.sock is not None:
            self._news.sock.close()


@contextmanager
def _page(host: str, port: int, job: str) -> Iterator[_Reader]:
    reader = _Reader(host, port, job)
    try:
        yield reader
    finally:
        reader.close()


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _paint_table(results: dict[int, list[float]]) -> Table:
    table = Table(title="console: the jobs view, from the request to the first paint, ms, median (least - greatest)")
    for column in (*(f"{count:,} jobs" for count in results), "many to a full page"):
        table.add_column(column)
    _, full, many = results.values()
    table.add_row(*(Spread.of(item).milliseconds() for item in results.values()), f"{ratio(many, full):.2f}")
    return table


def _delay_table(series: list[float]) -> Table:
    table = Table(title=f"console: from an operator's change in the database to the page, ms; target {TARGET}")
    table.add_column("time")
    table.add_row(Spread.of(series).milliseconds())
    return table


def _crowd_table(results: dict[int, tuple[float, float, float]]) -> Table:
    table = Table(title="console: pages of one running job, open at the same time")
    for column in ("pages", "memory of the console, MiB", "CPU time for one change, ms", "until all have it, ms"):
        table.add_column(column)
    for pages, (memory, cpu, took) in results.items():
        table.add_row(str(pages), f"{memory:.0f}", f"{cpu * 1000:.1f}", f"{took * 1000:.0f}")
    return table
