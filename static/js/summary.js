// Says so where counts of this class wait in this browser: they are sent by the presentation's own page.
import { unsent } from "./hands.js";

const page = document.querySelector("[data-summary]");
const waiting = Object.keys(unsent(page.dataset.summary)).length;
if (waiting) {
  page.querySelector("[data-unsent]").hidden = false;
  page.querySelector("[data-unsent-words]").textContent = "Choose “Go on presenting”: with a connection they are sent from there.";
}
