// Image Search: instances with what they hold, and their batches.

import { get } from "./api.js";
import { breakable, element, emptiness } from "./dom.js";
import { badge, count, time } from "./format.js";
import { table } from "./table.js";

const TONES = { NORMAL: "good", UNAVAILABLE: "bad", SUCCESS: "good", FAIL: "bad", CANCELLED: "quiet" };

const INSTANCE = [["Instance"], ["State"], ["Pictures", "right"], ["Batches", "right wide"], ["Until", "wide"]];
const BATCH = [["Batch"], ["State"], ["Lines", "right"], ["Isolated", "right wide"], ["Since", "wide"]];
const keyOf = ({ account, region, instance, id }) => [account, region, instance, id].join("\n");

export const title = () => "Image Search";

export function open(root, signal) {
  const instances = table("Instances", INSTANCE, keyOf);
  const batches = table("Batches", BATCH, keyOf);
  root.append(instances.part, batches.part);
  return async () => {
    const found = await get("image-search", {}, signal);
    const bought = "Instances are bought in the console: here a seed or PUT /_emulator/image-search/instances makes one.";
    instances.show(found.instances, instance, () => emptiness("There is no instance.", bought));
    batches.show(found.batches, batch, () => emptiness("There is no batch.", "IncreaseInstance starts one."));
  };
}

function state({ state: word, reason }) {
  const why = reason && element("span", { class: "small block" }, breakable(reason));
  return element("td", {}, badge(word, TONES[word] ?? "busy"), why);
}

function instance(item) {
  return element(
    "tr",
    {},
    element(
      "th",
      { scope: "row" },
      breakable(item.instance),
      detail(item.product ? "product search" : "generic search"),
      detail(item.region),
    ),
    state(item),
    element("td", { class: "right number" }, `${count(item.pictures)} of ${count(item.capacity)}`),
    element("td", { class: "right number wide" }, count(item.batches)),
    element("td", { class: "wide" }, time(item.expires)),
  );
}

function batch(item) {
  const lines = item.lines === null ? count(item.done) : `${count(item.done)} of ${count(item.lines)}`;
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, String(item.id), detail(item.instance), detail(item.source)),
    state(item),
    element("td", { class: "right number" }, lines),
    element("td", { class: "right number wide" }, count(item.isolated)),
    element("td", { class: "wide" }, time(item.updated)),
  );
}

function detail(text) {
  return element("span", { class: "muted small block" }, breakable(text));
}
