// The drop zone: each file is sent by itself, with its own progress and verdict; results come in by news.js.
import { announce, showSessionOver, signInAddress } from "./shell.js";
import { HIDDEN, filesOfDrop, filesOfPicker } from "./files.js";
import { LOST, answers, reason, send } from "./sending.js";
import { filesOfZip } from "./zip.js";

const zone = document.querySelector("[data-drop]");
const form = zone.closest("form");
const part = (name) => zone.querySelector(`[data-${name}]`);
const [batch, list, template, total, summary, veil] = ["batch", "files", "row", "total", "summary", "veil"].map(part);
const [retryAll, cancel, refresh] = ["retry-all", "cancel", "refresh"].map(part);
const token = JSON.parse(document.body.getAttribute("hx-headers:inherited"))["X-CSRFToken"];
const rows = [];
let stop = new AbortController();
let batchId = newBatch();
let since = 0;

function newBatch() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const FIRST_PAUSE = 2000, LONGEST_PAUSE = 30000;
let pause = FIRST_PAUSE;
let resuming = 0;

async function add(files) {
  if (!files.length) return;
  if (rows.every((row) => row.state !== "waiting" && row.state !== "sending")) { batchId = newBatch(); since = performance.now(); stop = new AbortController(); }
  for (const file of files) await addFile(file);
  batch.hidden = false;
  update();
  if (!form) pump();
}

/** A file, or the files of a zip, each in a row of its own. */
async function addFile(file) {
  const inside = await filesOfZip(file, Number(zone.dataset.maxFiles), HIDDEN).catch(() => null);
  const row = newRow(file);
  rows.push(row);
  if (!inside) return;
  say(row, "unpacked", `${inside.length} files inside`);
  for (const member of inside) rows.push(newRow(member));
}

function newRow(file) {
  const element = template.content.firstElementChild.cloneNode(true);
  const row = { file, element, state: form ? "ready" : "waiting", share: 0 };
  element.querySelector(".file-name").textContent = file.name;
  element.querySelector(".file-name").title = file.webkitRelativePath || file.name;
  element.querySelector(".file-retry").addEventListener("click", () => again([row]));
  list.append(element);
  say(row, form ? "ready" : "waiting", form ? "ready" : "waiting");
  return row;
}

function say(row, state, words) {
  row.state = state;
  row.element.dataset.state = state;
  row.element.querySelector(".file-state").textContent = words;
  row.element.querySelector(".file-retry").hidden = state !== "failed";
  row.element.querySelector("progress").hidden = !["waiting", "sending"].includes(state);
}

function again(failed) {
  clearTimeout(resuming);
  stop = new AbortController();
  failed.forEach((row) => { row.share = 0; say(row, "waiting", "waiting"); });
  pump();
}

function body(row, file) {
  const data = new FormData();
  if (form) for (const [name, value] of new FormData(form)) if (!(value instanceof File) && name !== "batch") data.append(name, value);
  data.append("batch", batchId);
  data.append("files", file, file.name);
  return data;
}

/** One after the other: the images of a case keep the order in which they were dropped. */
function pump() {
  update();
  if (count("sending")) return;
  const next = rows.find((row) => row.state === "waiting");
  if (next) deliver(next);
}

async function deliver(row) {
  say(row, "sending", "0%");
  let file = row.file;
  try {
    if (file.open) file = await file.open();
  } catch {
    row.share = 1;
    say(row, "refused", "The file is damaged inside the archive. Pack or copy it again.");
    return pump();
  }
  const onProgress = (share) => {
    row.share = share;
    row.element.querySelector("progress").value = share;
    row.element.querySelector(".file-state").textContent = share < 1 ? `${Math.floor(share * 100)}%` : "checking";
    update();
  };
  const { status, verdicts, message } = await send(zone.dataset.endpoint, body(row, file), { token, onProgress, signal: stop.signal });
  row.share = 1;
  if (status === 200 && verdicts.length) { judge(row, verdicts); pause = FIRST_PAUSE; }
  else {
    if (status === 401) showSessionOver(signInAddress());
    say(row, "failed", reason(status, message));
    row.lost = LOST.includes(status);
    if (row.lost) return resumeLater();
  }
  pump();
}

/** The server is away: what waits stays waiting, and goes on by itself once it answers. */
function resumeLater() {
  update();
  resuming = setTimeout(async () => {
    if (await answers()) again(rows.filter((row) => row.state === "failed" && row.lost));
    else resumeLater();
  }, pause);
  pause = Math.min(pause * 2, LONGEST_PAUSE);
}

