Reveal.initialize({
  width: 1280, height: 720, margin: 0, maxScale: 4, center: false, transition: "none",
  hash: true, slideNumber: "c/t", progress: true, navigationMode: "linear", pdfMaxPagesPerSlide: 1,
  plugins: [RevealNotes],
});

// A slider keeps its keys; those of a presenter's remote, PageUp and PageDown, turn the page; Escape leaves the slider.
// It is listened for on the way down (true): the explorer's own sliders let no key come up again.
for (const explorer of document.querySelectorAll(".explorer")) {
  explorer.setAttribute("data-prevent-swipe", "");
  explorer.addEventListener("keydown", event => {
    if (!event.target.matches("input, button, select")) return;
    const turn = {PageUp: () => Reveal.prev(), PageDown: () => Reveal.next()}[event.key];
    if (turn || event.key === "Escape") event.target.blur();
    if (turn) event.preventDefault();
    event.stopPropagation();
    turn?.();
  }, true);
}
Reveal.on("slidechanged", () => document.activeElement?.blur());

// From deck to deck, as from notebook to notebook.
for (const link of document.querySelectorAll('a[href$=".ipynb"]'))
  link.href = link.getAttribute("href").replace(/ipynb$/, "slides.html");
