"""The views for everybody: axe finds nothing serious, light or dark, wide or narrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import axe_playwright_python
import numpy as np
import pytest
from console_support import Console
from playwright.sync_api import Browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
WIDE, NARROW = {"width": 1300, "height": 900}, {"width": 390, "height": 800}


@pytest.fixture(scope="module")
def places(console: Console, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every view, with something in it."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "a.txt").write_text("x")
    (folder / "a.csv").write_text("organ,ml\nliver,12\n")
    (folder / "broken.nii").write_text("x")
    np.save(folder / "a.npy", np.zeros((4, 5, 6)))
    np.save(folder / "b.npy", np.ones((4, 5, 6)))
    # An unknown key is a warning of the definition.
    pipeline = console.pipeline("seen")
    failing = console.pipeline("failing", writer="print('\\x1b[31mred\\x1b[0m'); raise SystemExit('no good')")
    done, failed = console.job(pipeline, "good", folder, start=True), console.job(failing, "bad", folder, start=True)
    for job in (done, failed):
        console.ended(job)
    waiting = console.job(pipeline, "waiting", folder)
    look = f"/payloads/{console.record(done).payload_id}/view/input"
    console.clara("create", "image", "-n", "some/image", "-p", console.folder / "pipelines" / "seen" / "reader")
    return {
        "pipelines": "/pipelines",
        "pipeline": f"/pipelines/{pipeline}",
        "jobs": "/jobs",
        "nothing found": "/jobs?q=nothing",
        "job": f"/jobs/{failed}",
        "waiting job": f"/jobs/{waiting}",
        "log": f"/jobs/{failed}/logs/writer",
        "files": f"/jobs/{done}/files",
        "resources": f"/jobs/{done}/resources",
        "volume": f"{look}/a.npy?overlay=input/b.npy",
        "table": f"{look}/a.csv",
        "text": f"{look}/a.txt",
        "broken volume": f"{look}/broken.nii",
        "images": "/images",
        "models": "/models",
        "error": "/jobs/0123",
    }


@pytest.mark.parametrize(("scheme", "size"), [("light", WIDE), ("dark", WIDE), ("light", NARROW), ("dark", NARROW)])
def test_nothing_serious_is_in_the_way(
    console: Console, places: dict[str, str], browser: Browser, scheme: Any, size: Any
) -> None:
    context = browser.new_context(color_scheme=scheme, viewport=size, reduced_motion="reduce")
    page = context.new_page()
    found = []
    for name, place in places.items():
        page.goto(f"{console.address}{place}")
        page.wait_for_load_state()
        page.evaluate(AXE)
        answer = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        for violation in answer["violations"]:
            targets = [node["target"] for node in violation["nodes"]][:5]
            found.append((name, violation["impact"], violation["id"], targets))
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{name} is wider than the window"
    context.close()
    assert [item for item in found if item[1] in ("serious", "critical", "moderate")] == []
