"use strict";
// The form of a step while one types: how much of what the paper requires is there, and which letters it takes.
(() => {
  const form = document.getElementById("step-form");

  // On paper nothing is folded away.
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll(".folded, .steps-taken details").forEach((one) => { one.open = true; });
  });
  if (!form) return;

  const list = document.querySelector(".checklist");
  const filled = (field) => (field.type === "checkbox" ? field.checked : Boolean(field.value.trim()));
  const needed = () => [
    ...[...form.querySelectorAll(`[data-needed-for~="${list.dataset.move}"]:not([name=reason])`)].map(filled),
    ...[...form.querySelectorAll("[data-needed-rows]")].map((rows) => [...rows.querySelectorAll("input, select")].some(filled)),
  ];
  const applies = {
    "by-proxy": () => Boolean(form.elements.on_behalf_of?.value.trim()),
    account: () => form.elements.kind?.value === "account",
  };
  const count = (element, ...numbers) => {
    if (!element) return;
    const text = element.dataset.count.replace(/\{(\d)\}/g, (_whole, place) => numbers[place]);
    if (element.textContent !== text) element.textContent = text;
  };
  const isThere = (line, isComplete) => {
    if ("settled" in line.dataset) return true;
    if (line.dataset.requirement === "own") return isComplete;
    const field = form.elements[line.dataset.requirement];
    return field?.type === "file" ? field.files.length > 0 : Boolean(field?.checked);
  };

  function refresh() {
    document.querySelectorAll("[data-when]").forEach((one) => {
      const test = applies[one.dataset.when];
      if (test) one.hidden = !test();
    });
    if (!list) return;
    const fields = needed();
    const full = fields.filter(Boolean).length;
    const lines = [...list.querySelectorAll("[data-requirement]:not([hidden])")];
    let there = 0;
    for (const line of lines) {
      const is = isThere(line, full === fields.length);
      there += is;
      line.classList.toggle("is-there", is);
      const state = line.querySelector(".check-state");
      state.textContent = is ? state.dataset.there : state.dataset.missing;
    }
    count(list.querySelector(".checklist-count"), there, lines.length);
    count(list.querySelector(".checklist-fields"), full, fields.length);
  }
  for (const kind of ["input", "change", "chosen"]) form.addEventListener(kind, refresh);
  refresh();
})();
