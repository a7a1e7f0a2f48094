// What was typed while the session ended comes back after signing in: to the same person, in the same tab.
"use strict";

(() => {
  const KEY = "jitportal.typed";
  const NEVER = ["hidden", "password", "file", "submit", "button"];
  const person = document.querySelector("[data-person]")?.dataset.person;
  const here = () => location.pathname + location.search;
  const forms = () => [...document.querySelectorAll('main form[method="post"]')];
  const fields = (form) => [...form.elements].filter((field) => field.name && !NEVER.includes(field.type));
  const worded = (form) => fields(form).some((field) => "defaultValue" in field && field.value !== field.defaultValue);

  const keep = (form) => {
    if (!person || !form || !worded(form)) return;
    const values = fields(form).map((field) => [field.name, field.value, field.checked]);
    const places = [here(), new URL(form.action, location.href).pathname];
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ person, places, values }));
    } catch (_full) {
      // Without room it is as without script.
    }
  };

  const fill = (form, values) => {
    for (const [name, value, checked] of values) {
      for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
        if (NEVER.includes(field.type)) continue;
        if (field.type !== "radio" && field.type !== "checkbox") field.value = value;
        else if (field.value === value) field.checked = checked;
        else continue;
        field.dispatchEvent(new Event("input", { bubbles: true }));
        field.dispatchEvent(new Event("change", { bubbles: true }));
      }
    }
    const said = document.createElement("p");
    said.className = "notice notice-info";
    said.setAttribute("role", "status");
    said.textContent = "You were signed out meanwhile. What you had typed is here again: look at it, then send it.";
    form.prepend(said);
  };

  const kept = JSON.parse(sessionStorage.getItem(KEY) || "null");
  if (kept && !person) {
    sessionStorage.setItem(KEY, JSON.stringify({ ...kept, away: true }));
  } else if (kept) {
    // Whoever is signed in and goes elsewhere has sent it, or left it.
    sessionStorage.removeItem(KEY);
    const mine = kept.away && kept.person === person && kept.places.includes(here());
    const form = mine && forms().find((one) => kept.values.every(([name]) => name in one.elements));
    if (form) fill(form, kept.values);
  }

  document.addEventListener("submit", (event) => {
    if (forms().includes(event.target)) keep(event.target);
  });
  // A part of the page asked, and was told that the session has ended: the page goes to sign in.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.getResponseHeader("HX-Refresh")) keep(forms().find(worded));
  });
})();
