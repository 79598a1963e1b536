// Making elements, and keeping a list of them up to date without disturbing whoever is reading it.
// Text only ever becomes text nodes and attributes: nothing on this page parses HTML.

const shown = new WeakMap();

/** An element with attributes, listeners (`onclick: function`) and children; null, undefined and false are left out. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/**
 * Make the children of `parent` show `items` in order. Only what differs from before is made anew, and what was
 * focused or unfolded in it stays so.
 */
export function keep(parent, items, keyOf, make) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const text = JSON.stringify(item);
    const old = before.get(key);
    before.delete(key);
    let node = old;
    if (!old || shown.get(old) !== text) {
      node = make(item);
      node.dataset.key = key;
      shown.set(node, text);
      if (old) {
        if (place === old) place = node;
        replace(old, node);
      }
    }
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
  for (const gone of before.values()) gone.remove();
}

/** `keep` for a single piece of content. */
export function keepOne(parent, item, make) {
  keep(parent, [item], () => "only", make);
}

/** Rows of terms and descriptions; those without a value are left out. */
export function facts(pairs) {
  return pairs
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([term, value]) => element("div", {}, element("dt", {}, term), element("dd", {}, value)));
}

/** A name that may break where it has parts: `photos/` `by-` `the-` `water.` `jpg`, `Incremental` `Scanning`. */
export function breakable(name) {
  return name.split(/(?<=[/_.-])|(?<=[a-z])(?=[A-Z])/).flatMap((part) => [part, element("wbr")]);
}

/** A control with its label before it. The control needs an id. */
export function field(label, control) {
  return element("span", { class: "field" }, element("label", { for: control.id }, label), control);
}

/** What stands where a list is empty: what is missing, and how to get it. */
export function emptiness(title, ...hint) {
  return element("div", { class: "empty" }, element("p", { class: "empty-title" }, title), element("p", {}, ...hint));
}

const FOCUSABLE = "a[href], button, summary, input, select, textarea, [tabindex]";

function replace(old, node) {
  const focused = [...old.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
  const open = [...old.querySelectorAll("details")].map((details) => details.open);
  old.replaceWith(node);
  [...node.querySelectorAll("details")].forEach((details, index) => {
    details.open = open[index] ?? details.open;
  });
  if (focused >= 0) node.querySelectorAll(FOCUSABLE)[focused]?.focus({ preventScroll: true });
}
