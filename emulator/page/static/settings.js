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
  const target = [rule.service ?? "any service", rule.operation ?? "any operation"].join(" · ");
  const left = rule.left === null ? "until removed" : `${rule.left} left`;
  return element(
    "li",
    {},
    badge(left, rule.left === 0 ? "quiet" : "busy"),
    element("span", {}, element("strong", {}, target), ` ${rule.when} it runs: ${effect(rule)}`),
  );
}

function effect({ error, latency, drop, html, malformed, probability }) {
  const odds = probability === undefined || probability === 1 ? "" : `, in ${Math.round(probability * 100)} % of cases`;
  let what = "a fault";
  if (error) what = `error ${error.status} ${error.code}`;
  else if (latency !== undefined) what = `${latency} s later`;
  else if (drop) what = "the connection is dropped";
  else if (html) what = `a proxy's page with status ${html}`;
  else if (malformed) what = "half a document";
  return what + odds;
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
