Reveal.initialize({
  width: 1280, height: 720, margin: 0, maxScale: 4, center: false, transition: "none",
  hash: true, slideNumber: "c/t", progress: true, navigationMode: "linear", pdfMaxPagesPerSlide: 1,
  plugins: [RevealNotes],
});

// A slider keeps its keys; those of a presenter's remote, PageUp and PageDown, turn the page; Escape leaves the slider.
for (const explorer of document.querySelectorAll(".explorer")) {
  explorer.setAttribute("data-prevent-swipe", "");
  explorer.addEventListener("keydown", event => {
    if (!event.target.matches("input, button, select")) return;
    const remote = event.key === "PageUp" || event.key === "PageDown";
    if (remote || event.key === "Escape") event.target.blur();
    if (remote) event.preventDefault();
    else event.stopPropagation();
  });
}
Reveal.on("slidechanged", () => document.activeElement?.blur());
