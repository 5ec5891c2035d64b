"use strict";
// "/" or Ctrl+K leads to the search field, from anywhere but another field.
(() => {
  const field = document.getElementById("find");
  if (!field) return;
  const hint = field.form.querySelector("kbd");
  hint.hidden = false;
  hint.setAttribute("aria-hidden", "true"); // the field itself says which keys lead to it
  const isTyping = (target) => target.isContentEditable || target.matches("input, textarea, select");
  document.addEventListener("keydown", (event) => {
    const control = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k";
    const slash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!(control || slash) || event.defaultPrevented || isTyping(event.target)) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
})();
