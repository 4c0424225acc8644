// The scan: heatmap, zoom and pan, window and level. State lives in `view`; `paint` shows it.
import Panzoom from "../vendor/panzoom-4.6.2/panzoom.es.js";
import { announce, onKeys } from "./shell.js";

const viewer = document.querySelector("[data-viewer]");
const pick = (name) => viewer.querySelector(`[data-${name}]`);
const [stage, sheet, scan, heat, scale, tools, zoomWords] = ["stage", "sheet", "scan", "heat", "scale", "tools", "zoom"].map(pick);
const acts = Object.fromEntries([...viewer.querySelectorAll("[data-act]")].map((each) => [each.dataset.act, each]));
const maps = [...viewer.querySelectorAll("[data-map]")];
const knobs = Object.fromEntries([...viewer.querySelectorAll("[data-knob]")].map((each) => [each.dataset.knob, each]));

const PLAIN = { brightness: 100, contrast: 100, invert: false, windowing: false };
const MEMORY = `view:${location.pathname}`;
const view = { heat: true, label: null, opacity: 60, ...PLAIN };
let kept = JSON.parse(sessionStorage.getItem(MEMORY) ?? "null");   // how this case was left
let found = null;           // {label, heatmaps, address} of the second read of the frame in view
let chosen = false;         // the reader picked a class: keep it for the next frame

const panzoom = Panzoom(sheet, { canvas: true, maxScale: 12, minScale: 1, step: 0.25, animate: false, panOnlyWhenZoomed: true, cursor: "default" });

/** Bring in what #result says; called when the page opens and whenever the part was replaced. */
function takeResult() {
  const { analysis, label, heatmaps, heatAddress, frame } = document.getElementById("result").dataset;
  found = analysis ? { analysis, label, heatmaps: heatmaps.split(" "), address: heatAddress, frame: Number(frame) } : null;
  if (found && !(chosen && found.heatmaps.includes(view.label))) view.label = found.label;
  const form = document.getElementById("read-form");
  if (form) form.elements.analysis.value = found ? found.analysis : "";
  for (const each of document.querySelectorAll("[data-needs-analysis]")) each.disabled = !found;
  if (found) for (const each of found.heatmaps) new Image().src = addressOf(each);
  paint();
}

const addressOf = (label) => found.address.replace("LABEL", label);

export function frameInView() {
  return Number(viewer.dataset.frame);
}

export function paint() {
  const here = Boolean(found) && found.frame === frameInView();
  if (here && !heat.src.endsWith(addressOf(view.label))) heat.src = addressOf(view.label);
  heat.hidden = scale.hidden = !(here && view.heat);
  heat.style.opacity = view.opacity / 100;
  scan.style.filter = filter();
  press(acts.heat, view.heat && here);
  press(acts.invert, view.invert);
  press(acts.window, view.windowing);
  acts.heat.disabled = knobs.opacity.disabled = !here;
  for (const map of maps) {
    map.disabled = !(here && found.heatmaps.includes(map.dataset.map));   // some networks know two classes
    press(map, here && view.heat && map.dataset.map === view.label);
  }
  for (const [name, knob] of Object.entries(knobs)) knob.value = view[name];
  stage.classList.toggle("is-windowing", view.windowing);
  zoomWords.textContent = `${Math.round(panzoom.getScale() * 100)}%`;
  remember();
}

function filter() {
  const parts = [];
  if (view.brightness !== 100) parts.push(`brightness(${view.brightness}%)`);
  if (view.contrast !== 100) parts.push(`contrast(${view.contrast}%)`);
  if (view.invert) parts.push("invert(1)");
  return parts.join(" ");
}

function press(button, on) {
  button.setAttribute("aria-pressed", String(on));
}

// Going back to a case finds it as it was left, for as long as the tab lives.
function remember() {
  if (kept) return;
  sessionStorage.setItem(MEMORY, JSON.stringify({ ...view, windowing: false, scale: panzoom.getScale(), pan: panzoom.getPan() }));
}

function recall() {
  if (!kept) return;
  const { scale: zoom, pan, ...rest } = kept;
  Object.assign(view, rest);
  chosen = view.label !== null && view.label !== found?.label;
  panzoom.zoom(zoom);
  requestAnimationFrame(() => { panzoom.pan(pan.x, pan.y); kept = null; paint(); });
}

function set(change) {
  Object.assign(view, change);
  paint();
}

function showMap(label) {
  chosen = true;
  set({ heat: true, label });
  announce(`Heatmap for ${label}`);
}

const clamp = (value, knob) => Math.min(Number(knob.max), Math.max(Number(knob.min), value));
const fade = (by) => set({ heat: true, opacity: clamp(view.opacity + by, knobs.opacity) });

function toggleZoom() {
  if (panzoom.getScale() > 1.01) { panzoom.reset(); return; }
  const box = stage.getBoundingClientRect();
  const at = pointer ?? { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
  panzoom.zoomToPoint(2.5, at);
}

const doing = {
  heat: () => set({ heat: !view.heat }),
  invert: () => set({ invert: !view.invert }),
  window: () => { set({ windowing: !view.windowing }); panzoom.setOptions({ disablePan: view.windowing }); },
  reset: () => { panzoom.setOptions({ disablePan: false }); panzoom.reset(); set({ ...PLAIN, opacity: 60 }); },
  zoom: toggleZoom,
  in: () => panzoom.zoomIn(),
  out: () => panzoom.zoomOut(),
};

for (const [name, act] of Object.entries(doing)) acts[name].addEventListener("click", act);
for (const map of maps) map.addEventListener("click", () => showMap(map.dataset.map));
for (const [name, knob] of Object.entries(knobs)) knob.addEventListener("input", () => set({ [name]: Number(knob.value) }));

let pointer = null;
stage.addEventListener("pointermove", (event) => {
  pointer = event;
  if (!view.windowing || event.buttons !== 1) return;
  set({
    brightness: clamp(view.brightness - event.movementY * 0.6, knobs.brightness),
    contrast: clamp(view.contrast + event.movementX * 0.6, knobs.contrast),
  });
});
stage.addEventListener("pointerleave", () => { pointer = null; });
stage.addEventListener("wheel", (event) => { event.preventDefault(); panzoom.zoomWithWheel(event); }, { passive: false });
stage.addEventListener("dblclick", toggleZoom);
sheet.addEventListener("panzoomchange", () => requestAnimationFrame(paint));

onKeys({
  h: () => !acts.heat.disabled && doing.heat(),
  1: () => !maps[0].disabled && showMap(maps[0].dataset.map),
  2: () => !maps[1].disabled && showMap(maps[1].dataset.map),
  3: () => !maps[2].disabled && showMap(maps[2].dataset.map),
  "[": () => fade(-10),
  "]": () => fade(10),
  i: doing.invert,
  r: doing.reset,
  w: doing.window,
  z: doing.zoom,
  n: () => document.querySelector(".case-bar [rel=next]")?.click(),
  p: () => document.querySelector(".case-bar [rel=prev]")?.click(),
  f: () => document.querySelector("#read-form")?.querySelector("input:checked:enabled, input[type=radio]:enabled, select")?.focus(),
});

let standing = document.getElementById("result").dataset.state;
document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail.ctx.target?.id !== "result") { takeResult(); return; }
  const { state, said } = document.getElementById("result").dataset;
  if (said && standing !== "done") announce(said);
  if (state === "failed" && standing !== "failed") announce("The analysis failed.");
  standing = state;
  takeResult();
});

tools.hidden = false;
takeResult();
recall();
paint();
