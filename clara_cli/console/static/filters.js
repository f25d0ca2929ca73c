// Searching while typing: the table changes in place, and the address with it.
import { refresh } from "./live.js";

const form = document.getElementById("filters");
const table = document.getElementById("jobs");
let timer = 0;

form.querySelector("input[type=search]").addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, 200);
});
form.addEventListener("change", search);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});

async function search() {
  clearTimeout(timer);
  const values = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  const text = values.toString();
  history.replaceState(null, "", text ? `/jobs?${text}` : "/jobs");
  table.setAttribute("aria-busy", "true");
  await refresh(table);
  table.setAttribute("aria-busy", "false");
}

// What was typed or chosen before this was loaded.
const shown = new URLSearchParams(location.search);
if ([...new FormData(form)].some(([name, value]) => (shown.get(name) ?? "") !== value)) search();
