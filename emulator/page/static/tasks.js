// IMM's batches and tasks: what is under way, and how it ended.

import { get } from "./api.js";
import { breakable, element, emptiness } from "./dom.js";
import { badge, count, time } from "./format.js";
import { table } from "./table.js";

const TONES = { Succeeded: "good", Failed: "bad", Suspended: "quiet" };

const BATCH = [["Batch"], ["State"], ["Tasks", "right"], ["Not submitted", "right wide"], ["Since", "wide"]];
const TASK = [["Task"], ["State"], ["Dataset", "wide"], ["Started", "wide"], ["Ended", "wide"]];
const keyOf = ({ account, region, project, id }) => [account, region, project, id].join("\n");

export const title = () => "Batches and tasks";

export function open(root, signal) {
  const batches = table("Batches", BATCH, keyOf);
  const tasks = table("Tasks", TASK, keyOf);
  root.append(batches.part, tasks.part);
  return async () => {
    const found = await get("tasks", {}, signal);
    batches.show(found.batches, batch, () => emptiness("There is no batch.", "CreateBatch makes one."));
    tasks.show(found.tasks, task, () => emptiness("There is no task.", "Batches and asynchronous calls make them."));
  };
}

function state({ state: word, reason }) {
  const why = reason && element("span", { class: "small block" }, reason);
  return element("td", {}, badge(word, TONES[word] ?? "busy"), why);
}

function batch(item) {
  const source = `oss://${item.bucket}/${item.prefix}`;
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, breakable(item.id), detail(item.project), detail(source), detail(item.actions.join(", "))),
    state(item),
    element("td", { class: "right number" }, item.open ? `${count(item.open)} of ${count(item.submitted)}` : count(item.submitted)),
    element("td", { class: "right number wide" }, count(item.failed + item.skipped)),
    element("td", { class: "wide" }, time(item.updated)),
  );
}

function task(item) {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, breakable(item.id), detail(item.kind)),
    state(item),
    element("td", { class: "wide" }, [item.project, item.dataset].filter(Boolean).join(" / ")),
    element("td", { class: "wide" }, time(item.started)),
    element("td", { class: "wide" }, item.ended === null ? "not yet" : time(item.ended)),
  );
}

function detail(text) {
  return element("span", { class: "muted small block" }, breakable(text));
}
