// Sets the chosen colour scheme before the first paint; it is a classic script because modules run too late for that.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    return; // storage is switched off: the system decides
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
