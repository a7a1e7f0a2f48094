// The finder by keyboard: / goes to the words, the arrows walk through what was found. Enhancement only.
"use strict";

(() => {
  const words = document.getElementById("id_q");
  if (!words) return;

  const writes = (node) => node.matches("input:not([type=checkbox]), textarea, select") && node !== words;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || writes(event.target)) return;
    if (event.key === "/" && event.target !== words) {
      event.preventDefault();
      words.focus();
      words.select();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const stops = [words, ...document.querySelectorAll("[data-found]")];
    const here = stops.indexOf(event.target);
    if (here < 0 || !stops[here + step]) return;
    event.preventDefault();
    stops[here + step].focus();
  });
})();
