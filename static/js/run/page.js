// The page of one run: starts from the JSON in the page, then follows the execution's WebSocket.
import { API, ApiError, get, post } from "../api.js";
import { el, jsonFrom, throttle } from "../dom.js";
import { LiveSocket } from "../live.js";
import { badge, isBad, isOver, statusIcon, toneOf, wordOf } from "../status.js";
import { duration, now } from "../time.js";
import { announce, copy, toast } from "../toast.js";
import { RunState, why } from "./state.js";
import { StepPanel } from "./step-panel.js";
import { Timeline } from "./timeline.js";

const POLL_MS = 3000;
const MOST_FAILURES = 3;
const FRAME_MS = 200; // how often moving bars are drawn
const data = jsonFrom("run-data");
const state = new RunState(data);
const address = `${API}/executions/${state.execution.id}`;
const byId = (id) => document.getElementById(id);
const timeline = new Timeline(byId("timeline"), state);
const panel = new StepPanel(byId("panel"), state, { mayRun: data.mayRun, onClose: () => closeStep(), onRerun: (name) => rerun({ fromStep: name, version: "SAME" }) });
let connected = false;
let announced = state.execution.status;

function draw() {
  drawHead();
  drawFailures();
  timeline.draw();
  panel.update();
}

function drawHead() {
  const { status, durationMs } = state.execution;
  if (byId("run-status").dataset.status !== status) byId("run-status").replaceChildren(badge(status));
  byId("run-status").dataset.status = status;
  byId("run-duration").textContent = duration(durationMs ?? (state.execution.startedAt ? state.until - state.startedAt : null));
  byId("run-progress").textContent = `${state.done} of ${state.steps.size} steps`;
  document.title = `${wordOf(status)}: ${state.execution.flowName} · Async Testing Service`;
  drawActions();
}

function drawActions() {
  const cancel = byId("cancel");
  if (!cancel) return;
  cancel.hidden = state.over;
  cancel.lastElementChild.textContent = state.execution.cancelRequestedAt ? "End clean-up too" : "Cancel";
  for (const button of document.querySelectorAll("[data-needs-failure]")) button.disabled = state.failures.length === 0;
  byId("rerun-menu").hidden = !state.over;
}

function drawFailures() {
  const failures = state.failures.map((step) => [step, why(step, state.execution.error)]);
  const runError = failures.length ? null : state.execution.error;
  const looks = JSON.stringify([failures.map(([step, message]) => [step.name, step.status, message]), runError]);
  const place = byId("failure");
  if (place.dataset.looks === looks) return;
  place.dataset.looks = looks;
  place.replaceChildren(...(failures.length || runError ? [failureNotice(failures, runError)] : []));
}

function failureNotice(failures, runError) {
  const status = failures[0]?.[0].status ?? "FAILED";
  const lines = failures.slice(0, MOST_FAILURES).map(([step, message]) =>
    el("div", { class: "failure" }, el("span", { class: "notice-title" }, `${wordOf(step.status)} in `, el("a", { class: "plain-link", href: `#step=${encodeURIComponent(step.name)}` }, step.name)), el("div", {}, message)),
  );
  if (failures.length > MOST_FAILURES) lines.push(el("div", { class: "muted" }, `and ${failures.length - MOST_FAILURES} more`));
  if (runError) lines.push(el("div", {}, runError.message));
  return el("div", { class: `notice status status-${toneOf(status)}`, role: "alert" }, statusIcon(status), el("div", { class: "notice-body" }, lines));
}

// --- Following the run ----------------------------------------------------------------------------
const drawSoon = throttle(draw, 60);
const refreshActivity = throttle(async () => {
  try {
    state.setActivity(await get(`/executions/${state.execution.id}/activity`));
    drawSoon();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error; // ticks are a nicety: the next change asks again
  }
}, 700);

function onMessage(message) {
  const outcome = state.apply(message);
  if (outcome === "gap") return socket.send({ type: "snapshot" });
  if (outcome === "ignored") return undefined;
  const step = message.stepUpdate;
  if (message.updateType === "SNAPSHOT" || step?.attempts > 1 || ["flow", "condition"].includes(step?.stepType)) refreshActivity();
  if (step) tell(step);
  tellRun();
  return drawSoon();
}

function tell(step) {
  if (isBad(step.status) || (isOver(step.status) && state.steps.size <= 20)) announce(`Step ${step.name}: ${wordOf(step.status)}`);
}

function tellRun() {
  if (announced === state.execution.status) return;
  announced = state.execution.status;
  announce(`The run is now: ${wordOf(announced)}`);
}

function onState(socketState) {
  connected = socketState === "open";
  const lost = socketState === "closed" && !state.over;
  byId("live-state").hidden = !(connected && !state.over) && !lost;
  byId("live-state").textContent = lost ? "Reconnecting…" : "Live";
  byId("live-state").classList.toggle("lost", lost);
  if (!connected && !state.over) poll();
  drawSoon();
}

/** Without a socket (a proxy may refuse it), poll the REST API instead. */
async function poll() {
  if (connected || state.over) return;
  try {
    const execution = await get(address);
    onMessage({ updateType: "SNAPSHOT", sequence: execution.sequence, execution });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error; // asked again at the next round
  }
}

// --- Opening steps --------------------------------------------------------------------------------
const stepInAddress = () => decodeURIComponent(/^#step=(.*)$/.exec(location.hash)?.[1] ?? "");

function openFromAddress() {
  const step = state.byName(stepInAddress());
  timeline.select(step?.name ?? null);
  panel.show(step ?? null);
  if (step) timeline.reveal(step.name);
}

function openStep(name) {
  history.replaceState(null, "", `#step=${encodeURIComponent(name)}`);
  openFromAddress();
  timeline.reveal(name, true);
}

function closeStep() {
  const name = stepInAddress();
  history.replaceState(null, "", location.pathname + location.search);
  openFromAddress();
  timeline.reveal(name, true);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, [role=tab]")) return;
  const by = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
  const arrow = event.key.startsWith("Arrow");
  if (by && (!arrow || event.target.closest(".step-row"))) {
    event.preventDefault();
    openStep(timeline.neighbour(stepInAddress(), by));
  }
  if (event.key === "Escape" && stepInAddress() && !document.querySelector("details.menu[open]")) closeStep();
}

// --- Actions --------------------------------------------------------------------------------------
async function attempt(work) {
  try {
    await work();
  } catch (error) {
    toast(error.message, "bad");
  }
}

const cancelRun = () =>
  attempt(async () => {
    const execution = await post(`${address}/cancel`);
    state.execution.cancelRequestedAt = execution.cancelRequestedAt ?? now();
    toast("Cancel requested. Clean-up steps still run.", "live");
    drawSoon();
  });

const rerun = (wish) =>
  attempt(async () => {
    const execution = await post(`${address}/rerun`, wish);
    location.assign(`/executions/${execution.id}`);
  });

const socket = new LiveSocket(`${address}/stream`, { onMessage, onState });
setInterval(poll, POLL_MS);
setInterval(() => {
  if (state.over || document.hidden) return;
  timeline.draw();
  drawHead();
}, FRAME_MS);
addEventListener("hashchange", openFromAddress);
addEventListener("keydown", onKey);
byId("share").addEventListener("click", () => copy(location.href, "Link"));
byId("cancel")?.addEventListener("click", cancelRun);
for (const button of document.querySelectorAll("[data-rerun]")) {
  button.addEventListener("click", () => rerun({ from: button.dataset.rerun, version: button.dataset.version }));
}
draw();
openFromAddress();
