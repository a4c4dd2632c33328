// The flow list: run buttons and the search key; htmx does the rest.
import { openForFlow } from "./flow/run-dialog.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-run-flow]");
  if (button) openForFlow(button.dataset.runFlow);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, select, textarea, dialog") || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  document.getElementById("search").select();
});
