// The details of one step: request, response, assertions, attempts.
import { API, get } from "../api.js";
import { el, icon } from "../dom.js";
import { badge, isOver, statusIcon } from "../status.js";
import { tabs } from "../tabs.js";
import { duration, exact, now } from "../time.js";
import { copy, toast } from "../toast.js";
import { assertionTable } from "./assertions.js";
import { jsonView } from "./json-view.js";
import { responseView } from "./response.js";
import { why } from "./state.js";

const MASK = "••••••";

/** Shows steps inside `root`; loads what the page does not have from the REST API. */
export class StepPanel {
  constructor(root, state, { mayRun, onClose, onRerun }) {
    Object.assign(this, { root, state, mayRun, onClose, onRerun });
    this.overview = [...root.childNodes];
    this.whole = new Map(); // step id → {sequence, step} as the API gave it whole
    this.tab = null;
  }

  /** Show a step; null shows what the page says about the run. */
  show(step) {
    const other = step?.id !== this.shown?.id;
    this.shown = step ?? null;
    this.root.classList.toggle("open", Boolean(step));
    if (!step) {
      this.root.replaceChildren(...this.overview);
      return;
    }
    if (other) this.tab = null;
    this.draw();
    this.load(step);
    if (other) this.root.scrollTop = 0;
  }

  /** Draw again after an update of the step that is shown. */
  update() {
    if (!this.shown) return;
    const fresh = this.state.steps.get(this.shown.id);
    if (fresh === this.shown) return;
    this.show(fresh);
  }

  async load(step) {
    const looks = looksOf(step);
    if (this.whole.get(step.id)?.looks === looks || step.status === "PENDING") return;
    try {
      const whole = await get(`${API}/executions/${this.state.execution.id}/steps/${step.id}`);
      this.whole.set(step.id, { looks, step: whole });
    } catch (error) {
      this.whole.set(step.id, { looks, trouble: error.message });
    }
    if (this.shown?.id === step.id) this.draw();
  }

  draw() {
    const known = this.whole.get(this.shown.id) ?? {};
    const fits = known.looks === looksOf(this.shown);
    const step = fits ? { ...this.shown, ...known.step } : { ...known.step, ...this.shown };
    const focused = this.root.contains(document.activeElement) ? document.activeElement.id : null;
    const parts = this.parts(step, { trouble: known.trouble, loading: !fits && step.status !== "PENDING" });
    const body = tabs(parts, this.tab ?? firstTab(step), (id) => (this.tab = id));
    this.root.replaceChildren(this.head(step), ...this.notes(step), el("div", { class: "panel-tabs" }, body));
    if (focused) document.getElementById(focused)?.focus();
  }

  head(step) {
    const close = el("button", { class: "button button-quiet button-icon button-small", type: "button", id: "close-panel", "aria-label": "Close the step", onclick: this.onClose }, icon("close"));
    const facts = el(
      "p",
      { class: "panel-facts muted numeric" },
      badge(step.status),
      el("span", {}, step.stepType),
      step.durationMs !== null && isOver(step.status) && step.startedAt ? el("span", {}, duration(step.durationMs)) : null,
      step.attempts > 1 ? el("span", {}, attemptsText(step)) : null,
      step.background ? el("span", {}, "in the background") : null,
      step.alwaysRun ? el("span", {}, "clean-up") : null,
      step.startedAt ? el("span", { title: exact(step.startedAt) }, `+${duration(Math.max(0, step.startedAt - this.state.startedAt))}`) : null,
    );
    return el("div", { class: "panel-head" }, el("div", { class: "panel-title" }, el("h2", { class: "wrap-anywhere" }, step.name), close), facts, this.buttons(step));
  }

  buttons(step) {
    const { flowId, flowVersion } = this.state.execution;
    const child = this.state.childOf(step);
    const small = (attributes, symbol, text) => el("button", { class: "button button-small", type: "button", ...attributes }, icon(symbol), text);
    return el(
      "div",
      { class: "row" },
      this.mayRun && this.state.over ? small({ id: "rerun-here", onclick: () => this.onRerun(step.name) }, "again", "Run again from here") : null,
      step.stepType === "http" && step.request ? small({ id: "copy-curl", onclick: () => this.copyCurl(step) }, "copy", "Copy as cURL") : null,
      small({ id: "copy-step-link", onclick: () => copy(location.href, "Link to this step") }, "link", "Copy link"),
      flowId ? el("a", { class: "button button-small", href: `/flows/${flowId}?version=${flowVersion}#step=${encodeURIComponent(step.name)}` }, icon("flow"), "Edit") : null,
      child ? el("a", { class: "button button-small", href: `/executions/${child.id}` }, statusIcon(child.status), `Run of ${child.flowName}`) : null,
    );
  }

