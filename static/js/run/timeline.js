// The timeline: one row per step, with its bar. Only the rows in view exist, so 1 000 steps stay fast.
import { el, icon } from "../dom.js";
import { isOver, statusIcon, toneOf, wordOf } from "../status.js";
import { duration, now } from "../time.js";

const MARGIN = 8; // rows kept above and below the view
const SECTIONS = [
  ["Steps", (step) => !step.background && !step.alwaysRun],
  ["In the background", (step) => step.background],
  ["Clean-up", (step) => step.alwaysRun],
];

/** Return the rows in order: section heads (`{head}`) and steps with their depth (`{step, depth}`). */
export function rowsOf(steps) {
  const byPosition = new Map(steps.map((step) => [step.position, step]));
  const depthOf = (step, depth = 0) => (step.group === null || step.group === undefined || depth > 10 ? depth : depthOf(byPosition.get(step.group) ?? {}, depth + 1));
  const sections = SECTIONS.map(([head, belongs]) => [head, steps.filter(belongs)]).filter(([, found]) => found.length);
  return sections.flatMap(([head, found]) => [...(sections.length > 1 ? [{ head }] : []), ...found.map((step) => ({ step, depth: depthOf(step) }))]);
}

/** Return round marks for a span in ms: at most six. */
export function marksOf(span) {
  const rough = Math.max(1, span / 5);
  const base = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 5, 10].map((times) => times * base).find((width) => width >= rough);
  return Array.from({ length: Math.floor(span / size) + 1 }, (_, place) => place * size).filter((mark) => mark < span * 0.88);
}

/** The time line of a run's state, inside `root`. */
export class Timeline {
  constructor(root, state) {
    this.root = root;
    this.state = state;
    this.nodes = new Map();
    this.selected = null;
    this.axis = el("div", { class: "axis", "aria-hidden": "true" });
    this.list = el("ol", { class: "step-rows", role: "list" });
    this.view = el("div", { class: "step-view" }, this.list);
    root.replaceChildren(el("div", { class: "axis-line" }, el("span", { class: "axis-label faint" }, "Step"), this.axis, el("span", { class: "axis-label faint end" }, "Time")), this.view);
    this.view.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.arrange()).observe(this.view);
    this.arrange();
  }

  /** Rebuild the rows, after the set of steps or the layout has changed. */
  arrange() {
    this.height = Number.parseFloat(getComputedStyle(this.root).getPropertyValue("--row")) || 36;
    this.rows = rowsOf(this.state.ordered);
    this.list.style.setProperty("height", `${this.rows.length * this.height}px`);
    this.draw();
  }

  /** Draw the axis and the rows in view, and remove the others. */
  draw() {
    this.drawAxis();
    const first = Math.max(0, Math.floor(this.view.scrollTop / this.height) - MARGIN);
    const last = Math.min(this.rows.length, Math.ceil((this.view.scrollTop + this.view.clientHeight) / this.height) + MARGIN);
    const wanted = new Set();
    for (let place = first; place < last; place += 1) wanted.add(this.place(place));
    for (const [key, node] of this.nodes) {
      if (wanted.has(key) || node.contains(document.activeElement)) continue;
      node.remove();
      this.nodes.delete(key);
    }
  }

  place(at) {
    const row = this.rows[at];
    const key = row.step ? row.step.id : row.head;
    let node = this.nodes.get(key);
    if (!node) {
      node = row.step ? stepRow(row, at, this.rows.length) : el("li", { class: "section-row faint" }, row.head);
      this.nodes.set(key, node);
      this.insert(node, at);
    }
    node.style.setProperty("transform", `translateY(${at * this.height}px)`);
    if (row.step) this.fill(node, this.state.steps.get(row.step.id));
    return key;
  }

  /** Keep the document in the order of the steps, for the Tab key and for screen readers. */
  insert(node, at) {
    node.rowAt = at;
    const after = [...this.list.children].find((other) => other.rowAt > at);
    this.list.insertBefore(node, after ?? null);
  }

  fill(node, step) {
    const link = node.firstChild;
    link.classList.toggle("selected", step.name === this.selected);
    if (step.name === this.selected) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    const looks = [step.status, step.attempts, step.durationMs, step.startedAt, step.reused].join();
    if (node.looks !== looks) {
      node.looks = looks;
      link.querySelector(".step-status").replaceChildren(statusIcon(step.status));
      link.querySelector(".step-attempts").textContent = step.attempts > 1 ? `×${step.attempts}` : "";
      link.querySelector(".step-attempts").title = step.attempts > 1 ? `${step.attempts} attempts` : "";
      link.querySelector(".step-bar").className = `step-bar status status-${toneOf(step.status)}${step.background ? " in-background" : ""}`;
      link.querySelector(".step-name").classList.toggle("faint", step.status === "SKIPPED" || step.status === "PENDING");
    }
    link.querySelector(".step-time").textContent = timeText(step);
    this.fillBar(link.querySelector(".step-bar"), step);
  }

  fillBar(bar, step) {
    bar.hidden = !step.startedAt || step.reused;
    if (bar.hidden) return;
    const end = step.completedAt ?? Math.max(now(), step.startedAt);
    this.stretch(bar, step.startedAt, end);
    const ticks = this.state.ticks[step.id] ?? [];
    if (bar.ticks === ticks && !(ticks.length && !this.state.over)) return;
    bar.ticks = ticks;
    bar.replaceChildren(...ticks.slice(-200).map((tick) => attemptTick(tick, step.startedAt, end)));
  }

  stretch(node, from, to) {
    const [start, span] = [this.state.startedAt, this.span];
    node.style.setProperty("left", `${clamp(((from - start) / span) * 100)}%`);
    node.style.setProperty("width", `${clamp(((to - from) / span) * 100)}%`);
  }

  get span() {
    return Math.max(1, this.state.until - this.state.startedAt);
  }

  drawAxis() {
    const marks = marksOf(this.span);
    const looks = marks.join();
    if (looks !== this.axisLooks) this.axis.replaceChildren(...marks.map((mark) => el("span", { class: "mark numeric" }, mark ? duration(mark) : "0")));
    this.axisLooks = looks;
    for (const [place, mark] of marks.entries()) this.axis.children[place].style.setProperty("left", `${(mark / this.span) * 100}%`);
  }

  select(name) {
    this.selected = name;
    this.draw();
  }

  /** Bring a step's row into view, and focus it where asked. */
  reveal(name, focus = false) {
    const at = this.rows.findIndex((row) => row.step?.name === name);
    if (at < 0) return;
    const [top, bottom] = [at * this.height, (at + 1) * this.height];
    if (top < this.view.scrollTop) this.view.scrollTop = top - this.height;
    if (bottom > this.view.scrollTop + this.view.clientHeight) this.view.scrollTop = bottom - this.view.clientHeight + this.height;
    this.draw();
    if (focus) this.nodes.get(this.rows[at].step.id)?.firstChild.focus({ preventScroll: true });
  }

  /** Return the name of the step `by` rows after the one called `name`. */
  neighbour(name, by) {
    const names = this.rows.filter((row) => row.step).map((row) => row.step.name);
    const at = names.indexOf(name);
    return names[at < 0 ? 0 : Math.max(0, Math.min(names.length - 1, at + by))];
  }
}

