"""The console as people use it: a real browser, real jobs."""

from __future__ import annotations

import os
import re
import signal
import zipfile
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from console_support import Console, many_jobs
from playwright.sync_api import Browser, BrowserContext, Page, expect
from support import EXAMPLE, nibabel_volumes, wait_until

from clara_cli.jobs import lock

SLOW = """
import os, sys, time
for number in range(400):
    print(f"line {number}", flush=True)
    time.sleep(0.05)
"""
COPY = """
import os, pathlib, shutil
import clara
def execute(driver, payload):
    for entry in payload.input_entries:
        shutil.copytree(entry.path, payload.output_entries[0].path, dirs_exist_ok=True)
driver = clara.Driver(execute_handler=execute)
driver.start()
driver.wait_for_completion()
"""


def written(page: Page) -> str:
    """What is shown of a log."""
    script = "log => [...log.querySelectorAll('.piece')].map((piece) => piece.textContent).join('')"
    text: str = page.locator("#log-text").evaluate(script)
    return text


def test_the_documented_walkthrough_from_the_page(console: Console, page: Page) -> None:
    definition = EXAMPLE / "fastio-passthrough-dynamic-pipeline.yaml"
    pipeline = console.clara("create", "pipelines", "-p", definition).stdout.split()[-1]
    page.goto(f"{console.address}/pipelines")
    page.get_by_role("link", name="fastio-passthrough-dynamic-pipeline").click()
    expect(page).to_have_url(f"{console.address}/pipelines/{pipeline}")
    expect(page.get_by_text("api-version").first).to_be_visible()
    page.get_by_label("Name").fill("from the page")
    page.locator("#job-files").set_input_files(nibabel_volumes() / "anatomical.nii")
    expect(page.locator("#chosen")).to_contain_text("1 file")
    page.get_by_role("button", name="Upload and start").click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f]{32}$"))
    expect(page.locator("#job-head .badge")).to_have_text("succeeded", timeout=60_000)
    page.get_by_role("link", name="Files", exact=True).click()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download /operators").or_(
            page.get_by_label(re.compile("Download .*comparison.txt"))
        ).first.click()
    assert Path(taken.value.path()).read_bytes() == b"true"


def test_a_job_is_followed_live_to_its_end(console: Console, page: Page) -> None:
    pipeline = console.pipeline("live", reader="import time; time.sleep(1.5)", writer="import time; time.sleep(1.5)")
    job = console.job(pipeline, "watched")
    page.goto(f"{console.address}/jobs/{job}")
    badge = page.locator("#job-head .badge")
    expect(badge).to_have_text("pending")
    expect(page).to_have_title("Job watched · Clara")
    # Not a single page is loaded from here on.
    page.evaluate("window.stayed = true")
    console.clara("start", "job", "-j", job, "--detach")
    expect(badge).to_have_text("running")
    reader = page.locator("#operator-reader .badge")
    expect(reader).to_have_text("running")
    expect(page.locator(".graph .state-running").first).to_be_visible()
    expect(reader).to_have_text("completed")
    expect(page.locator("#operator-writer .badge")).to_have_text("running")
    expect(badge).to_have_text("succeeded")
    expect(page.get_by_text("STOPPED · HEALTHY")).to_be_visible()
    assert page.evaluate("window.stayed")


def test_times_are_in_the_zone_of_whoever_looks(console: Console, page: Page) -> None:
    job = console.job(console.pipeline("zones"), "timed")
    page.goto(f"{console.address}/jobs/{job}")
    created = datetime.fromtimestamp(console.record(job).created, timezone.utc).astimezone(ZoneInfo("Asia/Tokyo"))
    shown = page.locator("dt:text-is('Created') + dd time")
    expect(shown).to_contain_text(created.strftime("%H:%M"))


