// The tutor's notes follow the projected window of the same browser, also without a connection.
import { keepCopy } from "./offline.js";

const page = document.querySelector("[data-notes]");
const show = page.dataset.notes;

function follow(place) {
  for (const note of page.querySelectorAll("[data-case]")) {
    const here = note.dataset.case === place.case;
    const step = note.querySelector("[data-step]");
    if (here) note.setAttribute("aria-current", "step"); else note.removeAttribute("aria-current");
    step.hidden = !here || !place.step;
    step.textContent = place.step;
    if (here) note.scrollIntoView({ block: "nearest" });
  }
}

if ("BroadcastChannel" in window) {
  const beside = new BroadcastChannel(`presentation:${show}`);
  page.querySelector("[data-follows]").hidden = false;
  beside.addEventListener("message", (event) => { if (event.data !== "where") follow(event.data); });
  beside.postMessage("where");
}
await keepCopy(show, page.dataset.worker);
