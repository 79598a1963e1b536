// Fault rules in force and the switches for unverified facts: to be seen here, to be set by command or admin address.

import { get } from "./api.js";
import { element, emptiness, keep, keepOne } from "./dom.js";
import { badge } from "./format.js";

export const title = () => "Faults and switches";

export function open(root, signal) {
  const rules = element("ol", { class: "rules" });
  const none = element("div");
  const switches = element("ul", { class: "switches" });
  root.append(
    element("section", {}, element("h2", {}, "Fault rules"), rules, none),
    element(
      "section",
      {},
      element("h2", {}, "Switches"),
      element("p", { class: "note" }, "Facts about the cloud that no account has confirmed, and the reading in force."),
      switches,
    ),
  );
  return async () => {
    const found = await get("settings", {}, signal);
    keep(rules, found.faults.map((rule, index) => ({ ...rule, index })), (rule) => String(rule.index), ruleRow);
    keepOne(none, found.faults.length === 0, (empty) => (empty ? noRule() : element("p")));
    keep(switches, found.switches, (item) => item.name, switchRow);
  };
}

function noRule() {
  const command = element("code", {}, "python -m emulator faults --set FILE");
  return emptiness("No fault is in force.", command, " puts rules in force.");
}

function ruleRow(rule) {
  const message = messageEffect(rule);
  const target = message ? "mns · Deliver" : [rule.service ?? "any service", rule.operation ?? "any operation"].join(" · ");
  const left = rule.left === null ? "until removed" : `${rule.left} left`;
  const said = message ? `: a message ${message}${odds(rule)}` : ` ${rule.when} it runs: ${effect(rule)}${odds(rule)}`;
  return element(
    "li",
    {},
    badge(left, rule.left === 0 ? "quiet" : "busy"),
    element("span", {}, element("strong", {}, target), said + (rule.struck ? `, ${rule.struck} so far` : "")),
  );
}

function odds({ probability }) {
  return probability === undefined || probability === 1 ? "" : `, in ${Math.round(probability * 100)} % of cases`;
}

function effect({ error, latency, drop, html, malformed }) {
  if (error) return `error ${error.status} ${error.code}`;
  if (latency !== undefined) return `${latency} s later`;
  if (drop) return "the connection is dropped";
  if (html) return `a proxy's page with status ${html}`;
  if (malformed) return "half a document";
  return "a fault";
}

function messageEffect({ duplicate, delay, lose, swap }) {
  if (duplicate !== undefined) return `arrives ${duplicate + 1} times`;
  if (delay !== undefined) return `arrives ${delay} s late`;
  if (lose) return "is lost";
  if (swap !== undefined) return `arrives behind the next one, ${swap} s late at most`;
  return "";
}

function switchRow({ name, value, default: usual, question }) {
  const changed = JSON.stringify(value) !== JSON.stringify(usual);
  return element(
    "li",
    {},
    element("p", { class: "switch" }, element("code", {}, name), " = ", element("strong", {}, String(value)), " ",
      changed && badge(`changed from ${usual}`, "busy")),
    element("p", { class: "muted small" }, question),
  );
}
