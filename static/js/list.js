// Worklist: rows by keyboard and mouse, filters without reloading the page.
import { announce, onKeys } from "./shell.js";

const links = () => [...document.querySelectorAll(".cases a.case-link")];

function step(by) {
  const all = links();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
  all[next].focus();
  all[next].closest("tr").scrollIntoView({ block: "nearest" });
}

onKeys({
  j: () => step(1),
  k: () => step(-1),
  "/": () => { const field = document.getElementById("q"); field.focus(); field.select(); },
});

// The whole row opens the case; selecting text in it does not.
document.addEventListener("click", (event) => {
  const row = event.target.closest(".cases tbody tr");
  if (!row || event.target.closest("a, button") || String(getSelection())) return;
  const link = row.querySelector("a.case-link");
  if (!link) return;
  if (event.ctrlKey || event.metaKey) window.open(link.href); else link.click();
});

// Addresses stay short: only the filters that are set.
document.addEventListener("htmx:config:request", (event) => {
  const { request, sourceElement } = event.detail.ctx;
  if (!sourceElement.matches("[data-filters]")) return;
  for (const [name, value] of [...request.body.entries()]) if (!value) request.body.delete(name);
  document.getElementById("list").classList.add("is-busy");
});

// Who stands on a case by keyboard stays on it when the list comes anew.
const place = (link) => new URL(link.href).pathname;
let kept = null;
document.addEventListener("htmx:before:swap", () => {
  kept = links().includes(document.activeElement) ? place(document.activeElement) : null;
});

document.addEventListener("htmx:after:swap", () => {
  links().find((link) => place(link) === kept)?.focus();
  const filtered = location.search.replace(/^\?/, "");
  const exported = document.querySelector("[data-export]");
  exported.href = exported.href.split("?")[0] + (filtered ? `?${filtered}` : "");
  document.querySelector("[data-clear]").hidden = !filtered;
  const shown = links().length;
  announce(shown ? `${shown} cases shown` : "No case meets these filters");
});
