// Loops: a slider, play and stop, and the second read of the frame that the loop rests on.
import { onKeys } from "./shell.js";
import { frameInView, paint } from "./viewer.js";

const viewer = document.querySelector("[data-viewer]");
const count = Number(viewer.dataset.frames);
const PER_SECOND = 15;
const REST_MS = 300;
const KEPT = 150;

if (count > 1) {
  const scan = viewer.querySelector("[data-scan]");
  const slider = viewer.querySelector("[data-frame-slider]");
  const words = viewer.querySelector("[data-frame-words]");
  const note = viewer.querySelector("[data-stage-note]");
  const play = viewer.querySelector("[data-act=play]");
  const pictures = new Map();   // the frames seen lately, decoded; held here, for no cache may keep them
  let playing = false;
  let resting = 0;

  const addressOf = (frame) => viewer.dataset.frameAddress.replace(/0\.png$/, `${frame}.png`);

  async function load(frame) {
    if (!pictures.has(frame)) {
      const picture = new Image();
      picture.src = addressOf(frame);
      pictures.set(frame, picture.decode().then(() => picture));
      if (pictures.size > KEPT) pictures.delete(pictures.keys().next().value);
    }
    return pictures.get(frame);
  }

  async function show(frame) {
    viewer.dataset.frame = frame;
    slider.value = frame;
    words.textContent = `${frame + 1} / ${count}`;
    slider.setAttribute("aria-valuetext", `frame ${frame + 1} of ${count}`);
    try {
      const { src } = await load(frame);
      if (frameInView() !== frame) return;
      scan.src = src;
      scan.alt = scan.alt.replace(/, frame .*$/, `, frame ${frame + 1} of ${count}`);
      note.textContent = "";
    } catch {
      pictures.delete(frame);
      note.textContent = `Frame ${frame + 1} can't be shown.`;
    }
    paint();
  }

  /** Once the loop rests: its second read, and an address that leads back here. */
  function rest() {
    clearTimeout(resting);
    resting = setTimeout(() => {
      const frame = frameInView();
      history.replaceState(history.state, "", `${viewer.dataset.resultAddress.replace(/\/result$/, "")}?${searchWith(frame)}`);
      if (Number(document.getElementById("result").dataset.frame) === frame) return;
      htmx.ajax("GET", `${viewer.dataset.resultAddress}?frame=${frame}`, { target: "#result", swap: "outerHTML" });
    }, REST_MS);
  }

  function searchWith(frame) {
    const search = new URLSearchParams(location.search);
    search.set("frame", frame);
    return search;
  }

  function go(frame) {
    stop();
    show((frame + count) % count);
    rest();
  }

  function stop() {
    playing = false;
    play.setAttribute("aria-pressed", "false");
    swapIcon("play");
  }

  function swapIcon(name) {
    const use = play.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*$/, `#${name}`));
  }

  async function run() {
    playing = true;
    play.setAttribute("aria-pressed", "true");
    swapIcon("pause");
    while (playing) {
      const began = performance.now();
      const next = (frameInView() + 1) % count;
      await show(next);
      for (let ahead = 1; ahead <= 4; ahead += 1) load((next + ahead) % count).catch(() => {});
      await new Promise((done) => setTimeout(done, Math.max(0, 1000 / PER_SECOND - (performance.now() - began))));
    }
    rest();
  }

  /** A frame that has its answer now joins the list of those that do. */
  function listAnalysed() {
    const { analysis, frame } = document.getElementById("result").dataset;
    const list = viewer.querySelector("[data-analysed]");
    if (!analysis || list.querySelector(`[data-go-frame="${frame}"]`)) return;
    const link = Object.assign(document.createElement("a"), { href: `?frame=${frame}`, textContent: Number(frame) + 1 });
    link.dataset.goFrame = frame;
    if (list.childElementCount) list.append(", ", link); else list.replaceChildren(link);
  }

  const toggle = () => { if (playing) stop(); else run(); };
  play.addEventListener("click", toggle);
  slider.addEventListener("input", () => go(Number(slider.value)));
  viewer.addEventListener("click", (event) => {
    const link = event.target.closest("[data-go-frame]");
    if (link) { event.preventDefault(); go(Number(link.dataset.goFrame)); }
  });
  document.addEventListener("htmx:after:swap", listAnalysed);
  onKeys({
    " ": (event) => (event.target.matches("button, a, summary, input, label") && event.target !== slider ? false : toggle()),
    ",": () => go(frameInView() - 1),
    ".": () => go(frameInView() + 1),
  });
}
