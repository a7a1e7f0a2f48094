// The player of a recording, and buttons that play from a moment. Its time is the session's: with pauses left out,
// no moment would be where the list says. Without it, the text is on the page.
"use strict";

(() => {
  const place = document.getElementById("player");
  if (!place || !window.AsciinemaPlayer) return;
  const player = window.AsciinemaPlayer.create({ url: place.dataset.cast }, place, {
    fit: "width",
    preload: true,
    poster: "npt:0:01",
    terminalFontFamily: "ui-monospace, Menlo, 'DejaVu Sans Mono', monospace",
  });
  for (const button of document.querySelectorAll("[data-seek]")) {
    button.disabled = false;
    button.addEventListener("click", () => {
      player.seek(Number(button.dataset.seek) + 0.02); // the line itself is seen, not what was before it
      place.scrollIntoView({ block: "nearest" });
    });
  }
})();
