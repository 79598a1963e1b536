// Everything about one object but its content, in a dialog over the page.

import { get, Refused, thumbnail } from "./api.js";
import { breakable, element, facts } from "./dom.js";
import { bytes, time } from "./format.js";

const dialog = document.getElementById("object");

/** Show the dialog for an object; the focus returns to where it was when the dialog closes. */
export async function openObject(bucket, key) {
  const body = element("div", { class: "object-body" }, element("p", { class: "muted" }, "Loading…"));
  const close = element("button", { type: "button", onclick: () => dialog.close() }, "Close");
  dialog.replaceChildren(element("header", {}, element("h2", { id: "object-title" }, breakable(key)), close), body);
  dialog.showModal();
  try {
    body.replaceChildren(...describe(bucket, await get("object", { bucket, key })));
  } catch (error) {
    const text = error instanceof Refused ? error.message : "the emulator does not answer";
    body.replaceChildren(element("p", { class: "refusal" }, `It cannot be shown: ${text}.`));
  }
}

function describe(bucket, item) {
  const address = thumbnail(bucket, item.key, item.etag, "large");
  return [
    item.picture && element("img", { class: "large", src: address, alt: `The picture ${item.key}` }),
    element("dl", { class: "facts column" }, rows(bucket, item)),
  ].filter(Boolean);
}

function rows(bucket, item) {
  return facts([
    ["Address", `oss://${bucket}/${item.key}`],
    ["Size", `${bytes(item.size)} (${item.size} bytes)`],
    ["Content type", item.content_type],
    ["Modified", time(item.last_modified)],
    ["ETag", item.etag],
    ["CRC-64", item.crc64],
    ["Written as", item.object_type],
    ["Storage class", item.storage_class],
    ["Access", item.acl],
    ...Object.entries(item.headers),
    ...Object.entries(item.metadata).map(([name, value]) => [`x-oss-meta-${name}`, value]),
    ...Object.entries(item.tags).map(([name, value]) => [`Tag ${name}`, value]),
  ]);
}

dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // a click beside it
});
