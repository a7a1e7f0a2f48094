// The queue by keyboard, and what is typed kept while one looks at other requests. Without this file every
// part of the page is reached by Tab.
"use strict";

(() => {
  const OFF = "jitportal.queue-keys-off";
  const UNITS = [["days", 24 * 60], ["hours", 60], ["minutes", 1]];
  const beside = window.matchMedia("(min-width: 75rem)");
  const drafts = new Map();

  const find = (what, where = document) => where.querySelector(what);
  const rows = () => [...document.querySelectorAll(".queue > li")];
  const title = (row) => find(".row-title", row);
  const chosen = () => find(".queue > li.chosen");
  const says = (text) => {
    const place = document.getElementById("queue-says");
    if (place) place.textContent = text;
  };

  // The row that keys are about: where the focus is, else the one that is open.
  const current = () => document.activeElement?.closest(".queue > li") || chosen();

  const move = (step) => {
    const all = rows();
    const next = all[all.indexOf(current()) + step];
    if (!next) {
      says(step > 0 ? "This is the last request on this page." : "This is the first request.");
      return;
    }
    const listed = title(next).offsetParent !== null;
    title(next).focus();
    if (beside.matches || !listed) title(next).click();
  };

  const give = (key) => {
    const link = find(`#pane [data-key="${key}"]`);
    if (link) link.click();
    else says(find("#pane .decision .notice")?.textContent.trim() || "No request is open.");
  };

  const select = () => {
    const box = current() && find(".queue-select", current());
    if (!box || box.disabled) says("This request isn't yours to decide.");
    else box.click();
  };

  const counted = () => {
    const number = document.querySelectorAll(".queue-select:checked").length;
    const words = number ? `${number} selected.` : "Select two or more.";
    const place = find("[data-selected]");
    if (place) place.textContent = words;
    return words;
  };

  const back = () => (chosen() && title(chosen()).offsetParent !== null
    ? title(chosen()) : find("#pane [data-first]"))?.focus();

  const leave = (field) => {
    if (field?.closest("#pane")) back();
    else if (field) field.blur();
    else find("#pane [data-closes]")?.click();
  };

  const explain = () => document.getElementById("keys")?.showModal();

  const keys = {
    j: () => move(1),
    k: () => move(-1),
    a: () => give("a"),
    d: () => give("d"),
    s: () => give("s"),
    x: select,
    "?": explain,
  };

  document.addEventListener("keydown", (event) => {
    const elsewhere = event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]");
    if (elsewhere || event.defaultPrevented) return;
    const field = event.target.closest("textarea, select, input:not([type=checkbox])");
    if (event.key === "Escape") leave(field);
    else if (!field && !localStorage.getItem(OFF) && Object.hasOwn(keys, event.key)) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest('[data-opens="keys"]')) explain();
    const length = event.target.closest("[data-fills]");
    if (!length || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const field = document.getElementById(length.dataset.fills);
    const unit = document.getElementById(length.dataset.unit);
    const [name, size] = (unit && UNITS.find(([, minutes]) => length.dataset.value % minutes === 0)) || ["minutes", 1];
    field.value = length.dataset.value / size;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    if (unit) unit.value = name;
    unit?.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-keys-on]")) {
      if (event.target.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "yes");
    }
    if (event.target.matches(".queue-select")) says(`${event.target.checked ? "Selected" : "Not selected"}. ${counted()}`);
  });

  // What is typed for one request comes back with its form.
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-draft]");
    if (!form) return;
    const typed = drafts.get(form.dataset.draft) || new Map();
    drafts.set(form.dataset.draft, typed.set(event.target.name, event.target.value));
  });

  const restore = () => {
    const form = find("#pane form[data-draft]");
    for (const [name, value] of (form && drafts.get(form.dataset.draft)) || []) {
      const field = form.elements[name];
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  };

  // Of two clicks in a row the later one is answered: an answer that comes late would take its form away.
  let asked = null;
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target?.id === "pane") asked = event.detail.xhr;
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id === "pane" && event.detail.xhr !== asked) event.detail.shouldSwap = false;
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const pane = document.getElementById("pane");
    if (!pane || event.detail.elt?.id !== "pane") return;
    for (const row of rows()) {
      const is = row.dataset.row === pane.dataset.chosen;
      row.classList.toggle("chosen", is);
      if (is) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    document.getElementById("queue").classList.add("asked-for");
    restore();
    const lost = document.activeElement === document.body || !document.activeElement;
    if (lost || document.activeElement.offsetParent === null) back();
    if (!find("#pane form[data-draft]")) says(`${find("#pane [data-first]").textContent.trim()}: open beside the list.`);
  });

  const opener = find('[data-opens="keys"]');
  if (opener) opener.hidden = false;
  const on = find("[data-keys-on]");
  if (on) on.checked = !localStorage.getItem(OFF);
  counted();
})();
