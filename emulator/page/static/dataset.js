// One dataset: its files, and a box to query them with.

import { get, link } from "./api.js";
import { element, facts, keepOne } from "./dom.js";
import { file } from "./file.js";
import { bytes, count, plural, time } from "./format.js";
import { queryForm } from "./query_form.js";

export const title = (account, region, project, dataset) => dataset;
export const above = (account, region, project) =>
  element("p", { class: "crumbs" }, element("a", { href: link("datasets") }, "Datasets"), ` / ${project} /`);

export function open(root, signal, account, region, project, dataset) {
  const place = { account, region, project, dataset };
  const summary = element("dl", { class: "facts" });
  const heading = element("h2", { id: "hits", "aria-live": "polite" });
  const refusal = element("div");
  const list = element("ul", { class: "files", "aria-labelledby": "hits" });
  const more = element("button", { type: "button", hidden: true }, "Next files");
  let asked = { operation: "SimpleQuery" };
  let seen = ""; // the dataset as it was when the query ran
  let next = "";

  async function run(added = false) {
    const query = added ? { ...asked, NextToken: next } : asked;
    const answer = await get("query", { ...place, ...query }, signal);
    seen = JSON.stringify(answer.dataset);
    keepOne(refusal, answer.refusal ?? null, refused);
    const files = (answer.files ?? []).map((item) => file(item));
    if (added) list.append(...files);
    else list.replaceChildren(...files);
    next = answer.next ?? "";
    more.hidden = !next;
    heading.textContent = answer.refusal ? "Refused" : hits(asked, answer.total ?? files.length);
  }

  /** A query is run again only when the dataset has changed: on a large one it is work. */
  async function refresh() {
    const { datasets } = await get("datasets", {}, signal);
    const found = datasets.find((item) => Object.entries(place).every(([name, value]) => item[name] === value));
    if (found && JSON.stringify(found) === seen) return;
    if (found) summary.replaceChildren(...about(found));
    await run();
  }

  more.addEventListener("click", () => run(true));
  const form = queryForm((query) => {
    asked = query;
    return run();
  });
  root.append(summary, form, heading, refusal, list, more);
  return refresh;
}

function hits({ Query: query }, total) {
  if (query) return `${plural(total, "file")} found`;
  return total ? plural(total, "file") : "No file is indexed yet";
}

function refused(refusal) {
  if (refusal === null) return element("p");
  const code = element("strong", {}, `${refusal.status} ${refusal.code}`);
  return element("p", { class: "refusal", role: "alert" }, code, element("br"), refusal.message);
}

function about(item) {
  return facts([
    ["Files", count(item.files)],
    ["Size", bytes(item.bytes)],
    ["Follows", item.bindings.join(", ") || "no bucket"],
    ["Template", item.template],
    ["Description", item.description],
    ["Region", item.region],
    ["Created", time(item.created)],
  ]);
}