  /** The server makes the command, with the code that sends requests. */
  async copyCurl(step) {
    const { command } = await get(`/executions/${this.state.execution.id}/steps/${step.id}/curl`).catch((error) => ({ command: toast(error.message, "bad") }));
    if (command) await copy(command, command.includes(MASK) ? `cURL command, with ${MASK} in place of secrets,` : "cURL command");
  }

  notes(step) {
    const notes = [];
    if (step.status === "WAITING" && step.nextAt) {
      const what = step.attempts ? `Attempt ${step.attempts + 1} in ` : "Continues in ";
      notes.push(note("wait", what, el("span", { class: "numeric", dataset: { until: step.nextAt } }, duration(Math.max(0, step.nextAt - now())))));
    }
    if (step.error) notes.push(note(step.status === "FAILED" ? "bad" : "error", step.error.code ? el("code", {}, step.error.code) : null, " ", step.error.message));
    else if (step.status === "FAILED" && !hasFailedAssertion(step)) notes.push(note("bad", why(step, this.state.execution.error)));
    if (step.reused) notes.push(note("idle", "Taken from the earlier run; this step did not run again."));
    if (step.resultTruncated) notes.push(note("wait", "The result was too large to keep and is shown cut. Assertions checked the whole result."));
    return notes;
  }

  parts(step, { trouble, loading }) {
    const waiting = trouble ? note("bad", trouble) : loading ? el("p", { class: "muted pad" }, "Loading…") : null;
    const extracted = Object.keys(step.extracted ?? {});
    return [
      step.assertions?.length ? { id: "assertions", title: "Assertions", count: countOf(step.assertions), make: () => assertionTable(step.assertions) } : null,
      { id: "response", title: "Response", make: () => (present(step.response) ? responseView(step) : (waiting ?? nothing(step, "No response."))) },
      { id: "request", title: "Request", make: () => (present(step.request) ? jsonView(step.request, "Request") : (waiting ?? nothing(step, "No request was made."))) },
      extracted.length ? { id: "extracted", title: "Extracted", count: extracted.length, make: () => jsonView(step.extracted, "Extracted values") } : null,
      step.attempts > 0 ? { id: "attempts", title: "Attempts", count: step.attempts, make: () => (step.attemptHistory ? attemptList(step) : waiting) } : null,
    ].filter(Boolean);
  }
}

const looksOf = (step) => [step.status, step.attempts, step.durationMs].join();
const present = (value) => value !== null && value !== undefined;
const note = (tone, ...content) => el("div", { class: `notice panel-note status status-${tone}` }, el("span", { class: "status-icon" }, icon(tone)), el("div", { class: "notice-body" }, ...content));
const nothing = (step, text) => el("p", { class: "muted pad" }, step.status === "PENDING" ? "It has not started yet." : text);
const countOf = (assertions) => `${assertions.filter((assertion) => assertion.passed).length}/${assertions.length}`;

const hasFailedAssertion = (step) => (step.assertions ?? []).some((assertion) => !assertion.passed);

function firstTab(step) {
  return hasFailedAssertion(step) ? "assertions" : "response";
}

function attemptsText(step) {
  const items = step.attemptHistory?.some((attempt) => present(attempt.item)); // of a forEach: they did not all try the same
  return step.status === "SUCCESS" && !items ? `passed on attempt ${step.attempts}` : `${step.attempts} attempts`;
}

function attemptList(step) {
  return step.attemptHistory.map((attempt, place) =>
    el(
      "details",
      { class: "attempt", open: place === step.attemptHistory.length - 1 },
      el(
        "summary",
        {},
        statusIcon(attempt.status),
        el("span", {}, present(attempt.item) ? `Item ${attempt.item}, attempt ${attempt.number}` : `Attempt ${attempt.number}`),
        el("span", { class: "muted numeric" }, duration(attempt.durationMs)),
        attempt.waitedMs ? el("span", { class: "faint numeric" }, `after waiting ${duration(attempt.waitedMs)}`) : null,
        el("span", { class: "spacer" }),
        el("span", { class: "faint numeric", title: exact(attempt.startedAt) }, `+${duration(Math.max(0, attempt.startedAt - step.startedAt))}`),
      ),
      el(
        "div",
        { class: "attempt-body" },
        attempt.error ? note("error", attempt.error.message) : null,
        attempt.assertions?.length ? assertionTable(attempt.assertions) : null,
        present(attempt.response) ? jsonView(attempt.response, `Response of attempt ${attempt.number}`) : el("p", { class: "faint" }, "Its response was not kept."),
      ),
    ),
  );
}
