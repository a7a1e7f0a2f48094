// Enhancement only: line numbers that grow with the text, and links that put the cursor at their line.
"use strict";

(() => {
  const SPARE = 12;
  const text = document.getElementById("id_text");
  const gutter = document.getElementById("gutter");
  const frame = document.getElementById("editor");
  if (!text || !gutter || !frame) return;

  const number = () => {
    const lines = text.value.split("\n");
    const wanted = lines.length + SPARE;
    text.rows = wanted;
    text.cols = Math.min(Math.max(...lines.map((line) => line.length)) + 2, 400);
    while (gutter.children.length > wanted) {
      gutter.lastElementChild.remove();
      gutter.lastChild.remove();
    }
    for (let line = gutter.children.length + 1; line <= wanted; line += 1) {
      const shown = document.createElement("span");
      shown.id = `L${line}`;
      shown.textContent = line;
      gutter.append(shown, "\n");
    }
  };

  const mark = () => {
    const wrong = new Set();
    for (const link of document.querySelectorAll("#checked [data-line]")) wrong.add(`L${link.dataset.line}`);
    for (const shown of gutter.children) shown.classList.toggle("wrong", wrong.has(shown.id));
  };

  const go = (line) => {
    const lines = text.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    text.focus({ preventScroll: true });
    text.setSelectionRange(start, start + (lines[line - 1] || "").length);
    const shown = document.getElementById(`L${line}`);
    if (shown) frame.scrollTop = shown.offsetTop - frame.clientHeight / 3;
    frame.scrollLeft = 0;
    frame.scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("#checked a[href^='#L']");
    if (!link) return;
    event.preventDefault();
    go(Number(link.hash.slice(2)));
  });
  text.addEventListener("input", number);
  document.addEventListener("htmx:afterSettle", mark);
  number();
  const asked = Number(window.location.hash.match(/^#L(\d+)$/)?.[1]);
  if (asked) go(asked);
})();
