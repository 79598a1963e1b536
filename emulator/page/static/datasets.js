// All datasets of all projects.

import { get, link } from "./api.js";
import { element, emptiness, keep, keepOne } from "./dom.js";
import { bytes, count } from "./format.js";

export const title = () => "Datasets";

export function open(root, signal) {
  const rows = element("tbody");
  const heads = ["Project", "Dataset", "Files", "Size", "Follows", "Region"].map((text, index) =>
    element("th", { scope: "col", class: { 2: "right", 3: "right wide", 4: "wide", 5: "wide" }[index] }, text),
  );
  const table = element("table", { hidden: true }, element("thead", {}, element("tr", {}, heads)), rows);
  const note = element("div");
  root.append(table, note);
  return async () => {
    const found = await get("datasets", {}, signal);
    table.hidden = found.datasets.length === 0;
    keep(rows, found.datasets, (item) => place(item).join("\n"), row);
    const empty = found.empty_projects.map((item) => item.project);
    keepOne(note, { none: table.hidden, empty }, remark);
  };
}

function remark({ none, empty }) {
  if (empty.length) return element("p", { class: "note" }, `Projects without a dataset: ${empty.join(", ")}.`);
  if (!none) return element("p");
  return emptiness("There is no dataset yet.", "CreateProject and CreateDataset make one.");
}

const place = ({ account, region, project, dataset }) => [account, region, project, dataset];

function row(item) {
  return element(
    "tr",
    {},
    element("td", {}, item.project),
    element("th", { scope: "row" }, element("a", { href: link("dataset", ...place(item)) }, item.dataset)),
    element("td", { class: "right number" }, count(item.files)),
    element("td", { class: "right number wide" }, bytes(item.bytes)),
    element("td", { class: "wide" }, item.bindings.join(", ") || "no bucket"),
    element("td", { class: "wide" }, item.region),
  );
}
