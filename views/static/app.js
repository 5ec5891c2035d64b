"use strict";
// Comforts only: every page works without this file.
(() => {
  const menus = () => document.querySelectorAll("details.menu[open]");

  // Who is asked to log in has no session, and drafts of forms end with it (forms.js).
  if (document.querySelector("[data-ends-drafts]")) {
    try {
      Object.keys(localStorage).filter((key) => key.startsWith("lpse-draft:"))
        .forEach((key) => localStorage.removeItem(key));
    } catch { /* storage is forbidden: nothing is kept there */ }
  }

  // A menu closes when one clicks or tabs elsewhere, and on Escape.
  document.addEventListener("click", (event) => {
    menus().forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("focusin", (event) => {
    menus().forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menus().forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
    });
  });

  // The bell opens a menu with the newest; without this file it leads to the list of all.
  const bell = document.querySelector(".bell[data-menu]");
  const closeBell = () => {
    const panel = document.querySelector(".bell-panel");
    if (panel) { panel.remove(); bell.setAttribute("aria-expanded", "false"); }
    return panel;
  };
  if (bell) {
    bell.setAttribute("aria-expanded", "false");
    bell.addEventListener("click", async (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      if (closeBell()) return;
      try {
        const answer = await fetch(bell.dataset.menu);
        if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
        const panel = document.createElement("div");
        panel.className = "menu-panel bell-panel";
        panel.innerHTML = await answer.text();
        bell.after(panel);
        bell.setAttribute("aria-expanded", "true");
        const first = panel.querySelector("a");
        if (first) first.focus();
      } catch { window.location.assign(bell.href); }
    });
    const closeElsewhere = (event) => { if (!event.target.closest(".bell-panel, .bell")) closeBell(); };
    document.addEventListener("click", closeElsewhere);
    document.addEventListener("focusin", closeElsewhere);
    document.addEventListener("keydown", (event) => { if (event.key === "Escape" && closeBell()) bell.focus(); });
  }

  // What is wrong is read out first.
  const summary = document.querySelector(".alert-danger[tabindex='-1']");
  if (summary) summary.focus();
})();
