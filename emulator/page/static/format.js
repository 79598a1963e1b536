// Numbers and times as people read them. Times are the emulator's, in UTC, as everything it answers.

import { element } from "./dom.js";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const counted = new Intl.NumberFormat("en");

/** `1,234`. */
export function count(value) {
  return counted.format(value);
}

/** `1 file`, `2 files`. */
export function plural(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `185 KiB`; nothing for an unknown size. */
export function bytes(value) {
  if (value === null || value === undefined) return "";
  let rest = value;
  let unit = 0;
  while (rest >= 1024 && unit < UNITS.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${unit && rest < 10 ? rest.toFixed(1) : Math.round(rest)} ${UNITS[unit]}`;
}

/** `0.8 ms`, `1.2 s`. */
export function duration(seconds) {
  if (seconds >= 1) return `${seconds.toFixed(1)} s`;
  const milliseconds = seconds * 1000;
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}

/** A <time> of seconds since the epoch: `2026-11-22 06:41:07`. */
export function time(seconds) {
  const text = new Date(seconds * 1000).toISOString();
  return element("time", { datetime: text, class: "number" }, text.slice(0, 19).replace("T", " "));
}

/** A <time> that leaves the date out: `06:41:07`. */
export function timeOfDay(seconds) {
  const text = new Date(seconds * 1000).toISOString();
  return element("time", { datetime: text, title: text, class: "number" }, text.slice(11, 19));
}

/** A state in a word, with a dot whose shape and colour say the same. `tone`: good, busy, bad or quiet. */
export function badge(text, tone) {
  return element("span", { class: `badge ${tone}` }, text);
}
