// What frames the panels: which one is shown, the header, and the asking again.

import { get, Refused } from "./api.js";
import * as bindings from "./bindings.js";
import * as bucket from "./bucket.js";
import * as buckets from "./buckets.js";
import * as dataset from "./dataset.js";
import * as datasets from "./datasets.js";
import { element, emptiness, facts, keep } from "./dom.js";
import { count, time } from "./format.js";
import * as imageSearch from "./image_search.js";
import * as messages from "./messages.js";
import * as requests from "./requests.js";
import * as settings from "./settings.js";
import * as tasks from "./tasks.js";

const EVERY = 2000; // milliseconds between looks
const PANELS = {
  buckets, bucket, datasets, dataset, bindings, tasks, "image-search": imageSearch, messages, requests, settings,
};
const NAV = [
  ["buckets", "Buckets"],
  ["datasets", "Datasets"],
  ["bindings", "Bindings"],
  ["tasks", "Batches and tasks"],
  ["image-search", "Image Search"],
  ["messages", "Queues and topics"],
  ["requests", "Requests"],
  ["settings", "Faults, switches"],
];
const WITHIN = { bucket: "buckets", dataset: "datasets" };

const main = document.getElementById("main");
const pause = document.getElementById("pause");
const status = document.getElementById("link");
let shown = null; // { name, refresh, leaving }
let paused = false;
let timer = 0;

function route() {
  const [name, ...rest] = location.hash.replace(/^#\//, "").split("/").map(decodeURIComponent);
  return Object.hasOwn(PANELS, name) ? [name, ...rest] : ["buckets"];
}

function show() {
  if (location.hash === "#main") return; // the skip link
  shown?.leaving.abort();
  const [name, ...places] = route();
  const panel = PANELS[name];
  const title = panel.title(...places);
  const heading = element("h1", { tabindex: -1 }, title);
  const content = element("div", { class: `panel ${name}` });
  const leaving = new AbortController();
  main.replaceChildren(panel.above?.(...places) ?? "", heading, content);
  document.title = `${title} · Local Alibaba Cloud`;
  const first = shown === null;
  shown = { name, content, leaving, refresh: panel.open(content, leaving.signal, ...places) };
  if (!first) heading.focus({ preventScroll: true });
  window.scrollTo(0, 0);
  refresh();
}

/** Look now, then again and again while the page is seen and not paused. */
async function refresh() {
  clearTimeout(timer);
  const { leaving, content, refresh: look } = shown;
  try {
    const [overview] = await Promise.all([get("overview", {}, leaving.signal), look()]);
    frame(overview);
    content.querySelector(":scope > .gone")?.remove();
    say(paused ? "Paused" : "Live", paused ? "quiet" : "good");
  } catch (error) {
    if (leaving.signal.aborted) return;
    if (!(error instanceof Refused)) say("No answer", "bad");
    else if (error.status === 404) content.replaceChildren(gone(error.message));
    else say(error.message, "bad");
  }
  if (!paused && !document.hidden && !leaving.signal.aborted) timer = setTimeout(refresh, EVERY);
}

function gone(message) {
  const said = emptiness("It is not here.", `The emulator says: ${message}.`);
  said.classList.add("gone");
  return said;
}

function say(text, tone) {
  if (status.textContent !== text) status.textContent = text;
  status.className = `badge ${tone}`;
}

function frame(overview) {
  const pairs = [
    ["Region", overview.region],
    [overview.accounts.length > 1 ? "Accounts" : "Account", overview.accounts.join(", ")],
    [overview.virtual ? "Virtual clock, UTC" : "Clock, UTC", time(overview.now)],
    ["Unknown input", overview.strict ? "" : "ignored (--loose)"],
  ];
  document.getElementById("facts").replaceChildren(...facts(pairs));
  const current = WITHIN[shown.name] ?? shown.name;
  const marks = { requests: [overview.failed, "failed", "bad"], settings: [overview.faults, "in force", ""] };
  const items = NAV.map(([name, label]) => ({ name, label, current: name === current, mark: marks[name] }));
  keep(document.getElementById("nav"), items, (item) => item.name, entry);
}

function entry({ name, label, current, mark }) {
  const [number, word, tone] = mark ?? [0];
  const note = number ? element("span", { class: `mark ${tone}` }, `${count(number)} ${word}`) : null;
  return element("li", {}, element("a", { href: `#/${name}`, "aria-current": current && "page" }, label, " ", note));
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", paused);
  refresh();
});
addEventListener("hashchange", show);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
show();
