// A named table that gives way to a remark while it has no rows.

import { element, keep, keepOne } from "./dom.js";

/** `part` to put on the page, and `show(items, row, none)`. Columns are `[heading, class]`; items are told apart by `keyOf`. */
export function table(name, columns, keyOf) {
  const rows = element("tbody");
  const heads = columns.map(([text, kind]) => element("th", { scope: "col", class: kind }, text));
  const grid = element("table", { hidden: true }, element("thead", {}, element("tr", {}, heads)), rows);
  const note = element("div");
  const part = element("section", {}, element("h2", {}, name), grid, note);
  function show(items, row, none) {
    grid.hidden = items.length === 0;
    keep(rows, items, keyOf, row);
    keepOne(note, items.length === 0, (empty) => (empty ? none() : element("p")));
  }
  return { part, show };
}
