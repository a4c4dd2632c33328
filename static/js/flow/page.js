// The page of one flow: checks as you type, saves, runs, shows and restores versions.
import { API, ApiError, get, post, remove, sendYaml } from "../api.js";
import { debounce, el, icon, jsonFrom } from "../dom.js";
import { announce, toast } from "../toast.js";
import { Completion } from "./completion.js";
import { Editor } from "./editor.js";
import { openRunDialog } from "./run-dialog.js";
import { StepForm } from "./step-form.js";

const CHECK_AFTER_MS = 350;
const LARGEST_FILE = 5 * 1024 * 1024;
const data = jsonFrom("flow-data");
const byId = (id) => document.getElementById(id);
const mayEdit = Boolean(byId("save"));
let stepForm = null;
const editor = new Editor(byId("editor"), onEdit);
let saved = editor.text;
let checks = 0;
let latest = null; // the last check's answer, for the text as it is

const teamId = () => byId("team")?.value ?? data.teamId;
const scope = () => (data.flowId ? `flow=${data.flowId}` : `team=${teamId()}`);
const changed = () => editor.text !== saved;

// --- Checking -------------------------------------------------------------------------------------
function onEdit() {
  latest = null;
  stepForm?.followSoon();
  byId("check-state").textContent = "Checking…";
  byId("check-state").className = "check-state faint";
  checkSoon();
}

async function check() {
  const round = ++checks;
  const text = editor.text;
  let answer;
  try {
    answer = await sendYaml("POST", `${data.urls.check}?${scope()}`, text);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    answer = { valid: false, errors: error.errors.length ? error.errors : [{ detail: error.message }] };
  }
  if (round !== checks || text !== editor.text) return null;
  latest = answer;
  showProblems(answer.errors, answer.warnings);
  return answer;
}

const checkSoon = debounce(check, CHECK_AFTER_MS);

/** Return the answer for the current text; undefined if a later check has started meanwhile. */
async function checked() {
  let answer = latest;
  while (!answer) answer = await check();
  return answer;
}

function showProblems(problems, warnings = []) {
  const good = problems.length === 0;
  const state = byId("check-state");
  state.className = `check-state status ${good ? "status-ok" : "status-bad"}`;
  state.replaceChildren(el("span", { class: "status-icon" }, icon(good ? "ok" : "bad")), good ? "Valid" : `${problems.length} ${problems.length === 1 ? "problem" : "problems"}`);
  editor.mark(problems);
  stepForm?.showProblems(problems);
  byId("problems").replaceChildren(...problems.slice(0, 100).map((each) => problemLine(each)), ...warnings.map((each) => problemLine(each, "wait")));
}

function problemLine({ line, column, attr, detail }, tone = "bad") {
  const told = [line ? el("span", { class: "problem-line numeric" }, `Line ${line}`) : null, attr ? el("code", {}, attr) : null, el("span", {}, detail.replace(/^line \d+, column \d+: /, ""))];
  return el("li", {}, el("button", { type: "button", class: `problem status status-${tone}`, onclick: () => line && editor.goTo(line, column) }, el("span", { class: "status-icon" }, icon(tone === "bad" ? "bad" : "wait")), ...told.filter(Boolean)));
}

// --- Saving ---------------------------------------------------------------------------------------
async function save() {
  const text = editor.text;
  byId("save").setAttribute("aria-busy", "true");
  try {
    const address = data.flowId ? `${data.urls.save}?baseVersion=${data.newest}` : `${data.urls.save}?team=${teamId()}`;
    const answer = await sendYaml("POST", address, text);
    saved = text;
    if (answer.version === data.newest) return toast(`Nothing changed: this is version ${answer.version}.`);
    sessionStorage.setItem("saved", `Saved as version ${answer.version}.`);
    return location.assign(answer.url);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return refused(error);
  } finally {
    byId("save").removeAttribute("aria-busy");
  }
}

function refused(error) {
  if (error.status === 422) {
    showProblems(error.errors);
    toast("Not saved: the flow has problems.", "bad");
    byId("problems").querySelector("button")?.focus();
  } else if (error.status === 409) showStale(error.message);
  else toast(`Not saved. ${error.message}`, "bad");
}

/** Somebody else has saved meanwhile: keep the text, and let the user decide. */
function showStale(message) {
  announce(message);
  byId("save-trouble").replaceChildren(
    el(
      "div",
      { class: "notice status status-wait old-version", role: "alert" },
      el("span", { class: "status-icon" }, icon("error")),
      el("div", { class: "notice-body" }, el("div", { class: "notice-title" }, "Not saved: somebody else changed this flow."), message, " Your text is still here."),
      el("a", { class: "button button-small", href: data.urls.save, target: "_blank" }, "Open theirs"),
      el("button", { class: "button button-small", type: "button", onclick: overwrite }, "Save my version anyway"),
    ),
  );
}

