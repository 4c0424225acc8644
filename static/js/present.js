// A presentation: one sheet at a time, step by step, by keyboard. Everything is in the page already; where it
// stands is in the address and in this browser, so that it goes on after a reload, with or without a connection.
import { announce, isTyping, onKeys } from "./shell.js";
import { attachHands, sendWaiting } from "./hands.js";
import { prepare } from "./offline.js";

const show = document.querySelector("[data-show]");
const uid = show.dataset.show;
const sheets = [...show.querySelectorAll("[data-sheet]")];
const stepsOf = (number) => sheets[number].dataset.steps.split(" ");
const places = sheets.flatMap((_, sheet) => stepsOf(sheet).map((step) => ({ sheet, step })));
const PLACE = `draft:${document.body.dataset.user}:place:${uid}`;
const STEP_WORDS = { image: "scan", question: "question", call: "second read", heatmap: "heatmap", reads: "what readers said", truth: "truth" };
const beside = "BroadcastChannel" in window ? new BroadcastChannel(`presentation:${uid}`) : null;
const out = document.getElementById("out");
let at = 0;
let ready = false;
let leaving = false; // full screen, on purpose
let fullBefore = false;

function indexOf(sheet, step) {
  const inside = Math.min(Math.max(sheet, 0), sheets.length - 1);
  const exact = places.findIndex((place) => place.sheet === inside && place.step === step);
  return exact >= 0 ? exact : places.findIndex((place) => place.sheet === inside);
}

/** The place in the address; else the one where this browser left it; else the start. */
function remembered() {
  const query = new URLSearchParams(location.search);
  const said = query.has("case") ? [query.get("case"), query.get("step")] : (localStorage.getItem(PLACE) ?? "0").split(" ");
  return indexOf(Number.parseInt(said[0], 10) || 0, said[1] ?? "");
}

function keepPlace({ sheet, step }) {
  history.replaceState(null, "", `?${new URLSearchParams({ case: sheet, step })}`);
  localStorage.setItem(PLACE, `${sheet} ${step}`);
}

function tellBeside() {
  const { sheet, step } = places[at];
  beside?.postMessage({ case: sheets[sheet].dataset.case ?? null, step: STEP_WORDS[step] ?? "" });
}

function draw() {
  const { sheet, step } = places[at];
  sheets.forEach((each, number) => { each.hidden = number !== sheet; });
  for (const part of sheets[sheet].querySelectorAll("[data-at]")) part.hidden = !part.dataset.at.split(" ").includes(step);
  document.body.dataset.step = step;
  for (const link of show.querySelectorAll("[data-go]")) link.hidden = !places[at + Number(link.dataset.go)];
}

function go(to) {
  if (!places[to]) return;
  if (at === 0 && to > 0 && !ready) return;
  at = to;
  draw();
  keepPlace(places[at]);
  tellBeside();
  if (document.activeElement && !document.activeElement.checkVisibility()) document.getElementById("main").focus();
  const { sheet, step } = places[at];
  announce([sheets[sheet].dataset.words, STEP_WORDS[step]].filter(Boolean).join(", "));
}

const next = () => go(at + 1);
const back = () => go(at - 1);

/** A step key on a button belongs to the button: space presses it. */
const unlessOnButton = (act) => (event) => (event.target.closest?.("button, summary") ? false : act());

function toggleHeat() {
  const { sheet, step } = places[at];
  const steps = stepsOf(sheet);
  const heat = sheets[sheet].querySelector("[data-heat]");
  if (!heat || steps.indexOf(step) < steps.indexOf("heatmap")) return; // the class has not answered yet
  heat.hidden = !heat.hidden;
  announce(heat.hidden ? "Heatmap off" : "Heatmap on");
}

// --- full screen, and out of it --------------------------------------------------------------------

const full = show.querySelector("[data-full]");

async function enterFull() {
  try { await document.documentElement.requestFullscreen(); } catch { /* not allowed here: it goes on in the window */ }
}

function toggleFull() {
  if (document.fullscreenElement) { leaving = true; document.exitFullscreen(); } else enterFull();
}

function ask() {
  if (out.open || document.querySelector("dialog[open]")) return;
  out.querySelector("[data-stays]").hidden = true;
  out.showModal();
}

function leave(address) {
  if (navigator.onLine) location.href = address;
  else out.querySelector("[data-stays]").hidden = false;
}

document.addEventListener("fullscreenchange", () => {
  full.textContent = document.fullscreenElement ? "Leave full screen" : "Full screen";
  if (!document.fullscreenElement && !leaving && places[at].sheet) { fullBefore = true; ask(); }
  leaving = false;
});
out.addEventListener("close", () => { if (fullBefore) enterFull(); fullBefore = false; });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !isTyping(event.target) && !document.querySelector("dialog[open]")) { event.preventDefault(); ask(); }
});
out.addEventListener("cancel", (event) => { event.preventDefault(); leave(show.dataset.out); });
for (const link of out.querySelectorAll("[data-leave]")) {
  link.addEventListener("click", (event) => { event.preventDefault(); leave(link.href); });
}

// --- keys and links ----------------------------------------------------------------------------------

onKeys({
  " ": unlessOnButton(next), ArrowRight: next, PageDown: next,
  b: back, ArrowLeft: back, PageUp: back,
  h: toggleHeat,
  f: toggleFull,
  c: () => { [...sheets[places[at].sheet].querySelectorAll("[data-hands]:not([hidden]) input[type=number]")][0]?.select(); },
});
for (const link of show.querySelectorAll("[data-go]")) {
  link.addEventListener("click", (event) => { event.preventDefault(); go(at + Number(link.dataset.go)); });
}
const begin = show.querySelector("[data-begin]");
begin?.addEventListener("click", (event) => { event.preventDefault(); if (ready) { enterFull(); next(); } });
full.hidden = !document.fullscreenEnabled;
full.addEventListener("click", toggleFull);
beside?.addEventListener("message", (event) => { if (event.data === "where") tellBeside(); });

for (const form of show.querySelectorAll("[data-hands]")) attachHands(form, uid, next);
sendWaiting(uid);
at = remembered();
draw();
if (at > 0) keepPlace(places[at]);
tellBeside();
begin?.setAttribute("aria-disabled", "true");
await prepare(show);
ready = true;
begin?.removeAttribute("aria-disabled");
