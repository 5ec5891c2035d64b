"use strict";
// An SOP is saved after each change, and what stands beside the form follows. Without this file the button does it.
(() => {
  const form = document.querySelector("form[data-autosave]");
  const panel = document.querySelector("[data-panel]");
  if (!form || !panel || form.dataset.autosave === "off") return;
  const status = form.querySelector("[data-status]");
  let running = null, again = false;

  const save = async () => {
    if (running) { again = true; return; }
    status.textContent = status.dataset.saving;
    running = fetch(form.action || location.href, {
      method: "POST", body: new FormData(form), headers: { Accept: "application/json" }, credentials: "same-origin",
    });
    try {
      const answer = await running;
      const body = await answer.json();
      if (!answer.ok) throw new Error(Object.values(body.fields ?? {})[0] ?? body.error ?? "");
      document.querySelectorAll("[data-version]").forEach((input) => { input.value = body.version; });
      const open = [...panel.querySelectorAll("details[open][data-keep-open]")].map((one) => one.dataset.keepOpen);
      panel.innerHTML = body.panel;
      open.forEach((name) => panel.querySelector(`[data-keep-open="${name}"]`)?.setAttribute("open", ""));
      status.textContent = status.dataset.saved;
    } catch (error) {
      status.textContent = error.message || status.dataset.failed;
    } finally {
      running = null;
      if (again) { again = false; save(); }
    }
  };

  form.addEventListener("change", save);
})();
