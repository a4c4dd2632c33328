// A step's response: an http answer by its parts, everything else as JSON.
import { el, icon } from "../dom.js";
import { entriesOf, keysOf, writeJson } from "../json.js";
import { duration } from "../time.js";
import { copy } from "../toast.js";
import { jsonView, textView } from "./json-view.js";

/** Return the nodes that show `step.response`. */
export function responseView(step) {
  const { response } = step;
  if (step.stepType === "http" && typeof response === "object" && "status" in response && !("items" in response)) return httpView(response);
  return [copyLine("Result", writeJson(response, 2)), jsonView(response, "Result")];
}

function httpView(response) {
  const size = response.sizeBytes;
  const tone = response.status < 400 ? "ok" : "bad";
  const told = el(
    "p",
    { class: "row response-line" },
    el("span", { class: `badge status status-${tone}` }, icon(tone), `${response.status} ${response.reason ?? ""}`),
    el("span", { class: "muted numeric" }, [duration(response.durationMs), size === undefined ? "" : sizeText(size)].filter(Boolean).join(" · ")),
    response.url ? el("span", { class: "faint wrap-anywhere mono" }, response.url) : null,
  );
  const { status, reason, headers = {}, body, bodyText, bodyEncoding, durationMs, sizeBytes, url, ...rest } = response;
  return [
    told,
    copyLine(bodyEncoding === "base64" ? "Body (binary, shown as Base64)" : "Body", bodyEncoding !== "json" && typeof body === "string" ? body : writeJson(body, 2)),
    bodyView(body, bodyEncoding),
    typeof bodyText === "string" && bodyText !== body ? el("details", { class: "more" }, el("summary", {}, "Body as it came"), copyLine("Text", bodyText), textView(bodyText, "Body as it came")) : null,
    el("details", { class: "more" }, el("summary", {}, `Headers (${keysOf(headers).length})`), headerTable(headers)),
    Object.values(rest).some((value) => value && Object.keys(value).length !== 0) ? el("details", { class: "more" }, el("summary", {}, "Cookies, redirects"), jsonView(rest, "Cookies and redirects")) : null,
  ];
}

function bodyView(body, encoding) {
  if (body === null && encoding !== "json") return el("p", { class: "faint" }, "The body is empty.");
  if (body === "") return el("p", { class: "faint" }, "The body is empty.");
  return encoding === "json" || typeof body !== "string" ? jsonView(body, "Body") : textView(body, "Body");
}

function headerTable(headers) {
  return el("dl", { class: "facts mono" }, entriesOf(headers).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))]));
}

function copyLine(title, text) {
  return el("div", { class: "code-head" }, el("h3", {}, title), el("button", { class: "button button-quiet button-small", type: "button", onclick: () => copy(text, title) }, icon("copy"), "Copy"));
}

function sizeText(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
