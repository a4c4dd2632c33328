// The looks of statuses: tone (colour) and icon by status. The same table as executions/pages/status_badges.py.
import { el, icon } from "./dom.js";

const LOOKS = {
  PENDING: ["idle", "idle", "Pending"],
  IN_PROGRESS: ["live", "live", "Running"],
  WAITING: ["wait", "wait", "Waiting"],
  SUCCESS: ["ok", "ok", "Success"],
  COMPLETED: ["ok", "ok", "Completed"],
  FAILED: ["bad", "bad", "Failed"],
  ERROR: ["error", "error", "Error"],
  SKIPPED: ["idle", "skipped", "Skipped"],
  CANCELLED: ["idle", "cancelled", "Cancelled"],
};

export const toneOf = (status) => (LOOKS[status] ?? LOOKS.PENDING)[0];
export const wordOf = (status) => (LOOKS[status] ?? [0, 0, status])[2];

/** Return only the icon, in its colour, with the word for screen readers. */
export function statusIcon(status) {
  const [tone, name, word] = LOOKS[status] ?? LOOKS.PENDING;
  return el("span", { class: `status status-icon status-${tone}`, title: word }, icon(name), el("span", { class: "visually-hidden" }, word));
}

/** Return the badge: icon and word. */
export function badge(status) {
  const [tone, name, word] = LOOKS[status] ?? LOOKS.PENDING;
  return el("span", { class: `badge status status-${tone}` }, icon(name), word);
}

const TERMINAL = new Set(["COMPLETED", "SUCCESS", "FAILED", "ERROR", "SKIPPED", "CANCELLED"]);
export const isOver = (status) => TERMINAL.has(status);
export const isBad = (status) => status === "FAILED" || status === "ERROR";
