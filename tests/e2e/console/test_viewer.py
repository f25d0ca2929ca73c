"""The viewer: a real console, real requests and a real browser; pictures compared with numpy to the pixel."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import Any

import httpx
import nibabel as nib
import numpy as np
import pytest
from console_support import Console, find_chromium
from PIL import Image
from playwright.sync_api import Browser, Page
from support import Project, wait_until
from viewer_support import as_grey, as_marked, expected

from clara_cli.volumes.orientation import Plane

pytestmark = pytest.mark.e2e
Array = np.ndarray[Any, Any]
WIDTH, LEVEL = 900, 450
SHAPE = (20, 30, 12)
# Voxels of 2 x 1 x 3 mm; the axes of the file run left, front and up.
AFFINE = np.array([[-2.0, 0, 0, 19], [0, 1, 0, 5], [0, 0, 3, -7], [0, 0, 0, 1]])
IMAGE = np.random.default_rng(5).integers(0, 1000, SHAPE).astype(np.int16)
LABELS = np.random.default_rng(6).integers(0, 3, SHAPE).astype(np.uint8)
RAS, RAS_LABELS = IMAGE[::-1], LABELS[::-1]
HOSTILE = "<img src=x onerror=alert(1)>.txt"
# The picture of a pane as numbers: decoded by the browser itself.
DECODE = """async (plane) => {
  const picture = new Image();
  picture.src = document.querySelector(`[data-plane=${plane}] image`).getAttribute("href");
  await picture.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
  const drawn = canvas.getContext("2d");
  drawn.drawImage(picture, 0, 0);
  return [canvas.width, canvas.height, [...drawn.getImageData(0, 0, canvas.width, canvas.height).data]];
}"""


@pytest.fixture(scope="module")
def payload(console: Console) -> str:
    """A payload with one of everything."""
    files = console.folder / "looked-at"
    files.mkdir()
    nib.save(nib.Nifti1Image(IMAGE, AFFINE), files / "image.nii")
    nib.save(nib.Nifti1Image(IMAGE, AFFINE), files / "image.nii.gz")
    nib.save(nib.Nifti1Image(LABELS, AFFINE), files / "labels.nii.gz")
    np.save(files / "batch.npy", LABELS[None])
    halves = np.repeat(np.uint8([1, 2]), 10)[:, None, None] * np.ones(SHAPE, np.uint8)
    nib.save(nib.Nifti1Image(halves, AFFINE), files / "halves.nii")
    nib.save(nib.Nifti1Image(LABELS[:5], np.eye(4) + np.eye(4)[::-1] * 0.3), files / "turned.nii")
    np.savez_compressed(files / "arrays.npz", image=RAS[::-1, ::-1].T.astype(np.float32), mask=LABELS.T)
    (files / "table.csv").write_text('organ,volume\n"liver, left",<b>12</b>\n')
    (files / HOSTILE).write_text("<script>alert(1)</script>\n")
    Image.fromarray(IMAGE[:, :, 0].astype(np.uint8)).save(files / "picture.png")
    (files / "broken.nii.gz").write_bytes((files / "image.nii.gz").read_bytes()[:2000])
    (files / "data.bin").write_bytes(bytes(range(256)))
    return payload_of(console, console.job(console.pipeline("looked-at"), files=files))


def payload_of(console: Console, job: str) -> str:
    return console.record(job).payload_id


def got(console: Console, path: str, **query: object) -> Any:
    """An answer to a browser's request; reading the certificates of the world takes longer than all the rest."""
    asked = {key: str(value) for key, value in query.items()} or None
    return httpx.get(console.address + path, params=asked, headers={"accept": "text/html"}, verify=False)


def decoded(answer: Any) -> Array:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def pixels(page: Page, plane: Plane) -> Array:
    width, height, data = page.evaluate(DECODE, plane.value)
    return np.array(data, np.uint8).reshape(height, width, 4)[..., :3]


def settled(page: Page, plane: Plane, at: int) -> None:
    page.wait_for_function(
        "([plane, at]) => document.querySelector(`[data-plane=${plane}]`).dataset.address?.includes(`at=${at}&`)",
        arg=[plane.value, at],
    )


