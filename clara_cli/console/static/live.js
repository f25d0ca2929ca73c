// Keeps `[data-live]` elements up to date. Such an element names its topic (`data-live="job:…"`) and its part of the
// page (`data-part="job_overview"`): on news of the topic the part is asked for, at the page's own address or
// `data-src`. `data-every="2"` asks every two seconds besides, as long as a clock (`data-since`) runs in the page.
//
// A page that nobody sees has no connection, since browsers allow six to one server. When the connection is lost it is
// made again, and everything is asked for anew.
import { morph } from "./morph.js";
import { showTimes } from "./times.js";

const state = { source: null, lost: false };

export function follow() {
  if (!topics().length) return;
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : connect()));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => event.persisted && connect());
  if (!document.hidden) connect();
  setInterval(everySoOften, 1000);
}

export function refresh(element) {
  if (element.loading) {
    element.again = true;
    return element.loading;
  }
  element.loading = load(element).finally(() => {
    element.loading = null;
    if (element.again && element.isConnected) {
      element.again = false;
      refresh(element);
    }
  });
  return element.loading;
}

function parts() {
  return [...document.querySelectorAll("[data-live]")];
}

function topics() {
  return [...new Set(parts().map((element) => element.dataset.live))];
}

function connect() {
  if (state.source) return;
  const query = topics().map((topic) => `topic=${encodeURIComponent(topic)}`).join("&");
  const source = (state.source = new EventSource(`/events?${query}`));
  source.addEventListener("hello", () => {
    say("live", "Live");
    parts().forEach(refresh);
  });
  source.addEventListener("news", (event) => {
    const changed = new Set(JSON.parse(event.data).topics);
    parts().filter((element) => changed.has(element.dataset.live)).forEach(refresh);
  });
  source.onerror = () => {
    say("lost", "Reconnecting…");
    // After some refusals a browser gives up; this does not.
    if (source.readyState === EventSource.CLOSED) {
      leave();
      setTimeout(() => !document.hidden && connect(), 1500);
    }
  };
}

export function leave() {
  state.source?.close();
  state.source = null;
}

async function load(element) {
  let answer;
  try {
    answer = await fetch(element.dataset.src || location.href, { headers: { "X-Clara-Part": element.dataset.part } });
  } catch {
    return; // the server is away: the connection's return asks again
  }
  if (answer.status === 401 || answer.redirected) {
    location.reload();
    return;
  }
  const kind = answer.headers.get("content-type") || "";
  if (!kind.startsWith("text/html")) {
    if (answer.status === 404) say("lost", "No longer there");
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  // Before it is compared, or every time would differ.
  showTimes(page);
  morph(element, page.body);
  element.dispatchEvent(new CustomEvent("clara:refreshed", { bubbles: true }));
}

function everySoOften() {
  if (document.hidden || !document.querySelector("[data-since]")) return;
  for (const element of document.querySelectorAll("[data-live][data-every]")) {
    element.age = (element.age || 0) + 1;
    if (element.age >= Number(element.dataset.every)) {
      element.age = 0;
      refresh(element);
    }
  }
}

function say(kind, text) {
  const place = document.getElementById("live");
  place.hidden = false;
  if (place.textContent !== text) place.textContent = text;
  place.className = `live is-${kind}`;
}
