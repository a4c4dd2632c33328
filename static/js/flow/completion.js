// After `${` the editor lists the possible references; arrow keys choose one, Enter or Tab inserts it.
import { el } from "../dom.js";
import { announce } from "../toast.js";
import { namesAbove } from "./names.js";

const MOST = 8;

/** The list under the cursor of an Editor. */
export class Completion {
  constructor(editor) {
    this.editor = editor;
    this.list = el("ul", { class: "completion", role: "listbox", id: "completion", "aria-label": "Names", hidden: true });
    editor.area.parentElement.append(this.list);
    editor.area.addEventListener("input", () => this.look());
    editor.area.addEventListener("blur", () => this.close());
    editor.area.addEventListener("scroll", () => this.close(), { passive: true });
    // In the capture phase, before the editor handles Tab and Enter.
    editor.area.parentElement.addEventListener("keydown", (event) => this.onKey(event), { capture: true });
  }

  get open() {
    return !this.list.hidden;
  }

  look() {
    const above = this.editor.area.value.slice(0, this.editor.area.selectionStart);
    const typed = /\$\{([\w.-]*)$/.exec(above)?.[1];
    if (typed === undefined) return this.close();
    const wanted = typed.toLowerCase();
    this.found = namesAbove(above.slice(0, above.length - typed.length)).filter(({ text }) => text.toLowerCase().startsWith(wanted) && text !== typed).slice(0, MOST);
    if (!this.found.length) return this.close();
    this.typed = typed;
    this.chosen = 0;
    this.show(above);
    return undefined;
  }

  show(above) {
    const area = this.editor.area;
    const line = above.split("\n").length;
    const column = above.length - above.lastIndexOf("\n") - 1 - this.typed.length;
    this.draw();
    this.list.hidden = false;
    const top = line * this.editor.lineHeight - area.scrollTop;
    const fits = top + this.list.offsetHeight < area.clientHeight;
    this.list.style.setProperty("top", `${fits ? top : top - this.editor.lineHeight - this.list.offsetHeight}px`);
    this.list.style.setProperty("left", `calc(${area.offsetLeft - area.scrollLeft}px + ${column}ch)`);
    announce(`${this.found.length} names, ${this.found[0].text}`);
  }

  draw() {
    this.list.replaceChildren(...this.found.map(({ text, kind }, at) => el("li", { role: "option", "aria-selected": String(at === this.chosen), onmousedown: (event) => this.take(event, at) }, el("span", {}, text), el("span", { class: "faint" }, kind))));
  }

  close() {
    this.list.hidden = true;
  }

  onKey(event) {
    if (!this.open) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) {
      this.chosen = (this.chosen + by + this.found.length) % this.found.length;
      this.draw();
      announce(this.found[this.chosen].text);
    } else if (event.key === "Enter" || event.key === "Tab") this.take(event, this.chosen);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  take(event, at) {
    event.preventDefault();
    const area = this.editor.area;
    const closed = area.value[area.selectionStart] === "}";
    this.close();
    area.setSelectionRange(area.selectionStart - this.typed.length, area.selectionStart);
    this.editor.insert(this.found[at].text + (closed ? "" : "}"));
    this.close();
  }
}