@pytest.mark.parametrize("name", ["image.nii", "image.nii.gz", "arrays.npz"])
@pytest.mark.parametrize("plane", Plane)
def test_every_slice_is_numpys_to_the_pixel(console: Console, payload: str, name: str, plane: Plane) -> None:
    count = {Plane.AXIAL: 12, Plane.CORONAL: 30, Plane.SAGITTAL: 20}[plane]
    address = f"/payloads/{payload}/slice/input/{name}"
    for at in range(count):
        answer = got(console, address, plane=plane.value, at=at, window=WIDTH, level=LEVEL)
        np.testing.assert_array_equal(decoded(answer), as_grey(expected(RAS, plane, at), WIDTH, LEVEL))
    answer = got(console, address, plane=plane.value, at=count)
    assert answer.status_code == 422
    assert f"slices 0 to {count - 1}, no {count}" in answer.text


@pytest.mark.parametrize("plane", Plane)
def test_the_overlay_is_numpys_to_the_pixel(console: Console, payload: str, plane: Plane) -> None:
    query = {"plane": plane.value, "at": 7, "window": WIDTH, "level": LEVEL, "overlay": "input/labels.nii.gz"}
    answer = got(console, f"/payloads/{payload}/slice/input/image.nii", opacity=0.3, **query)
    grey = as_grey(expected(RAS, plane, 7), WIDTH, LEVEL)
    np.testing.assert_array_equal(decoded(answer), as_marked(grey, expected(RAS_LABELS, plane, 7), 0.3))


