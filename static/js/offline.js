// A presentation needs no connection once it is loaded. Every picture is in the page and decoded before the first
// case is shown; where the browser allows it (HTTPS, or this machine) a service worker keeps a copy for a reload.
// What is kept goes on sign-out and is never used after 12 hours (see presentation-worker.js).

const PATIENCE_MS = 30_000;
const PREFIX = "presentation:";

const say = (name, words) => { const place = document.querySelector(`[data-state="${name}"]`); if (place) place.textContent = words; };

async function decoded(image, tick) {
  try { await image.decode(); return true; } catch { return image.complete && image.naturalWidth > 0; } finally { tick(); }
}

/** Wait for every picture of the page, with a bar. Returns how many there are and how many failed. */
async function pictures(root) {
  const images = [...root.querySelectorAll("img")];
  const bar = root.querySelector("[data-loaded]");
  const words = root.querySelector("[data-loading-words]");
  root.querySelector("[data-loading]").hidden = false;
  bar.max = Math.max(1, images.length);
  let done = 0;
  const tick = () => { done += 1; bar.value = done; words.textContent = `Loading the pictures: ${done} of ${images.length}`; };
  const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE_MS, null); });
  const all = await Promise.race([Promise.all(images.map((image) => decoded(image, tick))), late]);
  const failed = all ? all.filter((each) => !each).length : images.length - done;
  bar.value = bar.max;
  return { count: images.length, failed, words };
}

/** Everything of our own site that this page has loaded. */
function loaded() {
  const own = performance.getEntriesByType("resource")
    .filter((each) => each.initiatorType !== "fetch" && new URL(each.name).origin === location.origin)
    .map((each) => each.name);
  const marks = [...document.querySelectorAll("svg use")].map((use) => new URL(use.getAttribute("href"), location.href).href.split("#")[0]);
  const images = [...document.images].map((image) => image.src);
  return [...new Set([location.origin + location.pathname, ...own, ...images, ...marks])];
}

/** Keep a copy of this page and all that it loads. Returns whether a reload works without a connection now. */
export async function keepCopy(name, worker) {
  if (!("serviceWorker" in navigator) || !("caches" in window)) return false;
  try {
    await navigator.serviceWorker.register(worker);
    await navigator.serviceWorker.ready;
    const kept = await caches.open(PREFIX + name);
    await kept.addAll(loaded());
  } catch { /* what an earlier visit kept may still be there */ }
  return Boolean(await caches.match(location.pathname, { ignoreSearch: true, ignoreVary: true }).catch(() => null));
}

function watchConnection() {
  const kept = document.querySelector('[data-state="kept"]');
  const tell = () => {
    say("connection", navigator.onLine ? "" : "No connection: the presentation goes on without one.");
    kept.hidden = !navigator.onLine;
  };
  addEventListener("online", tell);
  addEventListener("offline", tell);
  tell();
}

/** Load everything before the start and say how it stands. Resolves when the presentation may begin. */
export async function prepare(show) {
  watchConnection();
  const { count, failed, words } = await pictures(show);
  if (failed) words.textContent = `${failed} of ${count} pictures could not be loaded. Load this page again while there is a connection.`;
  else words.textContent = `All ${count} pictures are loaded: the connection may be lost from here on, as long as this page stays open.`;
  keepCopy(show.dataset.show, show.dataset.worker).then((kept) => {
    if (kept && !failed) words.textContent = `All ${count} pictures are loaded and kept: the connection may be lost from here on, and the page may be loaded again.`;
    if (kept && !failed) show.dataset.kept = "yes";
    say("kept", failed ? "Some pictures are missing." : "Works without a connection.");
  });
}
