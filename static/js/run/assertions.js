// Assertions, with expected and actual values side by side.
import { el, icon } from "../dom.js";
import { writeJson } from "../json.js";

const shown = (value) => (value === undefined ? "" : typeof value === "string" ? value : writeJson(value));
const WORDS = { equals: "=", notEquals: "≠", gt: ">", gte: "≥", lt: "<", lte: "≤" };

/** Return the list of outcomes; failed ones have an explanation, passed ones are one line. */
export function assertionTable(assertions) {
  return el("ul", { class: "assertions", role: "list" }, assertions.map(line));
}

function line(assertion) {
  const tone = assertion.passed ? "ok" : "bad";
  const told = el("div", { class: "assertion-told wrap-anywhere" }, el("code", { class: "k" }, assertion.field), " ", el("span", { class: "muted" }, WORDS[assertion.operator] ?? assertion.operator), " ", el("code", {}, shown(assertion.expectedValue)), assertion.implied ? el("span", { class: "faint" }, " asked for by the step type") : null);
  const pair = assertion.passed
    ? null
    : el(
        "dl",
        { class: "facts expected-actual" },
        el("dt", {}, "Expected"),
        el("dd", {}, el("code", {}, shown(assertion.expectedValue))),
        el("dt", {}, "Actual"),
        el("dd", {}, assertion.actualValue === undefined ? el("span", { class: "faint" }, "no value") : el("code", { class: "actual" }, shown(assertion.actualValue))),
      );
  const message = assertion.message && !assertion.passed ? el("p", { class: "assertion-message wrap-anywhere" }, assertion.message) : null;
  return el("li", { class: `assertion status status-${tone}` }, el("span", { class: "status-icon" }, icon(tone), el("span", { class: "visually-hidden" }, assertion.passed ? "Passed" : "Failed")), el("div", { class: "assertion-body" }, told, message, pair));
}
