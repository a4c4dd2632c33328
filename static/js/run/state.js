// What the page knows about a run: the outline in the page, updated step by step by live updates.
import { isBad, isOver } from "../status.js";
import { now } from "../time.js";

/** The state of one run. `apply` takes the messages of `WS /api/v1/executions/{id}/stream`. */
export class RunState {
  constructor({ execution, steps, activity }) {
    this.execution = execution;
    this.steps = new Map(steps.map((step) => [step.id, step]));
    this.setActivity(activity);
  }

  setActivity({ ticks, children }) {
    this.ticks = ticks;
    this.children = children;
  }

  /** Apply a message; return "gap" where one was missed, "ignored" where it is old, else "applied". */
  apply(message) {
    if (message.updateType === "SNAPSHOT") return this.applySnapshot(message);
    if (message.sequence <= this.execution.sequence) return "ignored";
    if (message.sequence > this.execution.sequence + 1) return "gap";
    this.execution.sequence = message.sequence;
    if (message.executionStatus) this.execution.status = message.executionStatus;
    if (message.execution) Object.assign(this.execution, message.execution);
    if (message.stepUpdate) this.replace(message.stepUpdate);
    return "applied";
  }

  applySnapshot({ execution, sequence }) {
    if (sequence < this.execution.sequence) return "ignored";
    const { steps = [], ...rest } = execution;
    Object.assign(this.execution, rest, { sequence });
    for (const step of steps) this.replace(step);
    return "applied";
  }

  /** Replace a step; only the page knows its place in a condition (`group`, `branch`). */
  replace(step) {
    const old = this.steps.get(step.id ?? step.stepId) ?? {};
    this.steps.set(step.id ?? step.stepId, { ...old, ...step });
  }

  get ordered() {
    return [...this.steps.values()].sort((a, b) => a.position - b.position);
  }

  byName(name) {
    return this.ordered.find((step) => step.name === name);
  }

  get over() {
    return isOver(this.execution.status);
  }

  get startedAt() {
    return this.execution.startedAt ?? this.execution.createdAt;
  }

  /** The end of the time line: when the run ended, or now. */
  get until() {
    return this.execution.completedAt ?? Math.max(now(), this.startedAt + 1);
  }

  get done() {
    return this.ordered.filter((step) => isOver(step.status)).length;
  }

  get failures() {
    return this.ordered.filter((step) => isBad(step.status) && !step.reused);
  }

  childOf(step) {
    return this.children.find((child) => child.position === step.position);
  }
}

/** Return in one line why a step failed; `runError` is the error of the run itself. */
export function why(step, runError) {
  const failed = (step.assertions ?? []).find((assertion) => !assertion.passed);
  if (failed) return failed.message || `${failed.field} ${failed.operator} failed`;
  if (step.error) return step.error.message;
  // Assertions are deleted with the results; the run's own error stays, and names its step.
  if (runError?.step === step.name) return runError.message.replace(`${step.name}: `, "");
  return "The step gives no further details.";
}
