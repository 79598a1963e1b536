// All buckets, each a card with a few of its pictures.

import { get, link, thumbnail } from "./api.js";
import { element, emptiness, keep, keepOne } from "./dom.js";
import { bytes, plural } from "./format.js";

export const title = () => "Buckets";

export function open(root, signal) {
  const list = element("ul", { class: "cards" });
  const note = element("div");
  root.append(list, note);
  return async () => {
    const { buckets, total } = await get("buckets", {}, signal);
    keep(list, buckets, (bucket) => bucket.name, card);
    keepOne(note, { total, shown: buckets.length }, remark);
  };
}

function remark({ total, shown }) {
  if (total === 0) return emptiness("There is no bucket yet.", "Make one with any OSS client. ", howTo());
  return element("p", { class: "note" }, total > shown ? `The first ${shown} of ${total} buckets.` : "");
}

function howTo() {
  return element("code", {}, 'eval "$(python -m emulator env)"');
}

function card(bucket) {
  const size = [plural(bucket.objects, "object"), bytes(bucket.bytes)].filter(Boolean).join(", ");
  return element(
    "li",
    { class: "card" },
    cover(bucket),
    element("h2", {}, element("a", { href: link("bucket", bucket.name) }, bucket.name)),
    element("p", { class: "muted" }, size),
    element("p", { class: "muted small" }, [bucket.region, bucket.acl, bucket.storage_class].join(" · ")),
  );
}

function cover({ name, pictures, objects }) {
  if (!pictures.length) return element("div", { class: "cover of-0" }, objects ? "No pictures" : "Empty");
  const shown = pictures.map(({ key, etag }) =>
    element("img", { src: thumbnail(name, key, etag), alt: "", loading: "lazy" }),
  );
  return element("div", { class: `cover of-${shown.length}`, "aria-hidden": "true" }, shown);
}
