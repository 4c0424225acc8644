// Hand counts: kept in this browser at every keystroke, sent when there is a connection, charted at once.
// A count waits until the server has it, and is remembered afterwards: the copy of the page that a reload without a
// connection brings may be older than the count.
import { showSessionOver, signInAddress } from "./shell.js";

const AGAIN_MS = 5000;
const IDLE_MS = 800;
const CHART_WIDTH = 200;
const AWAY = "It goes to the server when the connection is back.";

const nameOf = (what, show) => `draft:${document.body.dataset.user}:${what}:${show}`;
const read = (what, show) => JSON.parse(localStorage.getItem(nameOf(what, show)) ?? "{}");

function keep(what, show, all) {
  if (Object.keys(all).length) localStorage.setItem(nameOf(what, show), JSON.stringify(all));
  else localStorage.removeItem(nameOf(what, show));
}

/** The counts that the server does not have yet: uid of the case -> {benign: 3, ...}. */
export const unsent = (show) => read("hands", show);

/** What is known here and not in the page: a count that waits, or one sent after the page was made. */
function newer(show, uid) {
  const made = Number(document.querySelector("[data-made]").dataset.made);
  const sent = read("counted", show)[uid];
  return unsent(show)[uid] ?? (sent && sent.at > made ? sent.values : null);
}

let timer = null;
let sending = false;

const fields = (form) => [...form.querySelectorAll("input[type=number]")];
const counted = (form) => Object.fromEntries(fields(form).map((field) => [field.name, field.value]));

function chart(form) {
  const numbers = fields(form).map((field) => (field.validity.valid ? Number(field.value) : 0));
  const total = numbers.reduce((sum, each) => sum + each, 0);
  fields(form).forEach((field, index) => {
    const width = total ? (CHART_WIDTH * numbers[index]) / total : 0;
    form.querySelector(`[data-bar="${field.name}"]`).setAttribute("width", width.toFixed(1));
  });
  form.querySelector("[data-total]").textContent = total;
}

function say(show, words) {
  const waiting = Object.keys(unsent(show)).length;
  const kept = waiting ? `Kept in this browser, not sent yet: ${waiting} ${waiting === 1 ? "count" : "counts"}.` : "";
  document.querySelector('[data-state="hands"]').textContent = waiting ? [kept, words].filter(Boolean).join(" ") : words;
}

function later(show, ms) {
  clearTimeout(timer);
  timer = setTimeout(() => send(show), ms);
}

async function post(show, uid, values) {
  const body = new URLSearchParams({ csrf_token: document.querySelector("[name=csrf_token]").value, ...values });
  const address = `/presentations/${show}/hands/${uid}`;
  return fetch(address, { method: "POST", body, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(10_000) });
}

/** Send one count. Returns false where there is no use in trying the others now. */
async function sendOne(show, uid, values) {
  const answer = await post(show, uid, values);
  if (answer.status === 401) { showSessionOver(signInAddress()); say(show, "Sign in again, and they are sent."); return false; }
  if (answer.status === 400) { say(show, "Load this page again, and they are sent."); return false; }
  const refused = answer.status === 404 || answer.status === 422; // erased meanwhile, or no count: it will never be taken
  if (!answer.ok && !refused) throw new Error("try again");
  const all = unsent(show); // what was typed while this was under way waits for the next turn
  if (JSON.stringify(all[uid]) === JSON.stringify(values)) { delete all[uid]; keep("hands", show, all); }
  if (!refused) keep("counted", show, { ...read("counted", show), [uid]: { values, at: Date.parse(answer.headers.get("Date")) / 1000 } });
  return true;
}

async function send(show) {
  if (sending) { later(show, IDLE_MS); return; }
  sending = true;
  try {
    for (const [uid, values] of Object.entries(unsent(show))) if (!(await sendOne(show, uid, values))) return;
    say(show, "");
    if (Object.keys(unsent(show)).length) later(show, IDLE_MS);
  } catch {
    say(show, AWAY);
    later(show, AGAIN_MS);
  } finally {
    sending = false;
  }
}

function typed(form, show) {
  chart(form);
  const fault = form.querySelector("[data-fault]");
  fault.hidden = form.checkValidity();
  fault.textContent = "A count is a whole number from 0 to 9999.";
  if (!fault.hidden) return;
  keep("hands", show, { ...unsent(show), [form.closest("[data-case]").dataset.case]: counted(form) });
  if (!navigator.onLine) say(show, AWAY);
  later(show, IDLE_MS);
}

/** A number has no space in it: space goes to the next step here too, enter to the next answer. */
function onKey(event, next) {
  if (event.key === " ") { event.preventDefault(); event.target.blur(); next(); }
  if (event.key !== "Enter") return;
  event.preventDefault();
  const all = fields(event.target.form);
  (all[all.indexOf(event.target) + 1] ?? all[0]).select();
}

/** Let counts be typed into `form` of the presentation `show`; `next` goes to the next step. */
export function attachHands(form, show, next) {
  const known = newer(show, form.closest("[data-case]").dataset.case);
  for (const field of fields(form)) {
    if (known) field.value = known[field.name] ?? "";
    field.addEventListener("keydown", (event) => onKey(event, next));
  }
  form.addEventListener("input", () => typed(form, show));
  form.addEventListener("submit", (event) => event.preventDefault());
  chart(form);
}

/** Send what waits, now and whenever the connection comes back. */
export function sendWaiting(show) {
  addEventListener("online", () => send(show));
  if (Object.keys(unsent(show)).length) send(show);
}
