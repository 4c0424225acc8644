// The cases of a list by keyboard: j and k go along them, J and K move one. Moving changes the order in place, with
// the focus kept and nothing lost of notes that are not saved yet.
import { announce, onKeys, showSessionOver, signInAddress } from "./shell.js";

const place = document.getElementById("entries");
const rows = () => [...place.querySelectorAll("[data-entry]")];
const current = () => document.activeElement?.closest("[data-entry]");

function step(by) {
  const all = rows();
  const at = all.indexOf(current());
  const next = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))];
  next?.querySelector(".entry-link").focus();
  next?.scrollIntoView({ block: "nearest" });
}

function unsavedNotes() {
  return [...place.querySelectorAll("textarea")].filter((each) => each.value !== each.defaultValue).map((each) => [each.id, each.value]);
}

function exchange(html, focus) {
  const notes = unsavedNotes();
  const opened = [...place.querySelectorAll("details[open]")].map((each) => each.closest("[data-entry]").id);
  place.replaceChildren(...new DOMParser().parseFromString(html, "text/html").getElementById("entries").childNodes);
  for (const id of opened) document.getElementById(id)?.querySelector("details").setAttribute("open", "");
  for (const [id, words] of notes) { const field = document.getElementById(id); if (field) field.value = words; }
  document.getElementById(focus)?.focus();
}

async function move(form, focus) {
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "text/html" } });
  if (answer.status === 401) { showSessionOver(signInAddress()); return; }
  if (!answer.ok) { location.reload(); return; }
  const row = form.closest("[data-entry]").id;
  exchange(await answer.text(), focus);
  const number = document.getElementById(row)?.querySelector(".entry-number").textContent;
  announce(`Now at place ${number} of ${rows().length}`);
}

let moves = Promise.resolve();

/** One after the other: two quick presses are two places. */
function queue(entry, to) {
  const { id } = entry;
  moves = moves.then(() => {
    const form = document.getElementById(id)?.querySelector(`[data-move="${to}"]`);
    const focus = document.activeElement?.id;
    return form && move(form, focus);
  }).catch(() => announce("Not moved: the connection was lost"));
}

function byKey(to) {
  if (!current()) return false;
  queue(current(), to);
  return true;
}

place.addEventListener("submit", (event) => {
  const { move: to } = event.target.dataset;
  if (!to) return;
  event.preventDefault();
  queue(event.target.closest("[data-entry]"), to);
});

onKeys({ j: () => step(1), k: () => step(-1), J: () => byKey("down"), K: () => byKey("up") });
