// The request journal, newest first, failures marked.

import { get } from "./api.js";
import { breakable, element, emptiness, facts, field, keep, keepOne } from "./dom.js";
import { count, duration, time, timeOfDay } from "./format.js";

const STEP = 100;
const MOST = 500;

export const title = () => "Requests";

export function open(root, signal) {
  let limit = STEP;
  const service = element("select", { id: "service" }, element("option", { value: "" }, "all services"));
  const failed = element("input", { type: "checkbox", id: "failed" });
  const text = element("input", { type: "search", id: "text", autocomplete: "off", spellcheck: "false" });
  const bar = element(
    "div",
    { class: "bar", role: "search" },
    field("Service", service),
    field("Containing", text),
    element("label", { class: "check" }, failed, "Failed only"),
  );
  const rows = element("tbody");
  const heads = [["Time", "wide"], ["Request"], ["Answer"], ["Took", "right wide"]];
  const head = heads.map(([label, kind]) => element("th", { scope: "col", class: kind }, label));
  const table = element("table", { class: "journal" }, element("thead", {}, element("tr", {}, head)), rows);
  const note = element("div");
  const more = element("button", { type: "button", hidden: true }, "Show more");
  root.append(bar, table, note, more);

  async function refresh() {
    const asked = { service: service.value, failed: failed.checked || "", text: text.value, limit };
    const found = await get("requests", asked, signal);
    if (asked.text !== text.value || asked.service !== service.value) return;
    offer(service, found.services);
    table.hidden = found.requests.length === 0;
    keep(rows, found.requests, (item) => String(item.number), row);
    const filtered = Boolean(asked.service || asked.failed || asked.text);
    keepOne(note, { none: table.hidden, filtered, written: found.written, kept: found.kept }, remark);
    more.hidden = !found.more || limit >= MOST;
  }

  for (const input of [service, failed, text]) input.addEventListener("input", refresh);
  more.addEventListener("click", () => {
    limit += STEP;
    refresh();
  });
  return refresh;
}

function offer(service, names) {
  const present = new Set([...service.options].map((option) => option.value));
  service.append(...names.filter((name) => !present.has(name)).map((name) => element("option", { value: name }, name)));
}

function remark({ none, filtered, written, kept }) {
  if (none && filtered) return emptiness("No request is like that.", "Loosen the filter above.");
  if (none) return emptiness("Nobody has asked anything yet.", "Every signed request appears here within two seconds.");
  const kinds = written > kept ? `the last ${count(kept)} are kept` : "all are kept";
  return element("p", { class: "note" }, `${count(written)} requests so far; ${kinds}.`);
}

function row(item) {
  const place = item.resource.filter(Boolean).join("/") || item.params.DatasetName || item.params.ProjectName || "";
  return element(
    "tr",
    { class: item.failed && "failed" },
    element("td", { class: "wide" }, timeOfDay(item.time)),
    element(
      "td",
      {},
      element(
        "details",
        {},
        element(
          "summary",
          {},
          element("span", { class: "service" }, item.service),
          " ",
          element("span", { class: "operation" }, item.operation),
          " ",
          element("span", { class: "muted key" }, breakable(place)),
        ),
        element("dl", { class: "facts column" }, about(item)),
      ),
    ),
    element("td", {}, answer(item)),
    element("td", { class: "right number wide" }, duration(item.duration)),
  );
}

function answer({ failed, status, code }) {
  const text = String(status || "no answer");
  if (!failed) return element("span", { class: "number" }, text);
  return [
    element("span", { class: "badge bad" }, element("span", { class: "unseen" }, "Failed: "), text),
    code && element("span", { class: "code" }, breakable(code)),
  ];
}

function about(item) {
  return facts([
    ["Number", count(item.number)],
    ["Time", time(item.time)],
    ["Request id", item.request_id],
    ["Who", item.principal || "nobody: no valid signature"],
    ["Region", item.region],
    ["Took", duration(item.duration)],
    ...Object.entries(item.params),
  ]);
}
