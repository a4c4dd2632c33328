// Shows any JSON value as coloured, indented text; big ones in parts.
import { el } from "../dom.js";
import { writeJson } from "../json.js";

const SHOWN = 60_000; // characters put on the page at first
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

function coloured(text) {
  const parts = [];
  let last = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > last) parts.push(text.slice(last, match.index));
    const [whole, string, colon, number] = match;
    if (string) parts.push(el("span", { class: colon ? "k" : "s" }, string), colon ?? "");
    else parts.push(el("span", { class: number ? "n" : "l" }, whole));
    last = match.index + whole.length;
  }
  parts.push(text.slice(last));
  return parts;
}

/** Return a code block with `text` as it is. */
export function textView(text, label = "Text") {
  const block = el("pre", { class: "code", tabindex: "0", role: "region", "aria-label": label });
  return inParts(block, text, (part) => [part]);
}

/** Return a code block with `value` as pretty JSON. */
export function jsonView(value, label = "JSON") {
  const text = writeJson(value, 2);
  const block = el("pre", { class: "code", tabindex: "0", role: "region", "aria-label": label });
  return inParts(block, text, coloured);
}

function inParts(block, text, paint) {
  block.append(...paint(text.slice(0, SHOWN)));
  if (text.length <= SHOWN) return block;
  const size = Math.round(text.length / 1024).toLocaleString();
  const more = el("button", { class: "button button-small", type: "button" }, `Show all (${size} KiB)`);
  more.addEventListener("click", () => {
    block.append(document.createTextNode(text.slice(SHOWN))); // the rest without colours, which is quick
    more.remove();
  });
  return el("div", { class: "stack-tight" }, block, more);
}