/** A zip has many verdicts: its row stands for the archive, each member gets its own. */
function judge(row, verdicts) {
  if (verdicts.length === 1) { verdict(row, verdicts[0]); return; }
  say(row, "unpacked", `${verdicts.length} files inside`);
  let after = row.element;
  for (const each of verdicts) {
    const inner = newRow({ name: each.name });
    inner.share = 1;
    after.after(inner.element);
    after = inner.element;
    rows.push(inner);
    verdict(inner, each);
  }
}

function verdict(row, { state, message, case_url: address, image_uid: uid }) {
  say(row, state, state === "accepted" ? "uploaded" : message);
  if (!address) return;
  const link = row.element.querySelector(".file-link");
  link.href = address;
  link.hidden = false;
  const [news, copies] = [".file-news", ".file-copies"].map((place) => row.element.querySelector(place));
  news.hidden = false;
  Object.assign(news.dataset, { news: uid, part: "verdict" });
  Object.assign(copies.dataset, { news: uid, part: "near_copies" });
}

const count = (...states) => rows.filter((row) => states.includes(row.state)).length;

function update() {
  const [taken, refused, failed, seen] = [count("accepted"), count("refused"), count("failed"), count("seen")];
  const open = count("waiting", "sending");
  const all = rows.filter((row) => row.state !== "unpacked");
  total.value = all.length ? all.reduce((sum, row) => sum + row.share, 0) / all.length : 0;
  total.hidden = !open;
  const parts = [
    [count("ready"), "ready"], [taken, "uploaded"], [seen, "seen before"], [refused, "refused"], [failed, "failed"],
    [open, `to go${open ? estimate() : ""}`],
  ].filter(([number]) => number).map(([number, words]) => `${number} ${words}`);
  const words = parts.join(", ");
  if (summary.textContent !== words) summary.textContent = words;
  cancel.hidden = !open;
  retryAll.hidden = failed < 2 || open > 0;
  refresh.hidden = open > 0 || !(taken + seen);
  const start = form?.querySelector("[data-start]");
  if (start) { start.hidden = !count("ready"); start.querySelector("span").textContent = `Upload ${count("ready")} ${count("ready") === 1 ? "file" : "files"}`; }
  if (!open && !count("ready") && rows.length && zone.dataset.told !== words) { zone.dataset.told = words; announce(words); }
}

/** The time to go at the pace so far, once there is one. */
function estimate() {
  const share = total.value;
  const seconds = (performance.now() - since) / 1000;
  if (share < 0.05 || share >= 1 || seconds < 3) return "";
  const left = Math.ceil(seconds * (1 - share) / share);
  return left > 90 ? `, about ${Math.ceil(left / 60)} minutes` : `, about ${left} s`;
}

async function take(promise) { await add(await promise); }

zone.hidden = false;
form?.classList.add("is-live");
for (const name of ["files", "folder"]) {
  const picker = zone.querySelector(`[data-picker=${name}]`);
  zone.querySelector(`[data-choose=${name}]`).addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => { add(filesOfPicker(picker)); picker.value = ""; });
}
retryAll.addEventListener("click", () => again(rows.filter((row) => row.state === "failed")));
cancel.addEventListener("click", () => {
  clearTimeout(resuming);
  rows.filter((row) => row.state === "waiting").forEach((row) => say(row, "failed", reason(-1)));
  stop.abort();
  update();
});
form?.addEventListener("submit", (event) => {
  const ready = rows.filter((row) => row.state === "ready");
  event.preventDefault();
  since = performance.now();
  again(ready);
});

let inside = 0;
const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
const shade = (by) => { inside = Math.max(0, inside + by); veil.hidden = inside === 0; };
addEventListener("dragenter", (event) => { if (holdsFiles(event)) { event.preventDefault(); shade(1); } });
addEventListener("dragover", (event) => { if (holdsFiles(event)) event.preventDefault(); });
addEventListener("dragleave", (event) => { if (holdsFiles(event)) shade(-1); });
addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  shade(-inside);
  take(filesOfDrop(event.dataTransfer));
});
// Leaving would cut what is on its way: the browser asks first.
addEventListener("beforeunload", (event) => { if (count("waiting", "sending")) event.preventDefault(); });
