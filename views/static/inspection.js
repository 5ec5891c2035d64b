"use strict";
// How far a dossier is, while one looks; without this file the page is reloaded by hand.
(() => {
  const bars = [...document.querySelectorAll("progress[data-address]")];
  const PAUSE = 2000;

  async function ask(bar) {
    const answer = await fetch(bar.dataset.address, { headers: { Accept: "application/json" } });
    if (!answer.ok) return false;
    const state = await answer.json();
    bar.value = state.percent;
    const number = bar.closest("article").querySelector("[data-percent]");
    if (number) number.textContent = state.percent;
    return state.finished;
  }

  async function askAll() {
    const finished = await Promise.all(bars.map((bar) => ask(bar).catch(() => false)));
    if (finished.some(Boolean)) location.reload();
    else setTimeout(askAll, PAUSE);
  }

  if (bars.length) setTimeout(askAll, PAUSE);
})();
