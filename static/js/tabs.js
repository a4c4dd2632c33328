// Tabs by the ARIA pattern: arrow keys move, one panel is shown. Panels are made when they are first shown.
import { el } from "./dom.js";

/** Return tabs; `parts` are `{id, title, count, make}`; `onChoose(id)` is called for a choice of the user, not for the first tab. */
export function tabs(parts, chosen, onChoose) {
  const panel = el("div", { role: "tabpanel", class: "tab-panel", tabindex: "-1" });
  const buttons = parts.map((part) =>
    el("button", { role: "tab", type: "button", id: `tab-${part.id}`, onclick: () => choose(part.id) }, part.title, part.count ? el("span", { class: "tab-count" }, part.count) : null),
  );
  const list = el("div", { class: "tabs", role: "tablist", onkeydown: onKey }, buttons);

  function show(id) {
    parts.forEach((part, place) => {
      const on = part.id === id;
      buttons[place].setAttribute("aria-selected", on);
      buttons[place].tabIndex = on ? 0 : -1;
      if (on) panel.replaceChildren(...[part.make()].flat().filter(Boolean));
    });
    panel.setAttribute("aria-labelledby", `tab-${id}`);
  }

  function choose(id) {
    show(id);
    onChoose?.(id);
  }

  function onKey(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const at = buttons.indexOf(document.activeElement);
    const next = (at + by + buttons.length) % buttons.length;
    choose(parts[next].id);
    buttons[next].focus();
    event.preventDefault();
  }

  show(parts.some((part) => part.id === chosen) ? chosen : parts[0].id);
  return [list, panel];
}
