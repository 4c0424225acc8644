// What every page has: the key list, the session that ends, small announcements, drafts forgotten on sign-out.

const keys = document.getElementById("keys");

export function announce(text) {
  const region = document.getElementById("announce");
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = text; });
}

/** True while the person types: single keys belong to the field then. */
export function isTyping(target) {
  return target instanceof HTMLElement
    && (target.isContentEditable || target.matches("textarea, select, input:not([type=radio], [type=checkbox], [type=range], [type=button], [type=submit])"));
}

/** Call `handlers[key]` on a plain key press outside fields and dialogs. */
export function onKeys(handlers) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const handler = handlers[event.key];
    if (handler && handler(event) !== false) event.preventDefault();
  });
}

// --- drafts -------------------------------------------------------------------------------------------
// What somebody typed and has not saved (`draft:PERSON:...`) lies in localStorage while that person is signed in.
// When the session is found to be over it moves to this tab's own storage: it is back if the same person signs in
// again here, gone with the tab, and gone as soon as somebody else signs in. After signing out nothing is left.

const namesOf = (store) => Object.keys(store).filter((name) => name.startsWith("draft:"));

function moveDrafts(from, to) {
  for (const name of namesOf(from)) { to.setItem(name, from.getItem(name)); from.removeItem(name); }
}

function settleDrafts(person) {
  if (!person) { moveDrafts(localStorage, sessionStorage); return; }
  for (const store of [localStorage, sessionStorage]) {
    namesOf(store).filter((name) => !name.startsWith(`draft:${person}:`)).forEach((name) => store.removeItem(name));
  }
  moveDrafts(sessionStorage, localStorage);
}

/** Where drafts belong now. */
export const draftStore = () => (document.querySelector("main [data-session-over]") ? sessionStorage : localStorage);

export function showSessionOver(next) {
  moveDrafts(localStorage, sessionStorage);
  const main = document.getElementById("main");
  if (main.querySelector("[data-session-over]")) return;
  const notice = document.getElementById("session-over").content.firstElementChild.cloneNode(true);
  notice.dataset.sessionOver = "";
  if (next) notice.querySelector("a").href = next;
  main.prepend(notice);
}

/** Where to sign in and come back to this page. */
export function signInAddress() {
  const login = document.getElementById("session-over").content.querySelector("a").getAttribute("href");
  return `${login}?next=${encodeURIComponent(location.pathname + location.search)}`;
}

if (keys) {
  const open = () => keys.showModal();
  document.querySelector("[data-keys]").addEventListener("click", open);
  onKeys({ "?": open });
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector(".who[open]");
  if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  else if (isTyping(document.activeElement)) document.activeElement.blur();
});

document.addEventListener("click", (event) => {
  const menu = document.querySelector(".who[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
});

// The theme changes where one stands, without leaving the page.
document.querySelector("[data-theme]")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  const theme = button.value;
  const other = theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.bsTheme = theme;
  button.value = other;
  button.querySelector("span").textContent = `${other === "dark" ? "Dark" : "Light"} pages`;
  const body = new FormData(event.target);
  body.set("theme", theme);
  const answer = await fetch(event.target.action, { method: "POST", body, headers: { Accept: "application/json" } });
  if (answer.status === 401) showSessionOver(signInAddress());
});

/** One notice on top of the page, in place of the one before; none where `title` is empty. */
function tell(title, message = "") {
  const main = document.getElementById("main");
  main.querySelector("[data-told]")?.remove();
  if (!title) return;
  const notice = document.getElementById("told").content.firstElementChild.cloneNode(true);
  notice.querySelector("strong").textContent = title;
  notice.querySelector("span").textContent = message;
  notice.querySelector("a").href = location.href;
  main.prepend(notice);
}

// An answer that is an error page never takes the place of what is on the screen: its words are shown on top,
// and what was typed stays. 422 is a form with its faults marked, which is shown as it is.
document.addEventListener("htmx:before:response", async (event) => {
  const { response, hx } = event.detail.ctx;
  if (response.status < 400 || response.status === 422) { tell(""); return; }
  event.preventDefault();
  if (response.status === 401) { showSessionOver(hx.redirect ?? signInAddress()); return; }
  const page = new DOMParser().parseFromString(await response.raw.text(), "text/html");
  const words = (name) => page.querySelector(`main ${name}`)?.textContent.trim() ?? "";
  tell(words("h1") || "The server could not answer", words("p"));
});

// A shared workstation keeps nothing of a reader who has left.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-sign-out]")) return;
  for (const store of [localStorage, sessionStorage]) namesOf(store).forEach((name) => store.removeItem(name));
  forgetPresentations();
});

/** The copies that a presentation keeps for when the connection is lost (offline.js). */
async function forgetPresentations() {
  if (!("caches" in window)) return;
  const names = (await caches.keys()).filter((name) => name.startsWith("presentation:"));
  await Promise.all(names.map((name) => caches.delete(name)));
}
if (!document.body.dataset.user) forgetPresentations(); // the page may be left before sign-out has come to it
settleDrafts(document.body.dataset.user);
