// The dialog that asks for variables, environment, labels and delay, and starts a run.
import { API, ApiError, call, get } from "../api.js";
import { el } from "../dom.js";
import { readJson, writeJson } from "../json.js";
import { toast } from "../toast.js";

const byId = (id) => document.getElementById(id);

/** Open the dialog for `{title, variables, environments, flowId | draft, version, teamId}`; goes to the run's page. */
export function openRunDialog(wish) {
  const dialog = byId("run-dialog");
  byId("run-dialog-title").textContent = wish.title;
  byId("run-trouble").hidden = true;
  byId("run-variables").replaceChildren(...wish.variables.map(field));
  byId("run-environment").replaceChildren(el("option", { value: "" }, "None"), ...wish.environments.map((each) => el("option", { value: each.id }, each.name)));
  byId("run-environment-field").hidden = wish.environments.length === 0;
  dialog.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    start(wish);
  };
  for (const close of dialog.querySelectorAll("[data-close]")) close.onclick = () => dialog.close();
  dialog.showModal();
  (dialog.querySelector("#run-variables .input[required]") ?? byId("run-start")).focus();
}

function field(variable) {
  const id = `variable-${variable.name}`;
  const needed = variable.required && (variable.defaultValue === undefined || variable.defaultValue === null);
  const input = inputOf(variable, { id, class: "input", required: needed, "aria-describedby": `${id}-hint`, dataset: { variable: variable.name, type: variable.type, secret: Boolean(variable.secret) } });
  const hint = [variable.description, needed ? "Required." : null].filter(Boolean).join(" ");
  return el("div", { class: "field" }, el("label", { for: id }, el("span", { class: "mono" }, variable.name), " ", el("span", { class: "faint" }, variable.secret ? `${variable.type}, secret` : variable.type)), input, el("span", { class: "hint", id: `${id}-hint` }, hint), el("span", { class: "field-error", role: "alert" }));
}

function inputOf(variable, attributes) {
  const written = shownDefault(variable);
  if (variable.secret) return el("input", { ...attributes, type: "password", autocomplete: "new-password", placeholder: variable.defaultValue ? "saved value" : "" });
  if (variable.type === "boolean") return el("select", attributes, el("option", { value: "" }, written === "" ? "Choose" : `Default (${written})`), el("option", { value: "true" }, "true"), el("option", { value: "false" }, "false"));
  if (variable.type === "json") return el("textarea", { ...attributes, rows: 3, placeholder: written, spellcheck: "false" });
  const extra = { integer: { inputmode: "numeric" }, double: { inputmode: "decimal" }, date: /\$\{/.test(written) ? {} : { type: "date" } }[variable.type] ?? {};
  return el("input", { type: "text", autocomplete: "off", spellcheck: "false", placeholder: written, ...attributes, ...extra });
}

function shownDefault({ defaultValue, secret }) {
  if (defaultValue === undefined || defaultValue === null || secret) return "";
  return typeof defaultValue === "string" ? defaultValue : writeJson(defaultValue);
}

/** Return what was typed as JSON; input that does not match the type is sent as text, and the server reports it. */
export function valueText(type, typed) {
  if (type === "integer" && /^[-+]?\d+$/.test(typed)) return String(BigInt(typed));
  if (type === "double" && Number.isFinite(Number(typed || "x"))) return isJson(typed) ? typed : writeJson(Number(typed));
  if (type === "boolean") return typed;
  if (type === "json" && isJson(typed)) return typed; // as typed, with all its digits
  return writeJson(typed);
}

function isJson(text) {
  try {
    readJson(text);
    return true;
  } catch {
    return false;
  }
}

function given() {
  return [...byId("run-variables").querySelectorAll("[data-variable]")].filter((input) => (input.dataset.secret === "true" ? input.value : input.value.trim()) !== "");
}

function bodyOf(wish, inputs) {
  const variables = inputs.map((input) => `{"name": ${writeJson(input.dataset.variable)}, "value": ${valueText(input.dataset.type, input.dataset.type === "string" ? input.value : input.value.trim())}}`);
  const labels = byId("run-labels").value.split(",").map((label) => label.trim()).filter(Boolean);
  const delay = Math.round(Number(byId("run-delay").value.replace(",", ".") || 0) * 1000);
  const rest = {
    ...(wish.draft ? { teamId: wish.teamId } : { flowId: wish.flowId, version: wish.version }),
    ...(byId("run-environment").value ? { environmentId: byId("run-environment").value } : {}),
    labels,
    parameters: delay ? { initialDelay: String(delay) } : {},
  };
  const draft = wish.draft ? `"flow": ${wish.draft}, ` : "";
  return `{${draft}"variables": [${variables.join(", ")}], ${writeJson(rest).slice(1)}`;
}

async function start(wish) {
  const inputs = given();
  const button = byId("run-start");
  button.setAttribute("aria-busy", "true");
  clearErrors();
  try {
    const execution = await call("POST", `${API}/flows/run`, bodyOf(wish, inputs), "application/json", { "Idempotency-Key": crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` });
    location.assign(`/executions/${execution.id}`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showErrors(error.errors.length ? error.errors : [{ detail: error.message }], inputs);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function clearErrors() {
  byId("run-trouble").hidden = true;
  for (const place of byId("run-variables").querySelectorAll(".field-error")) place.textContent = "";
  for (const input of byId("run-variables").querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

function showErrors(errors, inputs) {
  const elsewhere = [];
  for (const { attr, detail } of errors) {
    const input = inputAt(attr ?? "", inputs);
    if (!input) {
      elsewhere.push(attr ? `${attr}: ${detail}` : detail);
      continue;
    }
    input.setAttribute("aria-invalid", "true");
    input.closest(".field").querySelector(".field-error").textContent = detail;
  }
  byId("run-trouble").textContent = elsewhere.join("\n");
  byId("run-trouble").hidden = byId("run-trouble").textContent === "";
  byId("run-variables").querySelector("[aria-invalid]")?.focus();
}

/** The API names a variable by its name or by its place in the request. */
function inputAt(attr, inputs) {
  const [, key] = /^variables\.([^.]+)/.exec(attr) ?? [];
  if (key === undefined) return null;
  return byId(`variable-${key}`) ?? inputs[Number(key)] ?? null;
}

/** Load what the dialog needs for a saved flow, and open it. */
export async function openForFlow(flowId) {
  const form = await get(`/flows/${flowId}/run-form`).catch(() => null);
  if (!form) return toast("The flow could not be loaded.", "bad");
  return openRunDialog({ title: `Run ${form.name}`, ...form, version: form.newest });
}

