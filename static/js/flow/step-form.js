// The form of the step under the cursor. The server makes it from the step type's schema and edits the YAML at its
// place; here form and text follow each other's changes.
import { ApiError, post, sendYaml } from "../api.js";
import { debounce } from "../dom.js";

const FOLLOW_AFTER_MS = 200;
const FIELDS = "input, select, textarea";

/** The form inside `root` for `editor`; `scope()` says whose names count; `onAlone(line)` runs only this step. */
export class StepForm {
  constructor(root, trouble, { editor, urls, scope, onAlone }) {
    Object.assign(this, { root, trouble, editor, urls, scope, onAlone, shape: undefined, problems: [], round: 0, edits: Promise.resolve() });
    this.followSoon = debounce(() => this.follow(), FOLLOW_AFTER_MS);
    root.addEventListener("change", ({ target }) => this.onChange(target));
    root.addEventListener("click", ({ target }) => target.closest("[data-try-alone]") && onAlone(editor.currentLine));
    let line = 0;
    document.addEventListener("selectionchange", () => {
      if (document.activeElement !== editor.area || editor.currentLine === line) return;
      line = editor.currentLine;
      this.followSoon();
    });
    this.follow();
  }

  address(name, more = "") {
    return `${this.urls[name]}?${this.scope()}${more}`;
  }

  /** Show the fields of the step under the cursor, with the current values of the text. */
  async follow() {
    const round = ++this.round;
    const text = this.editor.text;
    const answer = await this.ask(() => sendYaml("POST", this.address("stepForm", `&line=${this.editor.currentLine}`), text));
    if (!answer || round !== this.round || text !== this.editor.text) return;
    this.root.toggleAttribute("inert", !answer.readable); // the last form stays in view while the text is being written
    if (answer.readable) this.show(answer);
  }

  async ask(question) {
    try {
      return await question();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.trouble.textContent = error.errors.map(({ detail }) => detail).join(" ") || error.message;
      return null;
    }
  }

  show({ shape, html }) {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    if (shape === this.shape) this.patch(fresh);
    else this.root.replaceChildren(...document.importNode(fresh, true).childNodes);
    this.shape = shape;
    this.showProblems(this.problems);
  }

  /** Put the current values into the fields, except into the one where somebody is typing. */
  patch(fresh) {
    for (const field of fresh.querySelectorAll(FIELDS)) {
      const shown = document.getElementById(field.id);
      if (!shown || shown === document.activeElement) continue;
      if (shown instanceof HTMLSelectElement) shown.replaceChildren(...document.importNode(field, true).childNodes);
      shown.value = field.value;
    }
    const [name, freshName] = [this.root, fresh].map((part) => part.querySelector(".step-head strong"));
    if (name && freshName) name.textContent = freshName.textContent;
  }

  /** `problems` are those of the last check: `{attr, detail}`; each is shown at its field too. */
  showProblems(problems) {
    this.problems = problems;
    for (const field of this.root.querySelectorAll(".field-error")) field.textContent = "";
    for (const field of this.root.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    for (const { attr, detail } of problems) if (attr) this.showProblem(attr, detail);
  }

  showProblem(attr, detail) {
    const parts = attr.split(".");
    for (; parts.length > 2; parts.pop()) {
      const field = this.root.querySelector(`[data-place="${CSS.escape(parts.join("."))}"]`);
      if (!field) continue;
      const told = [...field.querySelectorAll(".field-error")].find((place) => place.closest("[data-place]") === field);
      told.textContent = [told.textContent, detail].filter(Boolean).join(" ");
      field.querySelector(FIELDS)?.setAttribute("aria-invalid", "true");
      return;
    }
  }

  onChange(field) {
    if (!field.matches(FIELDS) || !field.name) return;
    const change = { place: field.name, typed: field.value };
    const next = () => this.edit(change);
    this.edits = this.edits.then(next, next); // one after the other: each starts from the text before
  }

  async edit(change, again = true) {
    const text = this.editor.text;
    this.trouble.textContent = "";
    const answer = await this.ask(() => post(this.address("stepEdit"), { ...change, text }));
    if (!answer) return;
    if (this.editor.text !== text) {
      if (again) await this.edit(change, false); // somebody typed into the YAML meanwhile
      return;
    }
    this.editor.change(answer.text);
    await this.follow();
  }

  /** Insert an example of the type after the step under the cursor. */
  async insert(type) {
    const text = this.editor.text;
    this.trouble.textContent = "";
    const answer = await this.ask(() => post(this.address("stepInsert", `&line=${this.editor.currentLine}`), { text, type }));
    if (!answer || this.editor.text !== text) return;
    this.editor.change(answer.text);
    this.editor.goTo(answer.line, Number.POSITIVE_INFINITY);
    await this.follow();
  }
}
