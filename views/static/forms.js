"use strict";
// Comforts of forms: drafts, files by drop and paste, and what is wrong said at once. The server decides all the same.
(() => {
  const element = document.getElementById("form-words");
  if (!element) return;
  const words = element.dataset;
  const say = (text, values) => text.replace(/\{(\w+)\}/g, (_whole, name) => values[name] ?? "");
  const make = (tag, attributes = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), attributes);
    made.append(...children);
    return made;
  };
  const labelOf = (field) => {
    const label = field.labels?.[0]?.cloneNode(true);
    label?.querySelectorAll(".needed, .needed-for, .field-mark").forEach((mark) => mark.remove());
    return label?.textContent.trim() ?? field.name;
  };
  const isHidden = (field) => field.disabled || field.closest("[hidden]");

  // --- drafts: what is typed survives a closed tab, for its writer, in this browser, for a day ------------------

  const PREFIX = "lpse-draft:", SENT = "lpse-sent", DAY = 24 * 60 * 60 * 1000;
  const mine = `${PREFIX}${words.user}:`;
  const kept = {
    get(key) { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
    set(key, value) { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* full or forbidden: no draft */ } },
    drop(key) { try { localStorage.removeItem(key); } catch { /* as above */ } },
    keys() { try { return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)); } catch { return []; } },
  };
  const NEVER = new Set(["hidden", "password", "file", "submit", "button", "reset", "image"]);
  const isKept = (field) => field.name && field.matches("input, select, textarea") && !NEVER.has(field.type)
    && !/csrf|password|secret/i.test(field.name) && field.autocomplete !== "one-time-code";
  const isTick = (field) => field.type === "checkbox" || field.type === "radio";
  const now = (field) => (isTick(field) ? field.checked : field.value);
  const first = (field) => {
    if (isTick(field)) return field.defaultChecked;
    if (field.tagName !== "SELECT") return field.defaultValue;
    return ([...field.options].find((option) => option.defaultSelected) ?? field.options[0])?.value ?? "";
  };
  const put = (field, value) => { if (isTick(field)) field.checked = value; else field.value = value; };
  const eachOf = (form) => {
    const seen = new Map();
    return [...form.elements].filter(isKept).map((field) => {
      const place = seen.get(field.name) ?? 0;
      seen.set(field.name, place + 1);
      return [`${field.name}:${place}`, field];
    });
  };
  const read = (form, value) => Object.fromEntries(eachOf(form).map(([name, field]) => [name, value(field)]));
  const keyOf = (form) => {
    const at = new URL(form.getAttribute("action") || location.href, location.href);
    return `${mine}${at.pathname}${at.search}#${form.dataset.draft ?? ""}`;
  };
  const isLong = (form) => form.querySelector("textarea") && !form.querySelector("[type=password]")
    && !form.closest("[data-keeps-drafts]");
  const wasRefused = Boolean(document.querySelector("main .alert-danger"));

  class Draft {
    constructor(form) {
      this.form = form;
      this.key = keyOf(form);
      this.base = JSON.stringify(read(form, first));
      this.found = kept.get(this.key);
      this.isOff = false;
      if (this.found && wasRefused) this.base = this.found.base;  // the page shows what was just typed, not what is stored
      else if (this.found) this.offer();
      form.addEventListener("input", () => this.later());
      form.addEventListener("change", () => this.later());
      window.addEventListener("pagehide", () => this.keep());
    }

    later() {
      this.isOff = false;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.keep(), 400);
    }

    keep() {
      if (this.timer === undefined || this.isOff) return;
      clearTimeout(this.timer);
      const values = read(this.form, now);
      if (JSON.stringify(values) === this.base) kept.drop(this.key);
      else kept.set(this.key, { at: Date.now(), base: this.base, values });
    }

    offer() {
      if (JSON.stringify(this.found.values) === this.base) { kept.drop(this.key); return; }
      const isSame = this.found.base === this.base;
      const time = `${new Intl.DateTimeFormat(document.documentElement.lang, {
        dateStyle: "medium", timeStyle: "short", timeZone: words.zone }).format(this.found.at)} ${words.zoneLabel}`;
      this.said = make("p", { textContent: say(isSame ? words.restored : words.older, { time }) });
      this.note = make("div", { className: "draft-note" }, this.said);
      this.note.setAttribute("role", "status");
      if (!isSame) this.button(words.restore, () => { this.restore(); this.said.textContent = say(words.restored, { time }); });
      this.button(words.discard, () => this.discard());
      this.form.prepend(this.note);
      if (isSame) this.restore();
    }

    button(text, action) {
      const button = make("button", { type: "button", className: "btn btn-secondary", textContent: text });
      button.addEventListener("click", () => { action(); if (text === words.restore) button.remove(); });
      this.note.append(button);
    }

    restore() { this.write(this.found.values); }

    write(values) {
      for (const [name, field] of eachOf(this.form)) {
        if (!(name in values)) continue;
        const isNew = now(field) !== values[name];
        put(field, values[name]);
        if (isNew) field.closest("details:not(.decision)")?.setAttribute("open", "");
      }
      this.form.dispatchEvent(new Event("input", { bubbles: true }));
    }

    discard() {
      this.write(read(this.form, first));
      clearTimeout(this.timer);
      this.isOff = true;
      kept.drop(this.key);
      this.note.replaceChildren(make("p", { textContent: words.discarded, tabIndex: -1 }));
      this.note.firstChild.focus();
    }
  }

  kept.keys().forEach((key) => { if (!(kept.get(key)?.at > Date.now() - DAY)) kept.drop(key); });
  const forms = [...document.querySelectorAll("main form[method=post]")].filter(isLong);
  const sent = sessionStorage.getItem(SENT);
  if (sent && !document.querySelector("[data-keeps-drafts]")) {
    sessionStorage.removeItem(SENT);
    if (!wasRefused || !forms.some((form) => keyOf(form) === sent)) kept.drop(sent);
  }
  const drafts = new Map(forms.map((form) => [form, new Draft(form)]));
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (/\/logout$/.test(form.getAttribute("action") ?? "")) {
      drafts.forEach((draft) => { draft.isOff = true; });
      kept.keys().filter((key) => key.startsWith(mine)).forEach((key) => kept.drop(key));
    }
    const draft = drafts.get(form);
    if (!draft || event.defaultPrevented) return;
    draft.keep();
    sessionStorage.setItem(SENT, draft.key);
  });

  // --- what is wrong, at once ----------------------------------------------------------------------------------

  const DATES = { date: words.date, "datetime-local": words.moment, number: words.number };
  const isEmpty = (field) => (field.type === "file" ? !field.files.length : !field.value.trim());
  const fault = (field, isNeeded) => {
    if (field.validity.badInput) return DATES[field.type] ?? words.number;
    return isNeeded && !isTick(field) && isEmpty(field) ? words.required : "";
  };
  const tell = (field, sentence) => {
    const id = `${field.id}-live`;
    const described = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((one) => one && one !== id);
    let told = document.getElementById(id);
    if (sentence) {
      if (!told) {
        told = make("p", { id, className: "live-errors" });
        (field.closest(".drop") ?? field).after(told);
      }
      told.textContent = sentence;
      described.push(id);
      field.setAttribute("aria-invalid", "true");
    } else if (told) {
      told.remove();
      field.removeAttribute("aria-invalid");
    }
    if (described.length) field.setAttribute("aria-describedby", described.join(" "));
    else field.removeAttribute("aria-describedby");
  };
  const isAsked = (field) => field.required || Boolean(field.dataset?.neededFor) && field.getAttribute("aria-required");
  const isOurs = (field) => field.matches?.("main form[novalidate] :is(input, select, textarea)") && field.id;

  document.addEventListener("focusout", ({ target }) => {
    if (isOurs(target) && !isHidden(target)) tell(target, fault(target, isAsked(target) && target.dataset.typed));
  });
  document.addEventListener("input", ({ target }) => {
    if (!isOurs(target)) return;
    target.dataset.typed = "yes";
    if (document.getElementById(`${target.id}-live`)) tell(target, fault(target, isAsked(target)));
  });
  // In front of whatever else listens: a form that is held back here was not sent.
  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (!form.matches("main form[novalidate]")) return;
    form.querySelector(".live-summary")?.remove();
    const isMove = button?.name === "outcome";
    const isStep = form.matches(".step-form");
    const faults = [];
    for (const field of form.elements) {
      if (!isOurs(field) || isHidden(field)) continue;
      const isNeeded = isStep ? isMove && (field.dataset.neededFor ?? "").split(" ").includes(button.value) : field.required;
      const sentence = fault(field, isNeeded);
      tell(field, sentence);
      if (sentence) faults.push(make("li", {}, make("a", { href: `#${field.id}`, textContent: labelOf(field) }), `: ${sentence}`));
    }
    if (!faults.length) return;
    event.preventDefault();
    const summary = make("div", { className: "alert alert-danger live-summary", tabIndex: -1 },
      make("p", { className: "alert-heading", textContent: words.look }), make("ul", {}, ...faults));
    summary.setAttribute("role", "alert");
    form.prepend(summary);
    summary.focus();
  }, true);

  // --- dates, written out: a browser shows them in the order of its own language -----------------------------------

  const DAY_WORDS = { weekday: "long", day: "numeric", month: "long", year: "numeric" };
  const dateWords = (field) => {
    const [year, month, day, hour, minute] = field.value.split(/\D/).map(Number);
    if (!day || year < 1000) return "";
    const clock = field.type === "date" ? {} : { hour: "2-digit", minute: "2-digit" };
    const format = new Intl.DateTimeFormat(document.documentElement.lang, { ...DAY_WORDS, ...clock });
    return format.format(new Date(year, month - 1, day, hour || 0, minute || 0));
  };
  for (const field of document.querySelectorAll("main :is(input[type=date], input[type=datetime-local])")) {
    const text = make("span", { className: "date-words" });
    field.after(text);
    const write = () => { const now = dateWords(field); if (text.textContent !== now) text.textContent = now; };
    for (const kind of ["input", "change"]) field.addEventListener(kind, write);
    field.form?.addEventListener("input", write);  // what a draft brings back
    write();
  }

  // --- files by drop and paste -----------------------------------------------------------------------------------

  const MOST = Number(words.most), MOST_OF_ALL = 60, MB = 1024 * 1024;
  const size = (bytes) => (bytes < MB
    ? `${new Intl.NumberFormat(document.documentElement.lang).format(Math.ceil(bytes / 1024))} kB`
    : `${new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 }).format(bytes / MB)} MB`);

  class Drop {
    constructor(input) {
      this.input = input;
      this.kinds = input.accept.split(",").map((one) => one.trim().toLowerCase()).filter(Boolean);
      this.refused = input.dataset.refused?.split(" ");
      this.list = make("ul");
      this.status = make("p", { className: "visually-hidden" });
      this.status.setAttribute("role", "status");
      this.alert = make("p", { className: "live-errors", hidden: true });
      this.alert.setAttribute("role", "alert");
      this.zone = make("div", { className: "drop" });
      input.replaceWith(this.zone);
      this.zone.append(input, make("p", { className: "drop-hint", textContent: words.drop }), this.list, this.status, this.alert);
      input.addEventListener("change", () => this.take([...input.files], []));
      for (const kind of ["dragenter", "dragover"]) this.zone.addEventListener(kind, (event) => this.over(event));
      this.zone.addEventListener("dragleave", () => this.zone.classList.remove("is-over"));
      this.zone.addEventListener("drop", (event) => {
        event.preventDefault();
        this.zone.classList.remove("is-over");
        this.add([...event.dataTransfer.files]);
      });
    }

    over(event) {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      this.zone.classList.add("is-over");
    }

    add(files) {
      this.zone.closest("details")?.setAttribute("open", "");
      this.take(this.input.multiple ? files : files.slice(0, 1), this.input.multiple ? [...this.input.files] : []);
      this.input.dispatchEvent(new CustomEvent("chosen", { bubbles: true }));
    }

    fault(file, others) {
      const values = { name: file.name, size: size(file.size), most: MOST, kinds: this.kinds.join(" ") };
      const name = file.name.toLowerCase();
      // A document's content decides, which the server reads; elsewhere the name has to be one that is accepted.
      const isRefused = this.refused ? this.refused.includes(name.split(".").at(-1))
        : this.kinds.length && name.includes(".") && !this.kinds.some((kind) => name.endsWith(kind));
      if (isRefused) return say(words.kind, values);
      if (file.size > MOST * MB) return say(words.large, values);
      const all = [...this.input.form.querySelectorAll("[type=file]")].filter((one) => one !== this.input)
        .flatMap((one) => [...one.files]).concat(others, file).reduce((sum, one) => sum + one.size, 0);
      return all > MOST_OF_ALL * MB ? say(words.total, { ...values, most: MOST_OF_ALL }) : "";
    }

    take(files, already) {
      const taken = [...already], faults = [];
      for (const file of files) {
        const sentence = this.fault(file, taken);
        if (sentence) faults.push(sentence); else taken.push(file);
      }
      this.put(taken);
      this.alert.textContent = faults.join(" ");
      this.alert.hidden = !faults.length;
      this.status.textContent = files.filter((file) => taken.includes(file))
        .map((file) => say(words.added, { name: file.name, size: size(file.size) })).join(" ");
    }

    put(files) {
      const all = new DataTransfer();
      files.forEach((file) => all.items.add(file));
      this.input.files = all.files;
      this.list.replaceChildren(...[...this.input.files].map((file) => {
        const button = make("button", { type: "button", textContent: words.remove });
        button.setAttribute("aria-label", `${words.remove}: ${file.name}`);
        button.addEventListener("click", () => {
          this.put([...this.input.files].filter((one) => one !== file));
          this.status.textContent = say(words.removed, { name: file.name });
          this.input.dispatchEvent(new CustomEvent("chosen", { bubbles: true }));
          this.input.focus();
        });
        return make("li", {}, `${file.name} (${size(file.size)}) `, button);
      }));
    }
  }

  const drops = new Map([...document.querySelectorAll("main form input[type=file]")].map((input) => [input, new Drop(input)]));
  if (drops.size) {
    // A file dropped beside a zone would otherwise take the place of the page.
    for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
    });
    document.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      const inputs = [...drops.keys()].filter((input) => !isHidden(input));
      const form = document.activeElement?.closest("form");
      const input = document.activeElement?.closest(".drop")?.querySelector("[type=file]")
        ?? inputs.find((one) => one.form === form && one.name === "document") ?? inputs.find((one) => one.form === form)
        ?? inputs.at(-1);
      if (!files.length || !input) return;
      event.preventDefault();
      const stamp = new Date().toISOString().replace(/\D/g, "").slice(8, 14);
      drops.get(input).add(files.map((file) => (file.name === "image.png"
        ? new File([file], `${words.pasted}-${stamp}.png`, { type: file.type }) : file)));
    });
  }
})();
