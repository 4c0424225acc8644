// What is typed into the read form is kept in this browser until it is saved: nothing is lost to an ended
// session, a closed tab or a crash. Drafts carry the reader's number; where they lie and when they go: shell.js.
import { draftStore } from "./shell.js";

const MOST_AGE_MS = 14 * 24 * 3600 * 1000;

const nameOf = (form) => `draft:${document.body.dataset.user}:${form.dataset.draft}`;

function values(form) {
  const said = Object.fromEntries(new FormData(form));
  delete said.csrf_token;
  delete said.analysis;
  return said;
}

const same = (one, other) => JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());

function fill(form, said) {
  for (const field of form.elements) {
    if (!field.name || ["csrf_token", "analysis"].includes(field.name)) continue;
    if (field.type === "radio") field.checked = said[field.name] === field.value;
    else field.value = said[field.name] ?? "";
  }
}

function say(form, words) {
  form.querySelector("[data-draft-state]").textContent = words;
}

function keep(form, saved) {
  const said = values(form);
  if (same(said, saved)) { draftStore().removeItem(nameOf(form)); say(form, ""); return; }
  draftStore().setItem(nameOf(form), JSON.stringify({ said, at: Date.now() }));
  say(form, "Not saved yet, kept in this browser");
}

function restore(form, saved) {
  const draft = JSON.parse(draftStore().getItem(nameOf(form)) ?? "null");
  if (!draft) return;
  if (Date.now() - draft.at > MOST_AGE_MS || same(draft.said, saved)) { draftStore().removeItem(nameOf(form)); return; }
  fill(form, draft.said);
  say(form, "Brought back what you had not saved");
}

function attach(form) {
  // Fields that wait for the second read are left out of a form's data: for the draft they count.
  const waiting = [...form.querySelectorAll("fieldset:disabled")];
  waiting.forEach((each) => { each.disabled = false; });
  const saved = values(form);
  if (form.closest("#reads").querySelector(".saved")) draftStore().removeItem(nameOf(form));
  else if (!form.querySelector(".fault")) restore(form, saved);
  waiting.forEach((each) => { each.disabled = true; });
  form.addEventListener("input", () => keep(form, saved));
  form.addEventListener("htmx:before:response", (event) => { if (event.detail.ctx.response.status >= 400) keep(form, saved); });
  form.addEventListener("reset", () => setTimeout(() => keep(form, saved)));
}

const current = () => document.getElementById("read-form");
let attached = null;

function attachCurrent() {
  const form = current();
  if (form && form !== attached) { attached = form; attach(form); }
}

document.addEventListener("htmx:after:swap", attachCurrent);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && current()) { event.preventDefault(); current().requestSubmit(); }
});
document.addEventListener("htmx:error", (event) => {
  if (current() && event.detail.ctx?.sourceElement === current()) say(current(), "Not sent: the connection was lost. What you typed is kept; save again.");
});
attachCurrent();