const clamp = (share) => Math.max(0, Math.min(100, share));

function stepRow({ step, depth }, at, count) {
  const kind = step.background ? icon("background") : step.alwaysRun ? icon("broom") : null;
  return el(
    "li",
    { class: "step-item", "aria-posinset": at + 1, "aria-setsize": count },
    el(
      "a",
      { class: `step-row depth-${Math.min(depth, 4)}`, href: `#step=${encodeURIComponent(step.name)}`, dataset: { step: step.name } },
      el("span", { class: "step-label" }, el("span", { class: "step-status" }), el("span", { class: "step-name truncate" }, step.name), el("span", { class: "step-attempts faint numeric" }), el("span", { class: "step-type faint" }, kind, step.stepType)),
      el("span", { class: "step-track", "aria-hidden": "true" }, el("span", { class: "step-bar" })),
      el("span", { class: "step-time numeric muted" }),
    ),
  );
}

function timeText(step) {
  if (step.reused) return "reused";
  if (step.status === "WAITING" && step.nextAt) return step.nextAt > now() ? `in ${duration(step.nextAt - now())}` : "now";
  if (isOver(step.status)) return step.startedAt ? duration(step.durationMs) : wordOf(step.status).toLowerCase();
  return step.startedAt ? duration(Math.max(0, now() - step.startedAt)) : "";
}

function attemptTick([number, status, startedAt, durationMs], from, to) {
  const tick = el("span", { class: `attempt-tick status status-${toneOf(status)}`, title: `Attempt ${number}: ${wordOf(status)}, ${duration(durationMs)}` });
  const span = Math.max(1, to - from);
  tick.style.setProperty("left", `${clamp(((startedAt - from) / span) * 100)}%`);
  tick.style.setProperty("width", `${clamp((durationMs / span) * 100)}%`);
  return tick;
}
