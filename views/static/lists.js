"use strict";
// Comforts of lists only: everything here can be done without this file.
(() => {
  // Empty fields leave no trace in the address.
  const filters = document.querySelector("form.list-form");
  if (filters) {
    filters.addEventListener("formdata", ({ formData }) => {
      for (const [name, value] of [...formData]) if (!value) formData.delete(name);
    });
  }

  // All rows of the page are ticked at once.
  const boxes = [...document.querySelectorAll('input[form="bulk"][name="id"]')];
  const head = document.querySelector("th.tick");
  if (head && boxes.length) {
    const all = document.createElement("input");
    all.type = "checkbox";
    all.className = "form-check-input";
    all.setAttribute("aria-label", head.dataset.all);
    head.append(all);
    const tell = () => {
      const ticked = boxes.filter((box) => box.checked).length;
      all.checked = ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
    };
    all.addEventListener("change", () => boxes.forEach((box) => { box.checked = all.checked; }));
    boxes.forEach((box) => box.addEventListener("change", tell));
    window.addEventListener("pageshow", tell);
  }

  // Columns are moved up and down by buttons instead of by numbers.
  const columns = document.querySelector(".column-rows");
  if (columns) {
    const number = () => [...columns.children].forEach((row, place) => { row.querySelector("[name^=place-]").value = place + 1; });
    const button = (row, sign, word, move) => {
      const made = document.createElement("button");
      made.type = "button";
      made.className = "btn btn-sm btn-secondary";
      made.textContent = sign;
      made.setAttribute("aria-label", `${word}: ${row.textContent.trim()}`);
      made.addEventListener("click", () => { move(); number(); made.focus(); });
      return made;
    };
    [...columns.children].forEach((row) => {
      const up = button(row, "↑", columns.dataset.up, () => row.previousElementSibling?.before(row));
      const down = button(row, "↓", columns.dataset.down, () => row.nextElementSibling?.after(row));
      row.prepend(up, down);
      row.querySelector("[name^=place-]").hidden = true;
    });
  }
})();
