"use strict";
// The form of a step while one types: how much of what the paper requires is there, and which letters it takes.
(() => {
  const form = document.getElementById("step-form");

  // On paper nothing is folded away.
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll(".folded, .fold-narrow, .change-columns ~ .panel, .steps-taken details").forEach((one) => { one.open = true; });
  });
  if (!form) return;

  const list = document.querySelector(".checklist");
  const filled = (field) => (field.type === "checkbox" ? field.checked : Boolean(field.value.trim()));
  const isAsked = (field) => !field.closest("[data-when-field][hidden]");
  const needed = () => [
    ...[...form.querySelectorAll(`[data-needed-for~="${list.dataset.move}"]:not([name=reason])`)].filter(isAsked).map(filled),
    ...[...form.querySelectorAll(`[data-needed-rows~="${list.dataset.move}"]`)].filter(isAsked).map((rows) => [...rows.querySelectorAll("input, select")].some(filled)),
  ];
  const applies = {
    "by-proxy": () => Boolean(form.elements.on_behalf_of?.value.trim()),
    account: () => [...form.querySelectorAll("[name=kind]")].some((box) => box.checked && box.value === "account"),
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

  // A field that the SOP asks for only where another one says so.
  const said = (name) => [...form.querySelectorAll(`[name="${name}"]`)]
    .filter((field) => (field.type !== "checkbox" || field.checked) && isAsked(field))
    .map((field) => field.value);
  const askFor = (one) => {
    const words = said(one.dataset.whenField);
    one.hidden = !JSON.parse(one.dataset.whenIs).some((word) => words.includes(word));
  };

  function refresh() {
    form.querySelectorAll("[data-when-field]").forEach(askFor);
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

  // What belongs to another outcome is out of sight; what several outcomes ask for moves to the one that is chosen.
  const unfolded = [...form.querySelectorAll(".decision")];
  const plain = [...form.querySelectorAll(".moves > [name=outcome]")].map((button) => button.value);
  const own = [...form.querySelectorAll(".of-outcome")].map((group) => ({
    group, outcomes: group.dataset.for.split(" "), place: group.nextSibling, parent: group.parentNode,
  }));
  function choose() {
    const open = unfolded.find((one) => one.open);
    for (const { group, outcomes, place, parent } of own) {
      const isPlain = outcomes.some((one) => plain.includes(one));
      const isAsked = open ? outcomes.includes(open.dataset.outcome) : isPlain;
      group.hidden = !isAsked;
      group.querySelector("legend").hidden = true;
      if (open && isAsked && !isPlain) open.querySelector(".decision-fields").append(group);
      else if (group.parentNode !== parent) parent.insertBefore(group, place);
    }
  }
  for (const one of unfolded) {
    one.querySelector("summary").addEventListener("click", (event) => {
      event.preventDefault();
      unfolded.forEach((other) => { other.open = other === one && !one.open; });
      choose();
      if (one.open) (one.querySelector(".decision-fields :is(input, select, textarea)") ?? one.querySelector("[name=outcome]")).focus({ preventScroll: true });
    });
    one.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !one.open) return;
      one.open = false;
      one.querySelector("summary").focus();
    });
  }
  choose();

  // Of rows that are all empty the first is enough, until another is asked for.
  for (const rows of form.querySelectorAll(".rows")) {
    const all = [...rows.children];
    const isUsed = (row) => [...row.querySelectorAll("input, select")].some((field) => field.value.trim());
    const last = all.findLastIndex(isUsed);
    all.forEach((row, place) => { row.hidden = place > Math.max(last, 0); });
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "btn btn-sm btn-outline-secondary", textContent: rows.dataset.more });
    button.addEventListener("click", () => {
      const next = all.find((row) => row.hidden);
      next.hidden = false;
      next.querySelector("input, select").focus();
      button.hidden = !all.some((row) => row.hidden);
    });
    if (all.some((row) => row.hidden)) rows.append(button);
    form.addEventListener("input", () => all.forEach((row) => { if (isUsed(row)) row.hidden = false; }));
  }

  for (const kind of ["input", "change", "chosen"]) form.addEventListener(kind, refresh);
  refresh();
})();

// The window of a release: what stands in its way, and what is planned in its week, while one types.
(() => {
  const place = document.querySelector(".window-check");
  if (!place) return;
  const form = place.closest("form");
  const isAsked = (field) => /^(window_start_at|window_end_at|environment|touched_assets-\d+-asset)$/.test(field.name);
  const make = (tag, attributes = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), attributes);
    made.append(...children);
    return made;
  };
  const overlapReason = document.getElementById("field-overlap_reason");
  const showReason = (isNeeded) => {
    if (!overlapReason) return;
    overlapReason.hidden = !isNeeded && !overlapReason.querySelector("textarea").value.trim()
      && !overlapReason.querySelector(".field-errors");
  };
  const day = ({ text, holiday, chosen, entries }) => make("li", { className: chosen ? "is-chosen" : "" },
    make("strong", { textContent: text }), holiday ? ` · ${holiday}` : "",
    ...entries.flatMap((one) => [make("br"), make("a", { href: one.url, target: "_blank", textContent: `${one.kind}: ${one.text}` })]));

  function show({ freezes, overlaps, days }) {
    const faults = [freezes, overlaps].filter(Boolean).map((text) => make("p", { className: "live-errors", textContent: text }));
    const week = days.length ? [make("details", { open: faults.length > 0 }, make("summary", { textContent: place.dataset.week }),
      make("ul", {}, ...days.map(day)))] : [];
    place.replaceChildren(...faults, ...week);
    place.hidden = !faults.length && !week.length;
    showReason(Boolean(overlaps));
  }

  let timer, latest = 0;
  async function check() {
    const asked = new URLSearchParams([...form.elements].filter((field) => field.name && isAsked(field)).map((field) => [field.name, field.value]));
    const number = latest += 1;
    try {
      const answer = await fetch(`${place.dataset.url}&${asked}`, { headers: { Accept: "application/json" } });
      if (answer.ok && number === latest) show(await answer.json());
    } catch { /* the server tells it when the form is sent */ }
  }
  form.addEventListener("input", ({ target }) => {
    if (!isAsked(target)) return;
    clearTimeout(timer);
    timer = setTimeout(check, 300);
  });
  showReason(false);
  if (form.elements.window_start_at.value) check();
})();
