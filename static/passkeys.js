/* Passkeys: a form says what the browser is to be asked, and takes its answer. Without this script, or in a
   browser that knows no passkeys, the buttons stay hidden, and a one-time code does. */
"use strict";

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const failed = form.querySelector("[data-passkey-failed]");
  if (!window.webauthnJSON || !webauthnJSON.supported()) {
    form.querySelector("[data-passkey-missing]").hidden = false;
    continue;
  }
  const asks = form.querySelector("[data-passkey-asks]");
  const button = asks.matches("button") ? asks : asks.querySelector("button");
  asks.hidden = false;
  button.addEventListener("click", async () => {
    failed.hidden = true;
    button.disabled = true;
    try {
      const answer = await webauthnJSON[form.dataset.passkeyDoes](JSON.parse(form.dataset.passkey));
      form.elements[form.dataset.passkeyInto].value = JSON.stringify(answer);
      form.submit();
    } catch (error) {
      failed.hidden = false;
      button.disabled = false;
    }
  });
}
