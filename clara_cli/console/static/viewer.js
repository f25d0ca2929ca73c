// The viewer: slices by keys, wheel, slider or click; window and level by dragging. Without this script the same form
// shows the same pictures, one page at a time. The address always says what is seen, so that it can be mailed.
const form = document.getElementById("viewer");
const fault = document.getElementById("fault");
const LIVE_EVERY = 1000;
const PER_PAGE = 10;

class Pane {
  constructor(section) {
    this.section = section;
    this.plane = section.dataset.plane;
    this.box = section.querySelector(".picture");
    this.svg = section.querySelector("svg");
    this.image = section.querySelector("image");
    this.slider = section.querySelector("input[type=range]");
    this.output = section.querySelector("output");
    this.crosshair = section.querySelector(".crosshair");
    this.shown = new URL(this.image.getAttribute("href"), location).href;
    this.asked = "";
    this.busy = false;
    this.blob = null;
  }

  get at() {
    return Number(this.slider.value);
  }

  get count() {
    return Number(this.slider.max) + 1;
  }

  move(to) {
    const at = Math.min(this.count - 1, Math.max(0, Math.round(to)));
    if (at !== this.at) {
      this.slider.value = at;
      update();
    }
  }

  address() {
    const asked = new URLSearchParams({ plane: this.plane, at: this.at });
    for (const name of ["window", "level", "frame", "overlay", "opacity", "array", "axes"]) {
      const value = form.elements[name]?.value;
      if (value && !(name === "opacity" && !form.elements.overlay.value)) asked.set(name, value);
    }
    return `${new URL(form.dataset.slices, location).href}?${asked}`;
  }

  // One picture at a time: while one is on its way only the last wish is kept.
  show(again = false) {
    this.output.textContent = `${this.at} of 0–${this.count - 1}`;
    this.svg.setAttribute("aria-label", `${this.section.querySelector("h2").textContent} slice ${this.at}`);
    const wanted = this.address();
    if (this.busy || (wanted === this.shown && !again) || !this.section.checkVisibility()) {
      this.asked = wanted;
      return;
    }
    this.busy = true;
    this.asked = wanted;
    this.load(wanted).finally(() => {
      this.busy = false;
      if (this.asked !== wanted) this.show();
    });
  }

  async load(address) {
    let answer;
    try {
      answer = await fetch(address);
    } catch {
      return say("The console does not answer.");
    }
    if (!answer.ok) {
      const said = await answer.json().catch(() => ({}));
      return say(said.error || `The picture cannot be shown (${answer.status}).`);
    }
    const blob = URL.createObjectURL(await answer.blob());
    // Decoded before it takes the place of the one before: nothing flickers.
    const ready = new Image();
    ready.src = blob;
    await ready.decode().catch(() => {});
    this.image.setAttribute("href", blob);
    this.columns = ready.naturalWidth;
    this.rows = ready.naturalHeight;
    this.section.dataset.address = address;
    if (this.blob) URL.revokeObjectURL(this.blob);
    this.blob = blob;
    this.shown = address;
    say("");
    this.sharpen();
  }

  // Voxels that are large on the screen are shown as they are.
  sharpen() {
    const [, , width] = this.svg.getAttribute("viewBox").split(" ").map(Number);
    const scale = this.svg.getScreenCTM()?.a || 1;
    this.box.classList.toggle("is-close", (width * scale) / (this.columns || 1) >= 3);
  }

  // Where on the picture a pointer is, from 0 to 1 to the right and down.
  place(event) {
    const there = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    const [, , width, height] = this.svg.getAttribute("viewBox").split(" ").map(Number);
    return [there.x / width, there.y / height];
  }

  drawCrosshair() {
    const [, , width, height] = this.svg.getAttribute("viewBox").split(" ").map(Number);
    const right = panes.get(this.section.dataset.right);
    const down = panes.get(this.section.dataset.down);
    const x = ((right.at + 0.5) / right.count) * width;
    const part = (down.at + 0.5) / down.count;
    const y = (this.upwards ? 1 - part : part) * height;
    this.crosshair.setAttribute("d", `M${x} 0V${height}M0 ${y}H${width}`);
  }

  get upwards() {
    return "upwards" in this.section.dataset;
  }

  cross(event) {
    const [x, y] = this.place(event);
    if (x < 0 || y < 0 || x >= 1 || y >= 1) return;
    const right = panes.get(this.section.dataset.right);
    const down = panes.get(this.section.dataset.down);
    right.slider.value = Math.floor(x * right.count);
    down.slider.value = Math.floor((this.upwards ? 1 - y : y) * down.count);
    update();
  }
}

const panes = new Map([...form.querySelectorAll(".pane")].map((section) => [section.dataset.plane, new Pane(section)]));
let pending = 0;
let said = "";

