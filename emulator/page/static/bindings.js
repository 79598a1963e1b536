// Every binding of a bucket to a dataset, with how far it is.

import { get, link } from "./api.js";
import { breakable, element, emptiness, keep, keepOne } from "./dom.js";
import { badge, count, time } from "./format.js";

const TONES = { Running: "good", Failed: "bad", Retrying: "busy", Ready: "busy", Stopped: "quiet", Deleted: "quiet" };

export const title = () => "Bindings";

export function open(root, signal) {
  const rows = element("tbody");
  const heads = [["Bucket"], ["Dataset"], ["State"], ["Scanned", "right wide"], ["Waiting", "right wide"], ["Since", "wide"]];
  const head = heads.map(([text, kind]) => element("th", { scope: "col", class: kind }, text));
  const table = element("table", { hidden: true }, element("thead", {}, element("tr", {}, head)), rows);
  const note = element("div");
  root.append(table, note);
  return async () => {
    const { bindings, total } = await get("bindings", {}, signal);
    table.hidden = total === 0;
    keep(rows, bindings, keyOf, row);
    keepOne(note, { total, shown: bindings.length }, remark);
  };
}

const keyOf = ({ account, region, project, dataset, uri }) => [account, region, project, dataset, uri].join("\n");

function remark({ total, shown }) {
  if (total === 0) return emptiness("No bucket is bound to a dataset.", "CreateBinding binds one.");
  return element("p", { class: "note" }, total > shown ? `The first ${shown} of ${total} bindings.` : "");
}

function row(item) {
  const scanning = item.phase === "FullScanning";
  const place = [item.account, item.region, item.project, item.dataset];
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, element("a", { href: link("bucket", item.bucket) }, breakable(item.uri))),
    element("td", {}, element("a", { href: link("dataset", ...place) }, breakable(`${item.project} / ${item.dataset}`))),
    element(
      "td",
      {},
      badge(item.state, scanning ? "busy" : TONES[item.state] ?? "busy"),
      item.phase && element("span", { class: "muted small block" }, breakable(item.phase)),
      item.reason && element("span", { class: "small block" }, item.reason),
    ),
    element("td", { class: "right number wide" }, scanned(item, scanning)),
    element("td", { class: "right number wide" }, item.waiting ? count(item.waiting) : "none"),
    element("td", { class: "wide" }, time(item.updated)),
  );
}

function scanned({ scanned: done, objects }, scanning) {
  if (!scanning || objects === null) return count(done);
  return element("span", {}, element("progress", { max: objects || 1, value: done }), ` ${count(done)} of ${count(objects)}`);
}
