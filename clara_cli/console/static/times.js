// Points in time as whoever looks reads them, and clocks that run.
const shown = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export function showTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const when = new Date(element.dateTime);
    if (!Number.isNaN(when.valueOf())) {
      element.textContent = ("clock" in element.dataset ? clock : shown).format(when);
      element.title = whole.format(when);
    }
  }
}

export function duration(seconds) {
  seconds = Math.max(0, seconds);
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const pad = (number) => String(Math.floor(number)).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${pad(seconds % 60)}`;
  return hours ? `${hours}:${pad((seconds / 60) % 60)}:${rest}` : `${Math.floor(seconds / 60)}:${rest}`;
}

export function tick() {
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = duration(Date.now() / 1000 - Number(element.dataset.since));
  }
}
