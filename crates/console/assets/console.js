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

  // Live parts are fetched again when something has happened, at most once a second. Where that fails, the page says so: what
  // it shows may be of an hour ago.
  if (document.querySelector("[data-live]")) {
    const away = { parts: false, stream: false };
    const show = () => {
      const stale = document.getElementById("stale");
      const words = away.parts || away.stream ? "This page is not up to date: the server does not answer. It goes on by itself as soon as the server does." : "";
      if (stale && stale.textContent !== words) stale.textContent = words;
    };
    const is = (what, isAway) => { away[what] = isAway; show(); };
    for (const failed of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
      document.body.addEventListener(failed, () => is("parts", true));
    }
    document.body.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) is("parts", false); });

    let waiting = false;
    const tell = () => {
      if (waiting) return;
      waiting = true;
      setTimeout(() => {
        waiting = false;
        document.body.dispatchEvent(new CustomEvent("live"));
      }, 400);
    };
    let stream = null;
    const follow = () => {
      stream = new EventSource(`${base}/live`);
      // What happened between the page and the stream, or while the stream was away, is told by none of its events.
      stream.onopen = () => { is("stream", false); tell(); };
      stream.onmessage = tell;
      stream.onerror = () => {
        // A stream that only begins anew is back within seconds. After a refusal it does not begin anew by itself.
        const lost = stream;
        setTimeout(() => { if (lost === stream && lost.readyState !== EventSource.OPEN) is("stream", true); }, 4000);
        if (lost.readyState === EventSource.CLOSED) setTimeout(() => { if (lost === stream) follow(); }, 10000);
      };
      // Events have types, and a listener for each: those of bots and accounts are what pages show.
      for (const kind of (document.body.dataset.kinds ?? "").split(" ").filter(Boolean)) stream.addEventListener(kind, tell);
    };
    if (window.EventSource) follow();
    addEventListener("pagehide", () => { const left = stream; stream = null; left?.close(); });
  }
})();
