// Keys: `/` leads to the search box, `g j` to the jobs, `g p` to the pipelines. Forms with `data-confirm` ask first.
import { leave } from "./live.js";

const PLACES = { p: "/pipelines", j: "/jobs", i: "/images", m: "/models" };

export function listen() {
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select")) return;
    if (event.key === "/") {
      const search = document.querySelector("input[type=search]");
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    } else if (event.key === "g") {
      going = Date.now();
    } else if (Date.now() - going < 1500 && PLACES[event.key]) {
      location.assign(PLACES[event.key]);
    }
  });
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    // Without this script the next page asks.
    if (question && confirm(question)) event.target.elements.confirmed.value = "1";
    else if (question) event.preventDefault();
    // What is sent leads to another page: news of this one, such as that it is gone, are of no use any more.
    if (!event.defaultPrevented) leave();
  });
}
