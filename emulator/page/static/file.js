// One indexed file among a query's hits: what tells it apart at a glance, all its metadata unfolded.

import { thumbnail } from "./api.js";
import { breakable, element, facts } from "./dom.js";
import { bytes, plural } from "./format.js";

/** The list item of a hit. */
export function file({ meta, picture }) {
  const face = picture
    ? element("img", { src: thumbnail(picture.bucket, picture.key, picture.etag), alt: "", loading: "lazy" })
    : element("span", { class: "kind", "aria-hidden": "true" }, meta.MediaType ?? "");
  const title = meta.Title ? `${meta.Title} (${meta.Filename})` : meta.Filename;
  return element(
    "li",
    { class: "file" },
    element("span", { class: "face" }, face),
    element(
      "div",
      {},
      element("p", { class: "key" }, breakable(title)),
      element("p", { class: "muted small" }, gist(meta).join(" · ")),
      meta.Reason && element("p", { class: "refusal small" }, meta.Reason),
      unfolded(meta),
    ),
  );
}

function gist(meta) {
  const size = meta.ImageWidth && `${meta.ImageWidth} × ${meta.ImageHeight}`;
  const length = meta.Duration && `${meta.Duration.toFixed(1)} s`;
  const pages = meta.PageCount && plural(meta.PageCount, "page");
  return [meta.ContentType, bytes(meta.Size), size, length, pages, meta.ProduceTime, meta.Artist].filter(Boolean);
}

function unfolded(meta) {
  const details = element("details", {}, element("summary", {}, "All metadata"));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) {
      const pairs = Object.entries(meta).map(([name, value]) => [name, text(value)]);
      details.append(element("dl", { class: "facts column" }, facts(pairs)));
    }
  });
  return details;
}

/** A value as text; structures, and the JSON text that EXIF is, laid out over lines. */
function text(value) {
  let held = value;
  if (typeof value === "string" && value.startsWith("{")) {
    try {
      held = JSON.parse(value);
    } catch {
      return value;
    }
  }
  return typeof held === "object" ? element("pre", {}, JSON.stringify(held, null, 1)) : String(held);
}
