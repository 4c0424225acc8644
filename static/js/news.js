// How pending images stand: one question for all of them, and only the cells that changed are touched.
// Elements say [data-news=image uid] and [data-part=verdict|call|near_copies] and lose data-news when there is an answer.
import { announce } from "./shell.js";

const ADDRESS = "/news";
const MOST = 200;
const EVERY_MS = 1500;

async function ask(uids) {
  const query = new URLSearchParams(uids.map((uid) => ["image", uid]));
  const answer = await fetch(`${ADDRESS}?${query}`, { headers: { Accept: "application/json" } });
  return answer.ok ? answer.json() : {};
}

function show(uid, news) {
  for (const place of document.querySelectorAll(`[data-news="${uid}"]`)) {
    const html = news[place.dataset.part];
    if (place.innerHTML !== html) place.innerHTML = html;
    if (!news.pending) place.removeAttribute("data-news");
  }
}

async function look() {
  const uids = [...new Set([...document.querySelectorAll("[data-news]")].map((place) => place.dataset.news))];
  if (uids.length && !document.hidden) {
    try {
      const news = await ask(uids.slice(0, MOST));
      let arrived = 0;
      for (const [uid, each] of Object.entries(news)) { show(uid, each); arrived += each.pending ? 0 : 1; }
      if (arrived) announce(`${arrived} ${arrived === 1 ? "result has" : "results have"} arrived`);
    } catch { /* the network is away for a moment: ask again */ }
  }
  setTimeout(look, EVERY_MS);
}

look();
