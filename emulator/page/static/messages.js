// Queues with their counts, topics with their subscriptions.

import { get } from "./api.js";
import { element, emptiness } from "./dom.js";
import { count } from "./format.js";
import { table } from "./table.js";

const QUEUE = [["Name"], ["Waiting", "right"], ["Received", "right"], ["Delayed", "right"], ["Hidden for", "right wide"]];
const TOPIC = [["Name"], ["Published", "right"], ["Subscriptions"]];
const keyOf = ({ account, region, name }) => [account, region, name].join("\n");

export const title = () => "Queues and topics";

export function open(root, signal) {
  const queues = table("Queues", QUEUE, keyOf);
  const topics = table("Topics", TOPIC, keyOf);
  root.append(queues.part, topics.part);
  return async () => {
    const found = await get("messages", {}, signal);
    queues.show(found.queues, queue, () => emptiness("There is no queue.", "CreateQueue makes one."));
    topics.show(found.topics, topic, () => emptiness("There is no topic.", "CreateTopic makes one."));
  };
}

function queue(item) {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, item.name),
    element("td", { class: "right number" }, count(item.active)),
    element("td", { class: "right number" }, count(item.inactive)),
    element("td", { class: "right number" }, count(item.delayed)),
    element("td", { class: "right number wide" }, `${item.visibility_timeout} s`),
  );
}

function topic(item) {
  const subscriptions = item.subscriptions.map(({ name, endpoint, format, tag }) =>
    element("li", {}, name, element("span", { class: "muted small block" }, [endpoint, format, tag].filter(Boolean).join(" · "))),
  );
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, item.name),
    element("td", { class: "right number" }, count(item.published)),
    element("td", {}, subscriptions.length ? element("ul", { class: "plain" }, subscriptions) : "none"),
  );
}