async function overwrite() {
  data.newest = (await get(`/flows/${data.flowId}/run-form`)).newest;
  byId("save-trouble").replaceChildren();
  save();
}

// --- Running --------------------------------------------------------------------------------------
async function runDraft() {
  const answer = await checked();
  if (!answer.valid) {
    toast("The flow has problems. Correct them first.", "bad");
    byId("problems").querySelector("button")?.focus();
    return;
  }
  openRunDialog({ title: "Run without saving", variables: answer.variables.map(forDraft), environments: data.environments, draft: answer.draft, teamId: teamId() });
}

/** Run only the step at the line; the dialog asks for the values that other steps would give it. */
const runAlone = (line) =>
  attempt(async () => {
    const answer = await sendYaml("POST", `${data.urls.stepAlone}?${scope()}&line=${line}`, editor.text);
    if (!answer.valid) return toast(`${answer.name} cannot run alone. ${answer.errors[0].detail}`, "bad");
    return openRunDialog({ title: `Run only ${answer.name}`, variables: answer.variables.map(forDraft), environments: data.environments, draft: answer.draft, teamId: teamId() });
  });

/** A draft does not know the saved default of a secret, so the dialog asks for it. */
const forDraft = (variable) => (variable.secret && variable.defaultValue === "••••••" && data.flowId ? { ...variable, defaultValue: null, required: true } : variable);

function run() {
  if (changed()) toast("This runs the saved version, without your changes.", "live");
  openRunDialog({ title: "Run", ...data });
}

// --- Versions, files ------------------------------------------------------------------------------
async function attempt(work) {
  try {
    await work();
  } catch (error) {
    toast(error.message, "bad");
  }
}

const restore = (number) =>
  attempt(async () => {
    await post(`${API}/flows/${data.flowId}/versions/${number}/restore`);
    saved = editor.text;
    sessionStorage.setItem("saved", `Version ${number} is the newest again.`);
    location.assign(data.urls.save);
  });

async function showDiff(number) {
  const difference = await get(`/flows/${data.flowId}/difference?from=${number - 1}&to=${number}`).catch(() => null);
  if (!difference) return toast("The versions could not be loaded.", "bad");
  const { lines } = difference;
  byId("diff-title").textContent = `Changes of version ${number}`;
  byId("diff").replaceChildren(...(lines.length ? lines.slice(2).map(diffLine) : ["The YAML is the same."]));
  return byId("diff-dialog").showModal();
}

function diffLine(line) {
  const kind = { "+": "add", "-": "del", "@": "hunk" }[line[0]];
  return kind ? el("span", { class: kind }, line) : `${line}\n`;
}

const deleteFlow = () =>
  attempt(async () => {
    await remove(`${API}/flows/${data.flowId}`);
    saved = editor.text;
    location.assign("/flows");
  });

async function openFile(event) {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  if (file.size > LARGEST_FILE) toast("The file is larger than 5 MiB.", "bad");
  else editor.text = await file.text();
}

function onKey(event) {
  if (!(event.ctrlKey || event.metaKey)) return;
  if (event.key === "s" && mayEdit) {
    event.preventDefault();
    save();
  }
  if (event.key === "Enter" && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    if (changed() || !data.flowId) runDraft();
    else if (byId("run")) run();
  }
}

byId("save")?.addEventListener("click", save);
byId("run-draft")?.addEventListener("click", runDraft);
byId("run")?.addEventListener("click", run);
byId("import-file")?.addEventListener("change", openFile);
byId("team")?.addEventListener("change", check);
byId("delete")?.addEventListener("click", () => byId("delete-dialog").showModal());
byId("delete-now")?.addEventListener("click", deleteFlow);
for (const button of document.querySelectorAll("[data-restore]")) button.addEventListener("click", () => restore(Number(button.dataset.restore)));
for (const button of document.querySelectorAll("[data-diff]")) button.addEventListener("click", () => showDiff(Number(button.dataset.diff)));
for (const button of document.querySelectorAll("dialog:not(#run-dialog) [data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
addEventListener("keydown", onKey);
addEventListener("beforeunload", (event) => changed() && mayEdit && event.preventDefault());

const told = sessionStorage.getItem("saved");
if (told) toast(told);
sessionStorage.removeItem("saved");
const step = /^#step=(.*)$/.exec(location.hash)?.[1];
if (step) editor.goToStep(decodeURIComponent(step));
if (new URLSearchParams(location.search).get("from") === "file") byId("import-file")?.focus();
if (teamId()) stepForm = new StepForm(byId("step-form"), byId("step-trouble"), { editor, urls: data.urls, scope, onAlone: runAlone });
for (const button of document.querySelectorAll("[data-insert]")) {
  button.addEventListener("click", () => {
    byId("insert-menu").open = false;
    stepForm.insert(button.dataset.insert);
  });
}
if (mayEdit) {
  new Completion(editor);
  check();
}
