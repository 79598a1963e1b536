// The emulator's documents for this page. All are read-only and on the page's own origin.

const BASE = "/_emulator/page/";

/** What the emulator says went wrong; `status` 404 means that the thing is gone. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** One document. Throws `Refused` for an answer that is no document, and whatever `fetch` throws without an answer. */
export async function get(name, parameters, signal) {
  const answer = await fetch(address(name, parameters), { signal });
  const document = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, document.error);
  return document;
}

/** Where the thumbnail of an object is; the ETag makes the address new when the content is. */
export function thumbnail(bucket, key, etag, size = "small") {
  return address("thumbnail", { bucket, key, etag, size });
}

/** An address within this page. */
export function link(...parts) {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

function address(name, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value !== undefined);
  return given.length ? `${BASE}${name}?${new URLSearchParams(given)}` : BASE + name;
}
