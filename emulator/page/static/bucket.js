// One bucket's objects as tiles, pictures as thumbnails.

import { get, link, thumbnail } from "./api.js";
import { breakable, element, emptiness, facts, field, keep, keepOne } from "./dom.js";
import { bytes, count, time } from "./format.js";
import { openObject } from "./object.js";

const STEP = 60;
const MOST = 480;

export const title = (name) => name;
export const above = () => element("p", { class: "crumbs" }, element("a", { href: link("buckets") }, "Buckets"), " /");

export function open(root, signal, name) {
  let limit = STEP;
  const summary = element("dl", { class: "facts" });
  const prefix = element("input", { type: "search", id: "prefix", autocomplete: "off", spellcheck: "false" });
  const list = element("ul", { class: "tiles" });
  const note = element("div");
  const more = element("button", { type: "button", hidden: true }, "Show more");
  const find = element("div", { class: "bar" }, field("Keys that begin with", prefix));
  root.append(summary, find, list, note, more);

  async function refresh() {
    const asked = { bucket: name, prefix: prefix.value, limit };
    const found = await get("objects", asked, signal);
    if (asked.prefix !== prefix.value) return;
    summary.replaceChildren(...about(found.bucket));
    keep(list, found.objects, (item) => item.key, (item) => tile(name, item));
    keepOne(note, { none: found.objects.length === 0, all: found.bucket.objects === 0 }, remark);
    more.hidden = !found.more || limit >= MOST;
  }

  prefix.addEventListener("input", refresh);
  more.addEventListener("click", () => {
    limit += STEP;
    refresh();
  });
  return refresh;
}

function about(bucket) {
  return facts([
    ["Objects", count(bucket.objects)],
    ["Size", bytes(bucket.bytes)],
    ["Region", bucket.region],
    ["Access", bucket.acl],
    ["Storage", bucket.storage_class],
    ["Versioning", bucket.versioning],
    ["Uploads in progress", bucket.uploads || ""],
    ["Created", time(bucket.created)],
  ]);
}

function remark({ none, all }) {
  if (!none) return element("p");
  if (all) return emptiness("The bucket is empty.", "What any OSS client puts into it appears here.");
  return emptiness("No key begins like that.", "Keys are compared letter by letter.");
}

function tile(bucket, item) {
  const face = item.picture
    ? element("img", { src: thumbnail(bucket, item.key, item.etag), alt: "", loading: "lazy" })
    : element("span", { class: "kind", "aria-hidden": "true" }, extension(item));
  return element(
    "li",
    {},
    element(
      "button",
      { type: "button", class: "tile", onclick: () => openObject(bucket, item.key) },
      element("span", { class: "face" }, face),
      element("span", { class: "key" }, breakable(item.key)),
      element("span", { class: "muted small" }, bytes(item.size)),
    ),
  );
}

function extension({ key, content_type: type }) {
  const end = /\.([A-Za-z0-9]{1,5})$/.exec(key);
  return end ? end[1].toLowerCase() : type.split("/").pop().slice(0, 8);
}
