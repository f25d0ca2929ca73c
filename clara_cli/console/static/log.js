// A log: its end at first, followed as it grows, older parts on demand, searched on the server.
import { toNodes } from "./terminal.js";

const KEPT = 4 << 20; // bytes that the page holds; what is older is dropped
const view = document.getElementById("log");
const text = document.getElementById("log-text");
const follow = document.getElementById("log-follow");
const state = document.getElementById("log-state");
const told = document.getElementById("log-found");
const size = document.getElementById("log-size");
const matches = document.getElementById("log-matches");
const search = document.getElementById("log-search");
const shown = { start: 0, end: 0, ended: false, held: "", number: 0 };
const encoder = new TextEncoder();
const decoder = () => new TextDecoder("utf-8");
let reading = decoder();

// Where following the log left off.
let left = 0;

const earlier = document.createElement("button");
earlier.textContent = "Show what is before";
earlier.type = "button";
earlier.addEventListener("click", showEarlier);

follow.addEventListener("change", () => follow.checked && toEnd());
text.addEventListener("scroll", () => {
  // Who scrolls up wants to read; who comes back to the end wants to follow.
  if (!atEnd()) follow.checked = false;
  else if (!shown.ended) follow.checked = true;
});
search.addEventListener("submit", (event) => {
  event.preventDefault();
  find(new FormData(search).get("q"));
});

open();

async function open(place) {
  const number = ++shown.number;
  reading = decoder();
  shown.held = "";
  text.replaceChildren();
  const part = await load(place === undefined ? "" : `?start=${place}`, number);
  if (!part) return;
  shown.start = part.start;
  shown.end = part.start;
  take(part);
  if (place === undefined) toEnd();
  else text.scrollTop = 0;
  watch(number);
}

async function watch(number) {
  while (number === shown.number) {
    if (shown.ended && shown.end >= shown.size) return;
    // While nobody looks nothing is asked.
    if (document.hidden) {
      await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
      continue;
    }
    const part = await load(`?start=${shown.end}&wait=true`, number);
    if (number !== shown.number) return;
    if (part) take(part);
    else await new Promise((done) => setTimeout(done, 1500));
  }
}

async function load(query, number) {
  try {
    const answer = await fetch(`${view.dataset.address}/part${query}`);
    if (!answer.ok) throw new Error(String(answer.status));
    const data = new Uint8Array(await answer.arrayBuffer());
    if (number !== shown.number) return null;
    const header = (name) => Number(answer.headers.get(`x-clara-${name}`));
    return { data, start: header("start"), end: header("end"), size: header("size"), ended: header("ended") === 1 };
  } catch {
    state.textContent = "Reconnecting…";
    return null;
  }
}

function take(part) {
  // Scrolled up, and the event of it is still to come.
  if (text.scrollTop < left - 4 && !atEnd()) follow.checked = false;
  shown.ended = part.ended;
  shown.size = part.size;
  shown.end = part.end;
  const whole = shown.held + reading.decode(part.data, { stream: true });
  const cut = part.ended && part.end >= part.size ? whole.length : whole.lastIndexOf("\n") + 1;
  shown.held = whole.slice(cut);
  if (cut) {
    text.querySelector(".empty-log")?.remove();
    text.append(piece(whole.slice(0, cut)));
    trim();
  }
  earlierButton();
  say();
  if (follow.checked) toEnd();
}

// What came at once, which knows how many bytes of the log it is.
function piece(written) {
  const element = document.createElement("span");
  element.className = "piece";
  element.bytes = encoder.encode(written).length;
  element.append(toNodes(written));
  return element;
}

function trim() {
  const pieces = [...text.querySelectorAll(".piece")];
  let kept = pieces.reduce((sum, { bytes }) => sum + bytes, 0);
  while (kept > KEPT && pieces.length > 1) {
    const first = pieces.shift();
    kept -= first.bytes;
    shown.start += first.bytes;
    first.remove();
  }
}

function earlierButton() {
  if (shown.start > 0) text.prepend(earlier);
  else earlier.remove();
}

async function showEarlier() {
  follow.checked = false;
  const part = await load(`?before=${shown.start}`, shown.number);
  if (!part) return;
  const height = text.scrollHeight;
  earlier.after(piece(decoder().decode(part.data)));
  shown.start = part.start;
  earlierButton();
  text.scrollTop += text.scrollHeight - height;
}

async function find(wanted) {
  matches.hidden = true;
  told.textContent = wanted ? "Searching…" : "";
  if (!wanted) return;
  const answer = await fetch(`${view.dataset.address}/search?q=${encodeURIComponent(wanted)}`);
  const found = answer.ok ? await answer.json() : { matches: [], more: false };
  matches.replaceChildren(
    ...found.matches.map(({ offset, text: line }) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(toNodes(line));
      button.addEventListener("click", () => {
        follow.checked = false;
        open(offset);
      });
      return button;
    }),
  );
  matches.hidden = !found.matches.length;
  const count = found.matches.length;
  told.textContent = `${found.more ? "More than " : ""}${count} line${count === 1 ? "" : "s"} with “${wanted}”`;
}

function atEnd() {
  return text.scrollHeight - text.scrollTop - text.clientHeight < 40;
}

function toEnd() {
  text.scrollTop = text.scrollHeight;
  left = text.scrollTop;
}

function say() {
  const done = shown.ended && shown.end >= shown.size;
  if (!shown.size && !text.querySelector(".empty-log")) {
    const note = document.createElement("span");
    note.className = "quiet empty-log";
    note.textContent = done ? "It wrote nothing." : "Nothing yet: what it writes appears here.";
    text.replaceChildren(note);
  }
  state.textContent = done ? "Complete" : "Following";
  size.textContent = shown.size ? `${shown.size.toLocaleString()} bytes` : "";
}
