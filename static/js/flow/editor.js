// A textarea with line numbers, colours and marks at lines. Only the lines in view are painted.
import { el } from "../dom.js";
import { paintLine } from "./yaml-colours.js";

const INDENT = "  ";

/** The editor inside `root`; calls `onChange()` after every edit. */
export class Editor {
  constructor(root, onChange) {
    this.area = root.querySelector("textarea");
    this.gutter = root.querySelector(".gutter");
    this.paint = root.querySelector(".paint");
    this.marks = new Map(); // line → messages
    this.mayLeave = false;
    this.area.addEventListener("input", () => {
      this.read();
      onChange();
    });
    this.area.addEventListener("scroll", () => this.draw(), { passive: true });
    this.area.addEventListener("keydown", (event) => this.onKey(event));
    this.area.addEventListener("blur", () => (this.mayLeave = false));
    document.addEventListener("selectionchange", () => document.activeElement === this.area && this.draw());
    new ResizeObserver(() => this.draw()).observe(this.area);
    this.read();
  }

  get text() {
    return this.area.value;
  }

  set text(text) {
    this.area.focus();
    this.area.select();
    this.insert(text); // as an edit, so that it can be undone
    this.area.setSelectionRange(0, 0);
    this.area.scrollTop = 0;
  }

  read() {
    this.lines = this.area.value.split("\n");
    this.gutter.style.setProperty("--digits", String(Math.max(2, String(this.lines.length).length)));
    this.draw();
  }

  get lineHeight() {
    return Number.parseFloat(getComputedStyle(this.area).lineHeight);
  }

  draw() {
    const height = this.lineHeight;
    const first = Math.max(0, Math.floor(this.area.scrollTop / height) - 2);
    const last = Math.min(this.lines.length, first + Math.ceil(this.area.clientHeight / height) + 5);
    const current = this.currentLine;
    const numbers = [];
    const painted = [];
    for (let at = first; at < last; at += 1) {
      const marks = this.marks.get(at + 1);
      const looks = `${marks ? " marked" : ""}${at + 1 === current ? " current" : ""}`;
      numbers.push(el("div", { class: `number${looks}`, title: marks?.join("\n") }, String(at + 1)));
      painted.push(el("div", { class: `line${looks}` }, this.lines[at].length > 2000 ? this.lines[at] : paintLine(this.lines[at]), "\u200b"));
    }
    const top = first * height - this.area.scrollTop;
    this.gutter.replaceChildren(...numbers);
    this.paint.replaceChildren(...painted);
    this.gutter.style.setProperty("--top", `${top}px`);
    this.paint.style.setProperty("transform", `translate(${-this.area.scrollLeft}px, ${top}px)`);
  }

  get currentLine() {
    return this.area.value.slice(0, this.area.selectionStart).split("\n").length;
  }

  /** Mark lines; `problems` are `{line, detail}`. */
  mark(problems) {
    this.marks = new Map();
    for (const { line, detail } of problems) if (line) this.marks.set(line, [...(this.marks.get(line) ?? []), detail]);
    this.draw();
  }

  /** Put the cursor at a line and bring it into view. */
  goTo(line, column = 1) {
    const start = this.lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    const at = start + Math.min(column - 1, this.lines[line - 1]?.length ?? 0);
    this.area.focus({ preventScroll: true });
    this.area.setSelectionRange(at, at);
    this.area.scrollTop = Math.max(0, (line - 1) * this.lineHeight - this.area.clientHeight / 3);
    this.area.scrollLeft = 0;
    this.area.scrollIntoView({ block: "nearest" });
    this.draw();
  }

  /** Go to the step of that name, where there is one. */
  goToStep(name) {
    const at = this.lines.findIndex((line) => new RegExp(`^[\\s-]*\\{?\\s*name:\\s*["']?${name.replace(/[^\w-]/g, "")}["']?\\s*(,|$|#|\\})`).test(line));
    if (at >= 0) this.goTo(at + 1);
  }

  /** Replace the text by `text` with one edit that can be undone, unless they are equal; the focus stays. */
  change(text) {
    const old = this.area.value;
    if (text === old) return;
    const most = Math.min(text.length, old.length);
    let start = 0;
    while (start < most && text[start] === old[start]) start += 1;
    let same = 0;
    while (same < most - start && text[text.length - 1 - same] === old[old.length - 1 - same]) same += 1;
    const focused = document.activeElement;
    this.area.focus({ preventScroll: true });
    this.area.setSelectionRange(start, old.length - same);
    this.insert(text.slice(start, text.length - same));
    focused?.focus({ preventScroll: true });
  }

  insert(text) {
    // Only execCommand keeps the browser's undo history; without it the text is set directly.
    if (text === "") document.execCommand("delete");
    else if (!document.execCommand("insertText", false, text)) {
      this.area.setRangeText(text, this.area.selectionStart, this.area.selectionEnd, "end");
      this.area.dispatchEvent(new Event("input"));
    }
  }

  onKey(event) {
    if (event.key === "Escape") this.mayLeave = true;
    else if (event.key === "Tab" && !this.mayLeave && !this.area.readOnly) this.indent(event);
    else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !this.area.readOnly) this.newLine(event);
    else if (event.key !== "Shift" && event.key !== "Tab") this.mayLeave = false;
  }

  indent(event) {
    event.preventDefault();
    const { selectionStart: from, selectionEnd: to, value } = this.area;
    const start = value.lastIndexOf("\n", from - 1) + 1;
    if (!event.shiftKey && !value.slice(from, to).includes("\n")) {
      this.insert(INDENT);
      return;
    }
    const chosen = value.slice(start, to);
    const changed = chosen.replace(event.shiftKey ? /^ {1,2}/gm : /^(?=.)/gm, event.shiftKey ? "" : INDENT);
    if (changed === chosen) return;
    this.area.setSelectionRange(start, to);
    this.insert(changed);
    this.area.setSelectionRange(start, start + changed.length);
  }

  newLine(event) {
    event.preventDefault();
    const before = this.area.value.slice(0, this.area.selectionStart);
    const line = before.slice(before.lastIndexOf("\n") + 1);
    const margin = /^\s*(?:- )?/.exec(line)[0].replace("-", " ");
    const deeper = /:\s*(?:[|>][+-]?)?\s*$/.test(line) ? INDENT : "";
    this.insert(`\n${margin}${deeper}`);
  }
}
