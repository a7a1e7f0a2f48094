// The command palette: Ctrl-K anywhere, / where nothing is typed. Without this file its link leads to a page.
"use strict";

(() => {
  const palette = document.getElementById("palette");
  if (!palette || !palette.showModal) return;
  const words = document.getElementById("palette-words");
  const results = document.getElementById("palette-results");
  const count = document.getElementById("palette-count");

  let typed = 0;

  const find = () => {
    const address = `${words.form.action}?q=${encodeURIComponent(words.value)}`;
    htmx.ajax("GET", address, { source: words.form, target: results });
  };

  const open = () => {
    if (palette.open) return;
    palette.showModal();
    words.select();
    find();
  };

  words.addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(find, 80);
  });

  const writes = (node) => node.matches("input, textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.shiftKey && event.key !== "/") return;
    const control = event.ctrlKey || event.metaKey;
    if (control && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    } else if (event.key === "/" && !control && !writes(event.target)) {
      event.preventDefault();
      const search = document.querySelector("main [role=search] input[type=search]");
      if (search) search.select();
      else open();
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target === palette) palette.close(); // beside it
    const link = event.target.closest("[data-palette]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });

  // In the palette keys are its own: a page's shortcuts would act on what lies behind it.
  palette.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const stops = [words, ...results.querySelectorAll("[data-place]")];
    const next = stops[stops.indexOf(document.activeElement) + step];
    if (next) next.focus();
  });

  // Enter opens the first of what was found for these very words; else the page finds them.
  words.form.addEventListener("submit", (event) => {
    const first = results.querySelector("[data-place]");
    const found = results.querySelector("[data-found]");
    if (!first || found.dataset.found !== words.value.trim()) return;
    event.preventDefault();
    first.click();
  });

  results.addEventListener("htmx:afterSwap", () => {
    const found = results.querySelector("[data-found]");
    count.textContent = found ? found.textContent.trim() : "";
  });
})();