def test_a_picture_is_sent_again_only_when_its_file_has_changed(console: Console, payload: str) -> None:
    address = f"{console.address}/payloads/{payload}/slice/input/image.nii?plane=axial&at=3"
    first = httpx.get(address)
    again = httpx.get(address, headers={"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    os.utime(console.root.payloads / payload / "input" / "image.nii")
    assert httpx.get(address, headers={"if-none-match": first.headers["etag"]}).status_code == 200


def test_the_three_planes_in_the_browser(console: Console, payload: str, page: Page) -> None:
    page.goto(f"{console.address}/payloads/{payload}/view/input/image.nii.gz?window={WIDTH}&level={LEVEL}")
    for plane, at in ((Plane.AXIAL, 6), (Plane.CORONAL, 15), (Plane.SAGITTAL, 10)):
        settled(page, plane, at)
        shown = pixels(page, plane)
        np.testing.assert_array_equal(shown[..., 0], as_grey(expected(RAS, plane, at), WIDTH, LEVEL))
    letters = page.eval_on_selector_all("[data-plane=axial] .side", "all => all.map((one) => one.textContent)")
    assert letters == ["R", "L", "A", "P"]
    # Voxels are 2 x 1 x 3 mm: the picture is as wide and high as the patient.
    box = page.get_attribute("[data-plane=coronal] svg", "viewBox")
    assert box == "0 0 40.0 36.0"


def test_keys_move_slices_and_the_address_keeps_them(console: Console, payload: str, page: Page) -> None:
    page.goto(f"{console.address}/payloads/{payload}/view/input/image.nii.gz?window={WIDTH}&level={LEVEL}&coronal=3")
    settled(page, Plane.CORONAL, 3)
    page.focus("[data-plane=coronal] .picture")
    pressed = {"ArrowUp": 4, "PageUp": 14, "ArrowLeft": 13, "PageDown": 3, "End": 29, "Home": 0, "ArrowDown": 0}
    for key, at in pressed.items():
        page.keyboard.press(key)
        settled(page, Plane.CORONAL, at)
        shown = pixels(page, Plane.CORONAL)
        np.testing.assert_array_equal(shown[..., 0], as_grey(expected(RAS, Plane.CORONAL, at), WIDTH, LEVEL))
    page.keyboard.press("PageUp")
    page.check("input[name=show][value=coronal]")
    page.wait_for_url(re.compile(r"show=coronal.*coronal=10"))
    page.reload()
    settled(page, Plane.CORONAL, 10)
    assert page.is_visible("[data-plane=coronal]")
    assert not page.is_visible("[data-plane=axial]")


def test_a_click_crosses_the_planes_there(console: Console, payload: str, page: Page) -> None:
    page.goto(f"{console.address}/payloads/{payload}/view/input/image.nii.gz?axial=2")
    settled(page, Plane.AXIAL, 2)
    box = page.locator("[data-plane=axial] svg image").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.26, box["y"] + box["height"] * 0.71)
    settled(page, Plane.SAGITTAL, 5)
    settled(page, Plane.CORONAL, 21)
    crossing = page.get_attribute("[data-plane=sagittal] .crosshair", "d")
    assert crossing == "M21.5 0V36M0 28.5H30"
    # 5 voxels of 2 mm from the right, 21 of 1 mm from the front, 2 of 3 mm from below.
    told = f"{RAS[20 - 1 - 5, 30 - 1 - 21, 2]} · R 9.0 A 13.0 I 1.0 mm"
    page.wait_for_selector(f"#voxel >> text='{told}'")
    page.select_option("select[name=overlay]", "input/labels.nii.gz")
    label = RAS_LABELS[20 - 1 - 5, 30 - 1 - 21, 2]
    page.wait_for_selector(f"#voxel >> text={f'label {label} · ' if label else ''}R 9.0")


def test_the_overlay_in_the_browser(console: Console, payload: str, page: Page) -> None:
    page.goto(f"{console.address}/payloads/{payload}/view/input/image.nii.gz?window={WIDTH}&level={LEVEL}")
    page.select_option("select[name=overlay]", "input/labels.nii.gz")
    page.wait_for_function("() => document.querySelector('[data-plane=axial]').dataset.address?.includes('overlay')")
    grey = as_grey(expected(RAS, Plane.AXIAL, 6), WIDTH, LEVEL)
    wanted = as_marked(grey, expected(RAS_LABELS, Plane.AXIAL, 6), 0.5)
    np.testing.assert_array_equal(pixels(page, Plane.AXIAL), wanted)
    page.wait_for_url(re.compile("overlay=input%2Flabels.nii.gz"))


def test_an_array_lies_over_its_image_in_the_order_of_axes_that_fits(console: Console, payload: str) -> None:
    for base in ("slice/input/image.nii?plane=coronal&at=3&overlay=input/", "voxel/input/image.nii?overlay=input/"):
        over = [got(console, f"/payloads/{payload}/{base}{name}") for name in ("batch.npy", "labels.nii.gz")]
        assert over[0].status_code == 200 and over[0].content == over[1].content


def test_an_overlay_that_does_not_fit_is_said_and_the_image_stays(console: Console, payload: str, page: Page) -> None:
    page.goto(f"{console.address}/payloads/{payload}/view/input/image.nii?overlay=input/turned.nii")
    settled(page, Plane.AXIAL, 6)
    assert "lies turned to it" in page.inner_text("#fault")
    page.focus("[data-plane=axial] .picture")
    page.keyboard.press("ArrowUp")
    settled(page, Plane.AXIAL, 7)
    assert not page.is_visible("#fault")


def test_shift_and_drag_changes_the_window(console: Console, payload: str, page: Page) -> None:
    page.goto(f"{console.address}/payloads/{payload}/view/input/image.nii?window={WIDTH}&level={LEVEL}")
    settled(page, Plane.AXIAL, 6)
    box = page.locator("[data-plane=axial] svg").bounding_box()
    assert box is not None
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 50, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 80, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    assert float(page.input_value("input[name=window]")) > WIDTH
    assert float(page.input_value("input[name=level]")) > LEVEL
    page.click("#auto")
    low, high = np.percentile(IMAGE, (1, 99))
    assert float(page.input_value("input[name=window]")) == pytest.approx(high - low, abs=20)


def test_without_scripts_the_form_shows_the_same(console: Console, payload: str, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{console.address}/payloads/{payload}/view/input/image.nii?window={WIDTH}&level={LEVEL}")
    page.fill("input[name=level]", "300")
    page.click("text=Show")
    source = page.get_attribute("[data-plane=sagittal] image", "href")
    assert source is not None
    shown = decoded(got(console, source))
    np.testing.assert_array_equal(shown, as_grey(expected(RAS, Plane.SAGITTAL, 10), WIDTH, 300))
    context.close()


LIVE = """
- name: producer
  container: {image: producer}
  output:
  - {name: volume, type: array, element-type: float32, shape: [-1, -1, -1]}
  - {name: note, type: string}
- name: consumer
  container: {image: consumer}
  input:
  - {from: producer, name: volume, type: array, element-type: float32, shape: [-1, -1, -1]}
  - {from: producer, name: note, type: string}
"""


def test_a_variable_of_a_running_job_is_looked_at_while_it_runs(
    console: Console, browser: Browser, tmp_path: Path, meeting: Path
) -> None:
    gate, filled, smaller = meeting / "gate", meeting / "filled", meeting / "smaller"
    project = Project(tmp_path)
    project.driver(
        "producer",
        "import numpy\nentries = payload.fastio_output_entries\n"
        "entries['volume'].update_shape([4, 5, 6])\nentries['note'].value = 'half way'\n"
        "entries['volume'].array[:] = numpy.arange(120).reshape(4, 5, 6)\n"
        f"while not os.path.exists('{filled}'): time.sleep(0.01)\n"
        "entries['volume'].array[:] = numpy.arange(120).reshape(4, 5, 6)[::-1]\n"
        f"while not os.path.exists('{smaller}'): time.sleep(0.01)\n"
        "os.ftruncate(entries['volume'].inherited, 40)\n"
        f"while not os.path.exists('{gate}'): time.sleep(0.01)",
    )
    project.driver("consumer", "pass")
    files = tmp_path / "none"
    files.mkdir()
    made = console.clara("create", "pipelines", "-p", project.definition(LIVE)).stdout
    job = console.job(made.removeprefix("PIPELINE_ID: ").strip(), files=files, start=True)
    payload = payload_of(console, job)
    page = browser.new_page()
    page.goto(f"{console.address}/jobs/{job}")
    page.wait_for_selector("#variables >> text=half way")
    page.click("text=Look at it")
    address = f"/payloads/{payload}/slice/@producer/volume"
    lps = np.arange(120, dtype=np.float32).reshape(4, 5, 6)

    def seen() -> Array:
        return decoded(got(console, address, plane="axial", at=1, window=120, level=60))

    assert "input/" not in page.url
    np.testing.assert_array_equal(seen(), as_grey(lps[1], 120, 60))
    page.fill("input[name=window]", "120")
    page.fill("input[name=level]", "60")
    wait_until(lambda: np.array_equal(pixels(page, Plane.AXIAL)[..., 0], as_grey(lps[2], 120, 60)), "the first picture")
    filled.touch()
    # The page follows what the operator writes.
    wait_until(lambda: np.array_equal(pixels(page, Plane.AXIAL)[..., 0], as_grey(lps[1], 120, 60)), "the next picture")
    smaller.touch()
    # An operator that breaks the rules: whoever had mapped its memory would end with it.
    wait_until(lambda: "cut short" in got(console, address, plane="axial", at=3).text, "the smaller variable")
    assert got(console, "/health").status_code == 200
    gate.touch()
    console.ended(job)
    gone = got(console, address, plane="axial", at=1)
    assert gone.status_code == 422
    assert "holds no data now" in gone.text
    page.wait_for_selector("#fault >> text=holds no data now")
    page.close()


def test_what_is_no_volume(console: Console, payload: str, page: Page) -> None:
    base = f"{console.address}/payloads/{payload}/view/input"
    page.goto(f"{base}/table.csv")
    cells = page.eval_on_selector_all("table.as-such :is(th, td)", "all => all.map((one) => one.textContent)")
    assert cells == ["organ", "volume", "liver, left", "<b>12</b>"]
    page.goto(f"{base}/picture.png")
    assert page.evaluate("document.querySelector('img.as-such').naturalWidth") == 30
    page.goto(f"{base}/data.bin")
    assert "neither a volume nor" in page.inner_text("main")
    page.goto(f"{base}/{HOSTILE.replace('<', '%3C').replace('>', '%3E').replace(' ', '%20')}")
    assert page.inner_text("pre.as-such") == "<script>alert(1)</script>\n"
    assert page.inner_text("h1") == f"input/{HOSTILE}"


def test_a_broken_volume_can_still_be_downloaded(console: Console, payload: str) -> None:
    answer = got(console, f"/payloads/{payload}/view/input/broken.nii.gz")
    assert answer.status_code == 422
    assert "broken.nii.gz is damaged or cut short" in answer.text
    assert f'href="/payloads/{payload}/files/input/broken.nii.gz"' in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("view/../../../../etc/passwd", 404),
        ("view/%2e%2e/%2e%2e/root.db", 400),
        ("slice/input/%2e%2e/%2e%2e/x.nii?plane=axial&at=0", 400),
        ("view/input/link.nii", 422),
        ("slice/input/image.nii?plane=axial&at=0&overlay=../../x.nii", 400),
        ("slice/input/image.nii?plane=axial&at=-1", 422),
        ("slice/input/image.nii?plane=oblique&at=1", 422),
        ("slice/input/image.nii?plane=axial&at=1&window=nan", 400),
        ("slice/input/image.nii?plane=axial&at=1&frame=99999999999999999999", 422),
        ("view/input/image.nii?axial=1e400", 400),
        ("view/@nobody/nothing", 422),
        ("view/input/none.nii", 404),
    ],
)
def test_what_leads_nowhere(console: Console, payload: str, path: str, status: int) -> None:
    (console.folder / "outside.nii").write_bytes(b"x" * 400)
    link = console.root.payloads / payload / "input" / "link.nii"
    if not link.is_symlink():
        link.symlink_to(console.folder / "outside.nii")
    with httpx.Client(base_url=console.address) as client:
        request = client.build_request("GET", "/")
        request.url = httpx.URL(console.address).copy_with(raw_path=f"/payloads/{payload}/{path}".encode())
        answer = client.send(request)
    assert answer.status_code == status, answer.text
    assert "Traceback" not in answer.text


