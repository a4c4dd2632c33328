// Builds elements. Text is always set as text: the output of a tested system never becomes markup.
import { readJson } from "./json.js";

const SVG = "http://www.w3.org/2000/svg";

/** Return a new element; `props` are attributes, `on…` listeners, `dataset`; children are nodes or text. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "dataset") Object.assign(node.dataset, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Return an icon of the sprite. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

/** Return the JSON that the server put into `<script type="application/json" id=…>`, or null. */
export function jsonFrom(id) {
  const script = document.getElementById(id);
  return script ? readJson(script.textContent) : null;
}

/** Return `work` debounced: it runs `ms` after the last call. */
export function debounce(work, ms) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...args), ms);
  };
}

/** Return `work` so that it runs at most once in `ms`, also when it is called all the time. */
export function throttle(work, ms) {
  let timer = 0;
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    if (timer) return;
    timer = setTimeout(() => {
      timer = 0;
      last = performance.now(); // no clock: somebody may set it back
      work();
    }, Math.max(0, last + ms - performance.now()));
  };
}
