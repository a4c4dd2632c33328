// The run list: live updates, keyboard, bulk actions. The server renders the rows; this replaces the changed ones.
import { API, post } from "./api.js";
import { jsonFrom, throttle } from "./dom.js";
import { LiveSocket } from "./live.js";
import { isOver } from "./status.js";
import { tick } from "./time.js";
import { toast } from "./toast.js";

const POLL_MS = 4000;
const picked = new Set();
let current = null; // id of the row that the keyboard is on
let openSockets = 0;

const rows = () => [...document.querySelectorAll(".run-row")];
const rowOf = (id) => rows().find((row) => row.dataset.run === id);

/** Fetch the list for the current URL and replace what changed. */
async function refresh() {
  if (document.hidden) return;
  const address = location.href;
  const response = await fetch(address, { headers: { "HX-Request": "true" }, credentials: "same-origin" }).catch(() => null);
  if (!response?.ok || response.redirected || address !== location.href) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("run-list");
  if (fresh) putInPlace(fresh);
}

function putInPlace(fresh) {
  const body = document.querySelector(".runs tbody");
  const freshBody = fresh.querySelector(".runs tbody");
  if (!body || !freshBody) {
    document.getElementById("run-list").replaceWith(fresh);
    htmx.process(fresh);
    restore();
    return;
  }
  const known = new Map(rows().map((row) => [row.dataset.run, row]));
  const next = [...freshBody.children].map((row) => {
    const old = known.get(row.dataset.run);
    if (old?.dataset.revision === row.dataset.revision) return old;
    if (!old) row.classList.add("fresh");
    return row;
  });
  const focused = document.activeElement?.closest?.(".run-row")?.dataset.run;
  body.replaceChildren(...next);
  if (focused) rowOf(focused)?.querySelector(".run-link").focus();
  const [bars, freshBars] = [document.querySelector(".outcomes-card"), fresh.querySelector(".outcomes-card")];
  if (bars && freshBars && !bars.contains(document.activeElement)) bars.replaceWith(freshBars);
  restore();
}

/** Restore what only the browser knows: ticked boxes, the row of the keyboard, times. */
function restore() {
  const present = new Set(rows().map((row) => row.dataset.run));
  for (const id of picked) if (!present.has(id)) picked.delete(id);
  for (const row of rows()) {
    row.querySelector(".check").checked = picked.has(row.dataset.run);
    row.toggleAttribute("data-current", row.dataset.run === current);
  }
  showBulkBar();
  tick(document.getElementById("run-list"));
}

function showBulkBar() {
  document.getElementById("bulk-bar").hidden = picked.size === 0;
  document.getElementById("bulk-count").textContent = picked.size;
  const all = document.getElementById("pick-all");
  if (all) all.checked = picked.size > 0 && picked.size === rows().length;
}

function pick(id, on) {
  if (on) picked.add(id);
  else picked.delete(id);
  restore();
}

async function bulk(action) {
  const ids = [...picked];
  if (action === "none") picked.clear();
  else {
    const results = await Promise.allSettled(ids.map((id) => post(`${API}/executions/${id}/${action}`)));
    const done = results.filter((result) => result.status === "fulfilled").length;
    const what = action === "cancel" ? "cancelled" : "started again";
    if (done) toast(`${done} of ${ids.length} ${ids.length === 1 ? "run" : "runs"} ${what}.`);
    const refused = results.find((result) => result.status === "rejected");
    if (refused) toast(refused.reason.message, "bad");
    picked.clear();
    refresh();
  }
  restore();
}

function move(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.dataset.run === current);
  const row = all[Math.max(0, Math.min(all.length - 1, at + by))];
  current = row.dataset.run;
  restore();
  row.querySelector(".run-link").focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

const KEYS = {
  "/": () => document.getElementById("search").select(),
  j: () => move(1),
  k: () => move(-1),
  x: () => current && pick(current, !picked.has(current)),
  Enter: () => current && location.assign(rowOf(current).querySelector(".run-link").href),
};

function onKey(event) {
  const typing = event.target.closest("input:not(.check), select, textarea, dialog");
  if (event.key === "Escape" && event.target.id === "search") event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
  if (!(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
}

function onClick(event) {
  const action = event.target.closest("[data-bulk]")?.dataset.bulk;
  if (action) bulk(action);
  const row = event.target.closest(".run-row");
  if (row && !event.target.closest("a, input, .pick")) row.querySelector(".run-link").click();
}

function onChange(event) {
  if (event.target.id === "pick-all") {
    for (const row of rows()) pick(row.dataset.run, event.target.checked);
  } else if (event.target.matches(".run-row .check")) pick(event.target.value, event.target.checked);
}

const soon = throttle(refresh, 800);
for (const id of jsonFrom("team-ids")) {
  let wasOpen = false;
  new LiveSocket(`${API}/teams/${id}/stream`, {
    onMessage: soon,
    onState: (state) => {
      if (wasOpen !== (state === "open")) openSockets += state === "open" ? 1 : -1;
      wasOpen = state === "open";
      if (wasOpen) soon(); // what happened between the page and its socket
    },
  });
}
// Without a socket, poll everything every few seconds; with one, only runs that should have changed by now.
setInterval(() => {
  if (openSockets === 0 || rows().some((row) => !isOver(row.dataset.status))) soon();
}, POLL_MS);
document.addEventListener("visibilitychange", soon);
document.addEventListener("keydown", onKey);
document.addEventListener("click", onClick);
document.addEventListener("change", onChange);
document.addEventListener("htmx:afterSettle", restore);
