// The forms of resources and environments: kinds of sign-in, rows to add and remove, dialogs. Saving needs no script.

/** Show the fields of the chosen kind; the fields of the other kinds are not sent. */
function choose(select) {
  for (const part of select.closest(".field-group").querySelectorAll("[data-variant]")) {
    const on = part.dataset.variant === select.value;
    part.hidden = !on;
    part.disabled = !on;
  }
}

/** Hide a secret value while it is typed. The placeholder says that one is set, since an empty field looks the same. */
function hideSecret(row) {
  const secret = row.querySelector("[data-secret]").value !== "";
  const value = row.querySelector("[data-value]");
  value.type = secret ? "password" : "text";
  value.placeholder = secret && row.querySelector("[name='variable.was']").value ? "set; leave empty to keep" : "";
}

function addRow(button) {
  const list = document.getElementById(button.dataset.adds);
  list.append(document.getElementById(`${button.dataset.adds}-row`).content.cloneNode(true));
  list.lastElementChild.querySelector("input, select").focus();
}

function removeRow(button) {
  const row = button.closest("[data-row]");
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  (next?.querySelector("input") ?? document.querySelector("[data-adds]")).focus();
}

function onClick({ target }) {
  const button = target.closest("button");
  if (button?.dataset.opens) document.getElementById(button.dataset.opens).showModal();
  else if (button?.dataset.adds) addRow(button);
  else if (button && "removesRow" in button.dataset) removeRow(button);
  else if (button && "close" in button.dataset) button.closest("dialog").close();
}

function onChange({ target }) {
  if (target.matches("[data-variants]")) choose(target);
  if (target.matches("[data-secret]")) hideSecret(target.closest("[data-row]"));
}

document.addEventListener("click", onClick);
document.addEventListener("change", onChange);
for (const select of document.querySelectorAll("[data-variants]")) choose(select); // a browser keeps choices over a reload
