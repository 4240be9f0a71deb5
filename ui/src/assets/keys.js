// The keyboard: `/` searches, arrows move among rows and pages, Enter opens, `?` tells all of it.
"use strict";
(() => {
  const search = document.getElementById("search");
  const keys = document.getElementById("keys");
  const rows = () => [...document.querySelectorAll("main tbody tr")].filter((row) => row.querySelector("a"));
  const isTyping = (target) => target instanceof HTMLInputElement;

  const move = (by) => {
    const all = rows();
    if (all.length === 0) return;
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
    const link = all[next].querySelector("a");
    link.focus();
    all[next].scrollIntoView({ block: "nearest" });
  };

  const follow = (rel) => {
    const link = document.querySelector(`.pager a[rel="${rel}"]`);
    if (link) location.assign(link.href);
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || keys.open) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const does = {
      "/": () => search.select(),
      "?": () => keys.showModal(),
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      ArrowLeft: () => follow("prev"),
      ArrowRight: () => follow("next"),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    if (event.key === "/") search.focus();
    does();
  });
})();
