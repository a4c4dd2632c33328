// What every page has: the theme toggle, menus that close, times that stay current.
import { setServerTime, startClock, tick } from "./time.js";

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
}

function closeMenus(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (event.type === "keydown" ? event.key === "Escape" : !menu.contains(event.target)) {
      menu.open = false;
      if (event.type === "keydown") menu.querySelector("summary").focus();
    }
  }
}

/** Leave empty filters out of the address. */
function dropEmpty({ detail }) {
  if (detail.verb !== "get") return;
  for (const [name, value] of Object.entries(detail.parameters)) if (value === "") delete detail.parameters[name];
}

document.getElementById("theme-toggle")?.addEventListener("click", toggleTheme);
document.addEventListener("click", closeMenus);
document.addEventListener("keydown", closeMenus);
document.addEventListener("htmx:configRequest", dropEmpty);
document.addEventListener("htmx:afterRequest", ({ detail }) => setServerTime(Date.parse(detail.xhr.getResponseHeader("Date"))));
document.addEventListener("htmx:afterSwap", (event) => tick(event.target));
startClock();
