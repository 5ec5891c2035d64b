"use strict";
// "/" or Ctrl+K leads to the search field, from anywhere but another field.
(() => {
  const field = document.getElementById("find");
  if (!field) return;
  const hint = field.form.querySelector("kbd");
  hint.hidden = false;
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