def test_any_volume_can_be_had_as_nifti(console: Console, payload: str) -> None:
    for name, scaled in (("image.nii.gz", AFFINE), ("arrays.npz", None)):
        answer = got(console, f"/payloads/{payload}/nifti/input/{name}")
        assert int(answer.headers["content-length"]) == len(answer.content)
        sent = nib.Nifti1Image.from_bytes(answer.content)
        np.testing.assert_array_equal(np.asarray(sent.dataobj), RAS)
        if scaled is not None:
            canonical = nib.as_closest_canonical(nib.Nifti1Image(IMAGE, scaled))
            np.testing.assert_allclose(sent.affine, canonical.affine)
    answer = got(console, f"/payloads/{payload}/labels/input/image.nii?overlay=input/labels.nii.gz")
    sent = nib.Nifti1Image.from_bytes(answer.content)
    np.testing.assert_array_equal(np.asarray(sent.dataobj), RAS_LABELS)
    assert sent.header["intent_code"] == 1002


def test_niivue_shows_the_volume_and_its_overlay(console: Console, payload: str, browser: Browser) -> None:
    pytest.importorskip("ipyniivue", exc_type=ImportError)
    # This machine need not have a GPU.
    software = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    drawing = browser.browser_type.launch(executable_path=find_chromium(), args=software)
    page = drawing.new_page(viewport={"width": 1200, "height": 900})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"{console.address}/payloads/{payload}/view/input/image.nii.gz?overlay=input/halves.nii&opacity=1")
    page.click("text=NiiVue")
    page.wait_for_selector("#niivue[data-ready]", timeout=60_000)

    def nearest(colour: tuple[int, int, int]) -> float:
        """How far the picture is from having a colour: it is filtered, so not to the number."""
        shown = np.asarray(Image.open(io.BytesIO(page.locator("#niivue canvas").screenshot())).convert("RGB"), float)
        return float(np.abs(shown - np.array(colour)).max(axis=2).min())

    wait_until(lambda: nearest((230, 159, 0)) < 30 and nearest((86, 180, 233)) < 30, "the colours of both labels", 30)
    drawing.close()
    assert not complaints
