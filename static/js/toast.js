// Short messages: shown in the corner, and read by screen readers.
import { el, icon } from "./dom.js";

/** Say `text` to screen readers. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/** Show `text` for some seconds; `tone` is ok, bad or live. */
export function toast(text, tone = "ok") {
  const close = el("button", { class: "button button-quiet button-small button-icon", type: "button", "aria-label": "Dismiss", onclick: () => note.remove() }, icon("close"));
  const note = el("div", { class: `toast status status-${tone}` }, el("span", { class: "status-icon" }, icon(tone)), el("span", {}, text), close);
  document.getElementById("toasts").append(note);
  announce(text);
  setTimeout(() => note.remove(), tone === "bad" ? 9000 : 4500);
}

/** Copy `text` and say so. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied.`);
  } catch {
    toast("The browser did not allow copying.", "bad");
  }
}
