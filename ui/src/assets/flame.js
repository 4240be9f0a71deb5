// The flame graph: a click zooms in, another one opens the objects; what contains a text is highlighted.
"use strict";
(() => {
  const chart = document.querySelector("svg.flame");
  const detail = document.getElementById("flame-detail");
  const out = document.getElementById("zoom-out");
  const highlight = document.getElementById("highlight");
  const highlighted = document.getElementById("highlighted");
  if (!chart || !detail) return;
  const usual = detail.textContent;
  const blocks = [...chart.querySelectorAll("a.block")].map((link) => ({
    link,
    frame: link.querySelector("svg"),
    text: link.querySelector("text"),
    told: link.getAttribute("aria-label"),
    x: Number(link.dataset.x),
    width: Number(link.dataset.width),
    depth: Number(link.dataset.depth),
  }));
  let zoomed = blocks[0];

  // All blocks are placed anew as if the zoomed one had the whole width; what it hangs from stays above it.
  const zoom = (to) => {
    zoomed = to;
    const end = to.x + to.width;
    for (const block of blocks) {
      const above = block.depth <= to.depth && block.x <= to.x + 1e-6 && block.x + block.width >= end - 1e-6;
      const x = above ? 0 : (block.x - to.x) / to.width;
      const width = above ? 1 : block.width / to.width;
      const visible = above || (block.depth > to.depth && x > -1e-6 && x + width < 1 + 1e-6);
      block.link.toggleAttribute("hidden", !visible);
      block.link.classList.toggle("gone", !visible);
      block.frame.setAttribute("x", `${x * 100}%`);
      block.frame.setAttribute("width", `${width * 100}%`);
      if (!block.text && visible && width > 0.004) {
        block.text = document.createElementNS("http://www.w3.org/2000/svg", "text");
        block.text.setAttribute("x", "5");
        block.text.setAttribute("y", "15");
        block.text.textContent = block.told.split(",")[0];
        block.frame.append(block.text);
      }
    }
    out.disabled = to === blocks[0];
  };

  for (const block of blocks) {
    block.link.addEventListener("click", (event) => {
      if (event.shiftKey || block === zoomed) {
        if (event.shiftKey && block.link.hasAttribute("href")) {
          event.preventDefault();
          location.assign(block.link.href.baseVal);
        }
        return;
      }
      event.preventDefault();
      zoom(block);
    });
    for (const name of ["mouseenter", "focus"]) block.link.addEventListener(name, () => (detail.textContent = block.told));
  }
  chart.addEventListener("mouseleave", () => (detail.textContent = usual));
  out.addEventListener("click", () => zoom(blocks[0]));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && zoomed !== blocks[0]) zoom(blocks[0]);
  });

  highlight.addEventListener("input", () => {
    const wanted = highlight.value.toLowerCase();
    let found = 0;
    for (const block of blocks) {
      const fits = wanted !== "" && block.told.toLowerCase().includes(wanted);
      block.link.classList.toggle("found", fits);
      found += fits ? 1 : 0;
    }
    chart.classList.toggle("searching", wanted !== "");
    highlighted.textContent = wanted === "" ? "" : `${found} blocks`;
  });
})();
