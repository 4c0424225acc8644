// Answers for a presentation when the server can't be reached. The network always comes first, so nothing is ever
// older than it has to be; a copy is used for 12 hours at most, and goes on sign-out (shell.js).

const PREFIX = "presentation:";
const OLDEST_MS = 12 * 3600 * 1000;
const PATIENCE_MS = 8000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(Promise.all([self.clients.claim(), forgetOld()])));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  event.respondWith(answer(request));
});

const tooOld = (copy) => Date.now() - Date.parse(copy.headers.get("Date") ?? 0) > OLDEST_MS;

async function forgetOld() {
  for (const name of (await caches.keys()).filter((each) => each.startsWith(PREFIX))) {
    const kept = await caches.open(name);
    const [first] = await kept.keys();
    const copy = first && (await kept.match(first));
    if (copy && tooOld(copy)) await caches.delete(name); // an empty one is being filled just now
  }
}

async function copyOf(request) {
  const copy = await caches.match(request, { ignoreSearch: request.mode === "navigate", ignoreVary: true });
  return copy && !tooOld(copy) ? copy : null;
}

/** The server's answer, where it begins in time; how long the rest of it takes is another matter. */
async function fromServer(request) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), PATIENCE_MS);
  try { return await fetch(request, { signal: late.signal }); } finally { clearTimeout(timer); }
}

async function answer(request) {
  try {
    const fresh = await fromServer(request);
    return fresh.status < 500 ? fresh : ((await copyOf(request)) ?? fresh);
  } catch (error) {
    const copy = await copyOf(request);
    if (copy) return copy;
    throw error;
  }
}
