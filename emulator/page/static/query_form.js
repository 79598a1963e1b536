// The query box of a dataset: SimpleQuery as its JSON, FuzzyQuery as words.

import { element, field } from "./dom.js";

const EXAMPLES = [
  ["Pictures at least 1,280 wide", {
    Operation: "and",
    SubQueries: [
      { Field: "MediaType", Operation: "eq", Value: "image" },
      { Field: "ImageWidth", Operation: "gte", Value: "1280" },
    ],
  }],
  ["PDF documents", { Field: "ContentType", Operation: "eq", Value: "application/pdf" }],
  ["Not pictures, over 10 KB", {
    Operation: "and",
    SubQueries: [
      { Field: "Size", Operation: "gt", Value: "10000" },
      { Operation: "not", SubQueries: [{ Field: "MediaType", Operation: "eq", Value: "image" }] },
    ],
  }],
];
const SORTS = ["URI", "Filename", "Size", "FileModifiedTime", "UpdateTime", "ProduceTime", "ImageWidth", "Duration"];

/** The form; `run` is given the parameters of the query when it is sent. */
export function queryForm(run) {
  const json = element("textarea", { id: "json", rows: 5, spellcheck: "false", placeholder: "Empty: every file" });
  const words = element("input", { id: "words", type: "search", autocomplete: "off", placeholder: "sunset report" });
  const sort = select("sort", [["", "as the service does"], ...SORTS.map((name) => [name, name])]);
  const order = select("order", [["asc", "ascending"], ["desc", "descending"]]);
  const send = element("button", { class: "primary" }, "Run query");
  const examples = EXAMPLES.map(([label, query]) =>
    element("button", { type: "button", class: "chip", onclick: () => fill(query) }, label),
  );
  const kinds = element(
    "fieldset",
    { class: "kinds" },
    element("legend", {}, "Query"),
    kind("SimpleQuery", "conditions on fields", true),
    kind("FuzzyQuery", "words in names, texts and labels", false),
  );
  const simple = element(
    "div",
    { class: "stack" },
    element("label", { for: "json" }, "Conditions as JSON; Ctrl + Enter runs them"),
    json,
    element("div", { class: "chips", role: "group", "aria-label": "Examples" }, examples),
  );
  const fuzzy = element("div", { class: "stack", hidden: true }, element("label", { for: "words" }, "Words"), words);
  const sorting = element(
    "div",
    { class: "bar" },
    field("Sort by", sort),
    element("label", { for: "order", class: "unseen" }, "Order"),
    order,
    send,
  );
  const form = element("form", { class: "query" }, kinds, simple, fuzzy, sorting);

  function fill(query) {
    json.value = spelled(query);
    json.rows = Math.max(5, json.value.split("\n").length);
    form.requestSubmit();
  }

  const isSimple = () => form.elements.operation.value === "SimpleQuery";
  kinds.addEventListener("change", () => {
    simple.hidden = !isSimple();
    fuzzy.hidden = isSimple();
  });
  json.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      await run({
        operation: form.elements.operation.value,
        Query: (isSimple() ? json.value : words.value).trim(),
        Sort: sort.value,
        Order: sort.value && order.value,
      });
    } finally {
      send.disabled = false;
    }
  });
  return form;
}

/** JSON with each condition on a line of its own. */
function spelled(query) {
  const oneLine = (_, members) => `{ ${members.replace(/\s*\n\s*/g, " ")} }`;
  return JSON.stringify(query, null, 2).replace(/\{\s*([^{}[\]]*?)\s*\}/g, oneLine);
}

function kind(operation, meaning, checked) {
  const input = element("input", { type: "radio", name: "operation", value: operation, checked });
  return element("label", {}, input, element("span", {}, operation), element("span", { class: "muted small" }, meaning));
}

function select(id, options) {
  return element("select", { id }, options.map(([value, label]) => element("option", { value }, label)));
}
