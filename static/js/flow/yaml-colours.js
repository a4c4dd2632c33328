// Colours one line of YAML: comments, keys, text, numbers and ${references}. It is a sketch for colours, not a parser.
import { el } from "../dom.js";

const TOKEN = /(\$\{[^}]*\})|("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')(?=(\s*:(?:\s|$))?)|([\w$.-]+)(?=\s*:(?:\s|$))|(\b(?:true|false|null)\b|~)|(?<![\w.-])(-?\d+(?:\.\d+)?)(?![\w.-])/g;
const REFERENCE = /(\$\{[^}]*\})/;

function comment(line) {
  let quote = "";
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at];
    if (quote) {
      if (char === quote) quote = "";
    } else if ((char === '"' || char === "'") && /[\s[{,:]/.test(line[at - 1] ?? " ")) quote = char;
    else if (char === "#" && /\s/.test(line[at - 1] ?? " ")) return at;
  }
  return line.length;
}

const quoted = (text, kind) => text.split(REFERENCE).filter(Boolean).map((part) => el("span", { class: REFERENCE.test(part) ? "r" : kind }, part));

/** Return the nodes of one match of TOKEN. */
function painted([whole, reference, text, isKey, key, literal]) {
  if (reference) return [el("span", { class: "r" }, whole)];
  if (text) return quoted(whole, isKey ? "k" : "s");
  if (key) return [el("span", { class: "k" }, whole)];
  return [el("span", { class: literal ? "l" : "n" }, whole)];
}

/** Return the nodes of one line. */
export function paintLine(line) {
  const end = comment(line);
  const code = line.slice(0, end);
  const parts = [];
  let last = 0;
  for (const match of code.matchAll(TOKEN)) {
    parts.push(code.slice(last, match.index), ...painted(match));
    last = match.index + match[0].length;
  }
  parts.push(code.slice(last));
  if (end < line.length) parts.push(el("span", { class: "c" }, line.slice(end)));
  return parts.filter((part) => part !== "");
}
