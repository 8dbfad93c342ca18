// Keys, copying, and the stream that says when something has happened. Every page works without it.
(() => {
  "use strict";
  const base = document.body.dataset.base ?? "";
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;

  // Tests wait for it: from here on keys are heard.
  document.documentElement.dataset.ready = "";

  // Where the menu is a line that scrolls, the page that is open is in sight.
  // By hand: scrollIntoView would have the Tab key begin behind it, past the link that skips the menu.
  const [menu, here] = [document.querySelector(".menu"), document.querySelector(".menu a[aria-current]")];
  if (menu && here) menu.scrollLeft = here.offsetLeft - (menu.clientWidth - here.offsetWidth) / 2;

  // `/` and Ctrl K find, `g` and a letter go, `?` shows the keys.
  let going = false;
  document.addEventListener("keydown", (event) => {
    const find = document.querySelector("[data-find]");
    if ((event.ctrlKey || event.metaKey) && event.key === "k" && find) {
      event.preventDefault();
      find.focus();
      find.select();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (going) {
      going = false;
      document.querySelector(`.menu a[data-key="${CSS.escape(event.key)}"]`)?.click();
      return;
    }
    if (event.key === "g") {
      going = true;
      setTimeout(() => { going = false; }, 1500);
    } else if (event.key === "/" && find) {
      event.preventDefault();
      find.focus();
    } else if (event.key === "?") {
      document.getElementById("keys")?.showModal();
    }
  });

  // A click copies. The word "Copied" stands there for a moment.
  const copy = async (element, text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(element);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      return;
    }
    element.classList.add("copied");
    setTimeout(() => element.classList.remove("copied"), 1200);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copies]");
    if (button) {
      const from = document.getElementById(button.dataset.copies);
      if (from) copy(button, from.value ?? from.textContent);
      return;
    }
    const id = event.target.closest("[data-copy]");
    if (id) copy(id, id.dataset.copy);
  });

  // Filters apply as soon as they are chosen; without this, their button does it.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto]");
    if (form) form.requestSubmit();
  });

  // Only what belongs to the choice is shown.
  const choose = () => {
    for (const part of document.querySelectorAll("[data-if]")) {
      const [name, ...values] = part.dataset.if.split(" ");
      const chosen = document.querySelector(`[name="${CSS.escape(name)}"]:checked`) ?? document.querySelector(`select[name="${CSS.escape(name)}"]`);
      part.hidden = !values.includes(chosen?.value ?? "");
    }
  };
  document.addEventListener("change", choose);
  choose();

  // Live parts are fetched again when something has happened, at most once a second.
  if (document.querySelector("[data-live]") && window.EventSource) {
    let waiting = false;
    const stream = new EventSource(`${base}/live`);
    const tell = () => {
      if (waiting) return;
      waiting = true;
      setTimeout(() => {
        waiting = false;
        document.body.dispatchEvent(new CustomEvent("live"));
      }, 400);
    };
    // What happened between the page and the stream, or while the stream was away, is told by none of its events.
    stream.onopen = tell;
    stream.onmessage = tell;
    // Events have types, and a listener for each: those of bots and accounts are what pages show.
    for (const kind of (document.body.dataset.kinds ?? "").split(" ").filter(Boolean)) stream.addEventListener(kind, tell);
    addEventListener("pagehide", () => stream.close());
  }
})();
