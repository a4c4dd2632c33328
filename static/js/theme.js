// Sets the chosen colour scheme before the first paint; it is a classic script because modules run too late for that.
(() => {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
