// Times and durations for people, and the clock that keeps them moving. The time is the server's: a browser's clock is
// often wrong, and may be set while the page is open.

const LARGEST_ERROR = 2000; // ms; answers come late, and the Date of an HTTP answer has whole seconds
let serverTime = 0; // at the moment `pageTime`
let pageTime = 0; // ms since the page was opened; no clock, so that nobody sets it

/** Return the server's time now, in ms since the epoch. */
export const now = () => serverTime + performance.now() - pageTime;

/** Tell what the server's clock showed a moment ago; small differences are the time that the answer took. */
export function setServerTime(ms) {
  if (!Number.isFinite(ms) || Math.abs(ms - now()) <= LARGEST_ERROR) return;
  [serverTime, pageTime] = [ms, performance.now()];
}

/** Begin with the time at which the server wrote the page: it came with the first byte. */
function readServerTime() {
  serverTime = Number(document.body?.dataset.now) || Date.now();
  pageTime = document.body?.dataset.now ? (performance.getEntriesByType("navigation")[0]?.responseStart ?? performance.now()) : performance.now();
}

/** Return a duration in milliseconds as text: 340 ms, 4.2 s, 3 min 05 s, 2 h 10 min. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
  return `${Math.floor(seconds / 3600)} h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")} min`;
}

/** Return "2 min ago" for a time in milliseconds. */
export function ago(ms) {
  const seconds = Math.max(0, Math.round((now() - ms) / 1000));
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 30 * 86_400) return `${Math.floor(seconds / 86_400)} d ago`;
  return new Date(ms).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
}

/** Return the exact local time, with milliseconds. */
export function exact(ms) {
  const text = new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  return `${text} (.${String(ms % 1000).padStart(3, "0")})`;
}

/** Write the current text into every `data-ago`, `data-since` and `data-until` below `root` (values: ms). */
export function tick(root = document) {
  for (const node of root.querySelectorAll("[data-ago]")) {
    node.textContent = ago(Number(node.dataset.ago));
    node.title = exact(Number(node.dataset.ago));
  }
  for (const node of root.querySelectorAll("[data-since]")) node.textContent = duration(Math.max(0, now() - Number(node.dataset.since)));
  for (const node of root.querySelectorAll("[data-until]")) node.textContent = duration(Math.max(0, Number(node.dataset.until) - now()));
}

/** Keep times current; twice a second is smooth enough to read. */
export function startClock() {
  tick();
  setInterval(tick, 500);
}

readServerTime();