def test_a_failing_job_shows_why_and_is_resumed(console: Console, page: Page, files: Path) -> None:
    failing = "import pathlib, sys\nprint('looking')\nsys.exit('no lesion found <b>here</b>')\n"
    job = console.job(console.pipeline("failing", writer=failing), "unlucky", files, start=True)
    console.ended(job)
    page.goto(f"{console.address}/jobs/{job}")
    expect(page.locator("#job-head .badge")).to_have_text("failed")
    expect(page.locator(".note.is-error")).to_contain_text("no lesion found <b>here</b>")
    page.get_by_role("link", name="Logs", exact=True).click()
    # The one that failed is shown first.
    expect(page).to_have_url(re.compile("/logs/writer$"))
    expect(page.locator("#log-text")).to_contain_text("no lesion found <b>here</b>")
    expect(page.locator("#log-state")).to_have_text("Complete")
    page.get_by_role("button", name="Resume from where it failed").click()
    page.wait_for_url(lambda url: job not in url)
    expect(page.locator("#job-head .badge")).to_have_text("failed")
    expect(page.locator(".notes")).to_contain_text("operator reader taken over")


def test_a_job_is_run_again_whole_and_from_an_operator(console: Console, page: Page, files: Path) -> None:
    job = console.job(console.pipeline("again"), "first", files, start=True)
    console.ended(job)
    page.goto(f"{console.address}/jobs/{job}")
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url(lambda url: job not in url)
    second = page.url.rpartition("/")[2]
    assert console.ended(second).succeeded
    payload = console.root.payloads / console.record(second).payload_id
    assert (payload / "input" / "deep" / "b.txt").read_text() == "second"
    expect(page.locator(".notes")).to_contain_text("no operator taken over")
    page.locator("#operator-writer").get_by_role("button", name="Run from here").click()
    page.wait_for_url(lambda url: second not in url)
    expect(page.locator(".notes")).to_contain_text("operator reader taken over")


def test_a_running_job_is_cancelled(console: Console, page: Page) -> None:
    job = console.job(console.pipeline("long", reader="import time; time.sleep(600)"), "endless", start=True)
    page.goto(f"{console.address}/jobs/{job}")
    expect(page.locator("#job-head .badge")).to_have_text("running")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#job-head .badge")).to_have_text("cancelled")
    expect(page.locator("#live.is-live")).to_be_visible()  # the script has been loaded: it is the one to ask
    assert console.ended(job).status.value == "CANCELED"
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Delete").click()
    assert console.record(job).name == "endless"
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url(f"{console.address}/jobs")
    assert console.get(f"/jobs/{job}").status_code == 404


def test_a_job_whose_runner_was_killed_does_not_run_for_ever(console: Console, page: Page) -> None:
    job = console.job(console.pipeline("orphan", reader="import time; time.sleep(600)"), "orphan", start=True)
    page.goto(f"{console.address}/jobs/{job}")
    expect(page.locator("#job-head .badge")).to_have_text("running")
    runner = lock.signer(console.root.jobs / job)
    assert runner is not None
    os.kill(runner, signal.SIGKILL)
    expect(page.locator("#job-head .badge")).to_have_text("evicted")
    expect(page.locator(".notes")).to_contain_text("ended without notice")


def test_a_log_is_followed_as_it_grows_and_searched(console: Console, page: Page) -> None:
    job = console.job(console.pipeline("talking", reader=SLOW), "talker", start=True)
    page.goto(f"{console.address}/jobs/{job}/logs/reader")
    text = page.locator("#log-text")
    expect(text).to_contain_text("line 5\n")
    expect(text).to_contain_text("line 40\n")
    at_end = "e => e.scrollHeight - e.scrollTop - e.clientHeight < 60"
    assert text.evaluate(at_end)
    # Who scrolls up reads on in peace.
    text.evaluate("e => { e.scrollTop = 0; }")
    expect(page.get_by_label("Follow")).not_to_be_checked()
    page.get_by_placeholder("Search the whole log").fill("LINE 7")
    page.keyboard.press("Enter")
    expect(page.locator("#log-matches button").first).to_have_text("line 7")
    expect(page.locator("#log-found")).to_contain_text("“LINE 7”")
    page.locator("#log-matches button").first.click()
    wait_until(lambda: written(page).startswith("line 7\nline 8\n"), "the place that was found")
    console.clara("cancel", "job", "-j", job)


