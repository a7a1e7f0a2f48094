// Enhancement only: every page works without this file.
"use strict";

(() => {
  const page = document.documentElement;
  // Countdowns run on the portal's clock, not on the visitor's.
  const ahead = Date.parse(page.dataset.now || "") - Date.now() || 0;

  const spoken = (seconds) => {
    const days = Math.floor(seconds / 86400);
    const hours = Math.floor((seconds % 86400) / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    if (days) return `${days} d ${hours} h left`;
    if (hours) return `${hours} h ${String(minutes).padStart(2, "0")} min left`;
    return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s left`;
  };

  const tick = () => {
    for (const node of document.querySelectorAll("time[data-countdown]")) {
      const seconds = (Date.parse(node.dateTime) - Date.now() - ahead) / 1000;
      node.textContent = seconds > 0 ? spoken(seconds) : node.dataset.over || "ended";
    }
  };

  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    if (!source || !navigator.clipboard) return;
    await navigator.clipboard.writeText(source.textContent.trim());
    const label = button.querySelector("[data-label]");
    label.textContent = "Copied";
    setTimeout(() => { label.textContent = "Copy"; }, 2000);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });

  // A form that is sent twice by two quick clicks is sent once. One that is answered with a file leaves the
  // page as it is, and may be sent again.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post" || "file" in event.target.dataset) return;
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  // Where the browser's clock shows another time than the portal does: one click shows times as the browser's.
  const offer = document.querySelector("[data-zone]");
  try {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    const shown = new Date().toLocaleString("en", { timeZone: offer?.dataset.zone });
    if (offer && timeZone?.includes("/") && shown !== new Date().toLocaleString("en")) {
      offer.value = timeZone;
      offer.textContent = `Show times in ${timeZone.replaceAll("_", " ")}`;
      offer.hidden = false;
    }
  } catch (_unknown) {
    // A zone that the browser doesn't know: times stay as they are.
  }

  // Fields that only matter for one choice show with it.
  const reveal = () => {
    for (const part of document.querySelectorAll("[data-shown-for]")) {
      const [name, ...values] = part.dataset.shownFor.split(" ");
      const chosen = document.querySelector(`input[name="${name}"]:checked, select[name="${name}"]`);
      part.hidden = Boolean(chosen) && !values.includes(chosen.value);
    }
  };
  document.addEventListener("change", reveal);

  // A button that says what it will do with a field's value: "Approve for 45 minutes".
  const saying = () => {
    for (const button of document.querySelectorAll("[data-says]")) {
      const value = Number(document.getElementById(button.dataset.of)?.value);
      const units = document.getElementById(button.dataset.unit)?.value ?? "minutes";
      const said = `${value} ${value === 1 ? units.slice(0, -1) : units}`;
      if (value > 0) button.querySelector("[data-words]").textContent = button.dataset.says.replace("{}", said);
    }
  };
  document.addEventListener("input", saying);

  // What a page needs when it has come, and again when a part of it has come anew.
  const enhance = () => {
    for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
    reveal();
    saying();
    tick();
  };
  document.addEventListener("htmx:afterSettle", enhance);
  setInterval(tick, 1000);
  enhance();
  document.querySelector(".errors-summary")?.focus();

  // Leaving a field asks once more what will happen. Where the answer is the same, the panel stays as it is: the
  // click that left the field may be on a button in it.
  let outlook = "";
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id !== "outlook") return;
    if (event.detail.serverResponse === outlook) event.detail.shouldSwap = false;
    outlook = event.detail.serverResponse;
  });
})();
