"use strict";
// An SOP is saved after each change, and what stands beside the form follows. Without this file the button does it.
(() => {
  const form = document.querySelector("form[data-autosave]");
  const panel = document.querySelector("[data-panel]");
  if (!form || !panel) return;
  const status = form.querySelector("[data-status]");
  let running = null, again = false;

  const show = (body) => {
    document.querySelectorAll("[data-version]").forEach((input) => { input.value = body.version; });
    const open = [...panel.querySelectorAll("details[open][data-keep-open]")].map((one) => one.dataset.keepOpen);
    panel.innerHTML = body.panel;
    open.forEach((name) => panel.querySelector(`[data-keep-open="${name}"]`)?.setAttribute("open", ""));
  };

  const send = async () => {
    status.textContent = status.dataset.saving;
    try {
      const answer = await fetch(location.href, {
        method: "POST", body: new FormData(form), headers: { Accept: "application/json" }, credentials: "same-origin",
      });
      const body = await answer.json();
      if (!answer.ok) throw new Error(Object.values(body.fields ?? {})[0] ?? body.error ?? "");
      show(body);
      status.textContent = status.dataset.saved;
    } catch (error) {
      status.textContent = error.message || status.dataset.failed;
    }
  };

  const save = async () => {
    again = true;
    if (running) return;
    while (again) {
      again = false;
      running = send();
      await running;
    }
    running = null;
  };

  form.addEventListener("change", save);

  // Before others see it (capture): a button pressed while a change is on its way waits for it, so that it is sent with the version that is saved then.
  document.addEventListener("submit", async (event) => {
    if (!running) return;
    event.preventDefault();
    const { target, submitter } = event;
    while (running) await running;
    target.requestSubmit(submitter?.isConnected ? submitter : undefined);
  }, true);
})();