def test_five_thousand_jobs_are_searched_filtered_and_paged(console: Console, page: Page) -> None:
    pipeline = console.pipeline("many")
    many_jobs(console, pipeline, 5000, lambda number: f"patient {number:05}")
    page.goto(f"{console.address}/jobs?pipeline={pipeline}")
    rows = page.locator("table.jobs tbody tr")
    expect(rows).to_have_count(50)
    expect(page.locator(".pages")).to_contain_text("1–50 of 5,000 jobs")
    page.get_by_role("searchbox").press_sequentially("patient 01234")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("patient 01234")
    # The address is what a colleague is sent.
    assert "q=patient+01234" in page.url
    page.reload()
    expect(rows).to_have_count(1)
    page.get_by_role("link", name="Clear").click()
    expect(rows).to_have_count(50)
    page.get_by_label("Pipeline").select_option(pipeline)
    expect(page.locator(".pages")).to_contain_text("1–50 of 5,000 jobs")
    page.get_by_label("Priority").select_option("HIGHER")
    expect(page.locator(".pages")).to_contain_text("1–50 of 50 jobs")
    page.get_by_label("Priority").select_option("")
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".pages")).to_contain_text("51–100 of 5,000 jobs")
    expect(rows.first).to_contain_text("patient 04950")
    page.get_by_role("columnheader", name="Job").get_by_role("link").click()
    expect(rows.first).to_contain_text("patient 00001")
    page.get_by_role("searchbox").fill("no such thing")
    expect(page.get_by_text("No job fits")).to_be_visible()
    page.get_by_role("searchbox").fill("patient 01234 %_")
    expect(page.get_by_text("No job fits")).to_be_visible()


def test_the_list_changes_by_itself_in_two_browsers(console: Console, page: Page, browser: Browser) -> None:
    pipeline = console.pipeline("two", reader="import time; time.sleep(1)")
    other = browser.new_context()
    second = other.new_page()
    for each in (page, second):
        each.goto(f"{console.address}/jobs?q=twofold")
        expect(each.get_by_text("No job fits")).to_be_visible()
    job = console.job(pipeline, "twofold")
    for each in (page, second):
        expect(each.locator(f"#row-{job} .badge")).to_have_text("pending")
    # One starts it, the other sees it.
    page.get_by_role("link", name="twofold", exact=True).click()
    page.get_by_role("button", name="Start").click()
    expect(second.locator(f"#row-{job} .badge")).to_have_text("running")
    expect(second.locator(f"#row-{job} .badge")).to_have_text("succeeded")
    expect(page.locator("#job-head .badge")).to_have_text("succeeded")
    other.close()


def test_a_page_comes_back_when_the_console_was_restarted(console: Console, page: Page) -> None:
    job = console.job(console.pipeline("restart", reader="import time; time.sleep(2)"), "patient one")
    page.goto(f"{console.address}/jobs/{job}")
    expect(page.locator("#live")).to_have_text("Live")
    console.stop()
    expect(page.locator("#live")).to_have_text("Reconnecting…")
    console.clara("start", "job", "-j", job, "--detach")
    console.start()
    expect(page.locator("#live")).to_have_text("Live")
    expect(page.locator("#job-head .badge")).to_have_text("succeeded", timeout=30_000)
    # The form of before the restart is still good.
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url(lambda url: job not in url)