// What went wrong with a picture; what the page itself came with stays until something is asked for.
function say(text) {
  if (!text && !said) return;
  said = text;
  if (fault.textContent.trim() !== text) fault.textContent = text;
  fault.hidden = !text;
}

function update() {
  said ||= fault.textContent.trim();
  document.getElementById("panes").dataset.show = form.elements.show.value;
  for (const pane of panes.values()) {
    pane.show();
    pane.drawCrosshair();
  }
  clearTimeout(pending);
  readVoxel();
  // Browsers refuse an address that changes hundreds of times.
  pending = setTimeout(() => {
    history.replaceState(null, "", `?${query()}`);
    const other = document.getElementById("niivue");
    if (other) other.search = query();
  }, 150);
}

// What there is where the planes cross; one question at a time, the last one always answered.
const voxel = { busy: false, again: false, place: document.getElementById("voxel") };
async function readVoxel() {
  if (voxel.busy) {
    voxel.again = true;
    return;
  }
  voxel.busy = true;
  const address = form.dataset.slices.replace("/slice/", "/voxel/");
  const answer = await fetch(`${address}?${query()}`).catch(() => null);
  const found = answer?.ok ? await answer.json() : {};
  const value = found.value === undefined ? "–" : [found.value, found.unit].filter(Boolean).join(" ");
  const label = found.label ? `label ${found.label}` : "";
  voxel.place.textContent = [value, label, found.place].filter(Boolean).join(" · ");
  voxel.busy = false;
  if (voxel.again) {
    voxel.again = false;
    readVoxel();
  }
}

function query() {
  const found = new URLSearchParams();
  const unsaid = { show: "all", frame: "0", overlay: "", opacity: "0.5", array: "", axes: "zyx" };
  for (const [name, value] of new FormData(form)) {
    if (value !== unsaid[name] && value !== "") found.set(name, value);
  }
  return found;
}

function setWindow(width, level) {
  const short = (value) => String(Number(value.toPrecision(6)));
  form.elements.window.value = short(Math.max(width, 1e-6));
  form.elements.level.value = short(level);
  update();
}

const STEPS = {
  ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: PER_PAGE, PageDown: -PER_PAGE, Home: -Infinity, End: Infinity,
};

for (const pane of panes.values()) {
  pane.box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in STEPS)) return;
    event.preventDefault();
    pane.move(pane.at + STEPS[event.key]);
  });
  pane.box.addEventListener(
    "wheel",
    (event) => {
      if (event.ctrlKey) return;
      event.preventDefault();
      pane.move(pane.at + (event.deltaY < 0 ? 1 : -1));
    },
    { passive: false },
  );
  pane.svg.addEventListener("pointerdown", (event) => {
    pane.box.focus({ preventScroll: true });
    if (event.button !== 0) return;
    pane.svg.setPointerCapture(event.pointerId);
    const [x, y] = [event.clientX, event.clientY];
    const [width, level] = [Number(form.elements.window.value), Number(form.elements.level.value)];
    if (!event.shiftKey) pane.cross(event);
    const drag = (moved) => {
      if (!event.shiftKey) return pane.cross(moved);
      const step = Math.max(Number(form.dataset.window), 1e-6) / 300;
      setWindow(width + (moved.clientX - x) * step, level + (y - moved.clientY) * step);
    };
    const end = () => {
      pane.svg.removeEventListener("pointermove", drag);
      pane.svg.removeEventListener("pointerup", end);
      pane.svg.removeEventListener("pointercancel", end);
    };
    pane.svg.addEventListener("pointermove", drag);
    pane.svg.addEventListener("pointerup", end);
    pane.svg.addEventListener("pointercancel", end);
  });
}

form.addEventListener("input", (event) => {
  if ("reload" in event.target.dataset) location.assign(`?${query()}`);
  else update();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  update();
});
document.getElementById("auto").addEventListener("click", () =>
  setWindow(Number(form.dataset.window), Number(form.dataset.level)),
);
document.getElementById("preset")?.addEventListener("change", (event) => {
  if (event.target.value) setWindow(...event.target.value.split(",").map(Number));
});
for (const element of document.querySelectorAll(".needs-script")) element.hidden = false;
for (const element of document.querySelectorAll(".without-script")) element.hidden = true;
new ResizeObserver(() => panes.forEach((pane) => pane.sharpen())).observe(document.getElementById("panes"));
if (form.dataset.changing) {
  setInterval(() => {
    if (document.hidden) return;
    panes.forEach((pane) => pane.show(true));
    readVoxel();
  }, LIVE_EVERY);
}
panes.forEach((pane) => pane.drawCrosshair());
panes.forEach((pane) => pane.show(true));
readVoxel();