def test_a_folder_is_dropped_and_its_results_taken_as_zip(console: Console, page: Page, files: Path) -> None:
    pipeline = console.pipeline("copying", reader=COPY, writer=COPY)
    page.goto(f"{console.address}/pipelines/{pipeline}")
    page.locator("#job-folder").set_input_files(files)
    expect(page.locator("#chosen")).to_contain_text("2 files")
    expect(page.locator("#chosen")).to_contain_text("deep/b.txt")
    page.get_by_role("button", name="Upload and start").click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f]{32}$"))
    expect(page.locator("#job-head .badge")).to_have_text("succeeded")
    page.get_by_role("link", name="Files", exact=True).click()
    with page.expect_download() as taken:
        page.get_by_label("Download the folder operators/writer as zip").click()
    with zipfile.ZipFile(taken.value.path()) as made:
        assert sorted(made.namelist()) == ["a.txt", "deep/b.txt"]
        assert made.read("deep/b.txt") == b"second"


def test_what_operators_took_suggests_requests(console: Console, page: Page) -> None:
    hungry = """
    import time
    held = bytearray(200 << 20)
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        sum(range(10000))
    """
    job = console.job(console.pipeline("hungry", reader=hungry), "hungry", start=True)
    console.ended(job)
    page.goto(f"{console.address}/jobs/{job}/resources")
    cells = page.get_by_role("row", name="reader").get_by_role("cell")
    assert 200 < float(cells.nth(4).inner_text().removesuffix(" MiB")) < 300
    assert float(cells.nth(2).inner_text().removesuffix(" s")) > 0.05
    expect(cells.nth(6)).to_contain_text(re.compile(r"cpu: 1, memory: (256|320|384) from 1 run"))


def test_hostile_names_and_logs_are_only_shown(console: Console, page: Page, tmp_path: Path) -> None:
    name = "<script>document.title='owned'</script>\"'& <img src=x onerror=alert(1)>"
    folder = tmp_path / "in"
    folder.mkdir()
    for file in ("<img src=x onerror=alert(1)>.txt", "a&b=c?d#e.txt", "100%.txt", "$(x) `y`.txt", "new\nline.txt"):
        (folder / file).write_text(file)
    (Path(f"{folder}/").joinpath("latin-é.txt")).write_text("x")
    with open(bytes(folder) + b"/\xff\xfe.bin", "wb") as odd:  # noqa: PTH123
        odd.write(b"not text")
    program = r"""
    import sys
    sys.stdout.buffer.write(b"<script>document.title='owned'</script>\n")
    sys.stdout.buffer.write(b"\x1b]0;title\x07\x1b[31mred\x1b[0m \x1b[2Jgone \xff\n")
    sys.stdout.buffer.write("right\u202eleft\n".encode())
    """
    job = console.job(console.pipeline("hostile", reader=program), name, folder, start=True)
    console.ended(job)
    for place in ("", "/files", "/logs/reader", "/resources"):
        page.goto(f"{console.address}/jobs/{job}{place}")
        expect(page.locator("h1")).to_have_text(name)
        assert "owned" not in page.title().partition(name)[0]
        assert page.locator("img[src=x]").count() == 0
    page.goto(f"{console.address}/jobs?q={job}")
    expect(page.locator("table.jobs")).to_contain_text(name)
    page.goto(f"{console.address}/jobs/{job}/logs/reader")
    expect(page.locator("#log-text")).to_contain_text("<script>document.title='owned'</script>\nred gone \ufffd\n")
    expect(page.locator("#log-text .ansi-31")).to_have_text("red")
    expect(page.locator("#log-text")).to_contain_text("right\\u202eleft")
    page.goto(f"{console.address}/jobs/{job}/files")
    for link in page.get_by_role("link", name=re.compile("^Download (?!all|the)")).all():
        with page.expect_download() as taken:
            link.click()
        assert Path(taken.value.path()).stat().st_size > 0
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download all as zip").click()
    with zipfile.ZipFile(taken.value.path()) as made:
        assert len(made.namelist()) == 7


def test_a_log_of_100_mb_opens_at_its_end(console: Console, page: Page) -> None:
    program = """
    import sys
    line = "x" * 99 + "\\n"
    for _ in range(100):
        sys.stdout.write(line * 10000)
    print("needle in the middle")
    for number in range(1000):
        print("tail", number)
    """
    job = console.job(console.pipeline("loud", reader=program), "loud", start=True)
    console.ended(job)
    page.goto(f"{console.address}/jobs/{job}/logs/reader")
    text = page.locator("#log-text")
    expect(text).to_contain_text("tail 999")
    assert text.evaluate("e => e.textContent.length") < 1 << 20
    first = text.evaluate("e => e.textContent.length")
    page.get_by_role("button", name="Show what is before").click()
    # The page's policy forbids the browser's own waiting for an expression.
    wait_until(lambda: text.evaluate("e => e.textContent.length") > first + 100_000, "what is before")
    page.get_by_placeholder("Search the whole log").fill("needle")
    page.keyboard.press("Enter")
    expect(page.locator("#log-matches button")).to_have_count(1)
    page.locator("#log-matches button").click()
    wait_until(lambda: written(page).startswith("needle in the middle\ntail 0\n"), "the place that was found")


def test_keys_lead_everywhere(console: Console, page: Page) -> None:
    page.goto(f"{console.address}/jobs")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url(f"{console.address}/pipelines")


def test_without_scripts_everything_can_still_be_done(console: Console, browser: Browser, files: Path) -> None:
    pipeline = console.pipeline("plain")
    plain = browser.new_context(java_script_enabled=False)
    page = plain.new_page()
    page.goto(f"{console.address}/pipelines/{pipeline}")
    page.locator("input[name=name]").fill("by form")
    page.locator("#job-files").set_input_files(files / "a.txt")
    page.get_by_role("button", name="Upload and start").click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f]{32}$"))
    job = page.url.rpartition("/")[2]
    console.ended(job)
    page.reload()
    expect(page.locator("#job-head .badge")).to_have_text("succeeded")
    assert (console.root.payloads / console.record(job).payload_id / "input" / "a.txt").read_text() == "first"
    page.goto(f"{console.address}/jobs")
    page.locator("input[type=search]").fill("by form")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(f"#row-{job}")).to_be_visible()
    plain.close()


def test_empty_views_say_what_to_do(tmp_path: Path, context: BrowserContext) -> None:
    from console_support import console_in

    with console_in(tmp_path / "empty") as console:
        page = context.new_page()
        for place, words in (
            ("/pipelines", "clara create pipelines"),
            ("/jobs", "Choose a pipeline"),
            ("/images", "clara create image"),
            ("/models", "clara create model"),
        ):
            page.goto(f"{console.address}{place}")
            expect(page.locator(".empty")).to_contain_text(words)
        page.goto(f"{console.address}/pipelines")
        console.pipeline("appears")
        expect(page.get_by_role("link", name="appears")).to_be_visible()


def test_without_the_script_a_page_asks(console: Console, browser: Browser) -> None:
    job = console.job(console.pipeline("asked", reader="import time; time.sleep(600)"), "endless", start=True)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{console.address}/jobs/{job}")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Cancel this job?")).to_be_visible()
    page.get_by_role("link", name="Back").click()
    assert console.record(job).state.value in ("PENDING", "RUNNING")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel").click()
    assert console.ended(job).status.value == "CANCELED"
    page.goto(f"{console.address}/jobs/{job}")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text(f"endless ({job})")).to_be_visible()
    assert console.record(job).name == "endless"
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url(f"{console.address}/jobs")
    assert console.get(f"/jobs/{job}").status_code == 404
    context.close()


def test_jobs_keep_the_name_of_a_pipeline_that_was_deleted(console: Console) -> None:
    pipeline = console.pipeline("old")
    job = console.job(pipeline, "kept")
    assert f'href="/pipelines/{pipeline}"' in console.get(f"/jobs/{job}").text
    console.clara("delete", "pipelines", "-p", pipeline)
    for address in ("/jobs", f"/jobs/{job}"):
        text = console.get(address).text
        assert f"/pipelines/{pipeline}" not in text
        assert '<span class="quiet">(deleted)</span>' in text
