// Fill what a slide leaves free: larger code and tables, then larger text, then wider distances, each as long as all
// stays on the slide, no picture gets smaller and no line breaks badly.  Titles stay in their place.
function fill(slide) {
  slide.classList.add("measured");                      // shows it, not yet scaled
  const height = block => block.getBoundingClientRect().height;
  const all = (selector, measure) => [...slide.querySelectorAll(selector)].map(measure);
  const em = block => height(block) / parseFloat(getComputedStyle(block).fontSize);
  const free = () => slide.getBoundingClientRect().bottom - Math.max(...[...slide.children]
    .filter(cell => cell.localName !== "aside").map(cell => cell.getBoundingClientRect().bottom));
  const pictures = () => all("img", height);
  const blocks = () => all("pre, .claim, .cell.code table:has(td:nth-child(3))", em);
  const texts = () => all("p, li, .markdown td", block => {     // its lines, and how much of the last one is filled
    const range = document.createRange(), {left, width} = block.getBoundingClientRect();
    range.selectNodeContents(block);
    const {bottom, height} = range.getBoundingClientRect();
    const last = [...range.getClientRects()].filter(box => box.bottom > bottom - 10).map(box => box.right - left);
    return {lines: height / parseFloat(getComputedStyle(block).fontSize), last: Math.max(0, ...last) / width};
  });
  const wide = () => all("pre, table, math", block =>
    block.getBoundingClientRect().width > block.closest(".cell").clientWidth + 1).includes(true);
  const before = {pictures: pictures(), blocks: blocks(), texts: texts()};
  const good = room => free() >= room && !wide() && pictures().every((size, k) => size >= before.pictures[k]) &&
    texts().every(({lines, last}, k) =>
      lines <= before.texts[k].lines + .3 || before.texts[k].lines > 2.2 && last > .25);
  const grow = (name, factors, fits) => slide.style.setProperty(name, factors.find(factor => {
    slide.style.setProperty(name, factor);
    return fits();
  }) || 1);
  grow("--code", [1.25, 1.2, 1.15, 1.1, 1.05], () => good(44) && blocks().every((size, k) => size <= before.blocks[k] * 1.02));
  grow("--text", [1.2, 1.15, 1.1, 1.05], () => good(44));
  grow("--air", [3.4, 3, 2.6, 2.4, 2.2, 2, 1.8, 1.6, 1.4, 1.2], () => good(60));
  slide.classList.remove("measured");
}

// After the pictures, whose sizes count.
addEventListener("load", () => {
  document.querySelectorAll(".slide:has(h2):not(:has(.explorer))").forEach(fill);
  Reveal.initialize({
    width: 1280, height: 720, margin: 0, maxScale: 4, center: false, transition: "none",
    hash: true, slideNumber: "c/t", progress: true, navigationMode: "linear", pdfMaxPagesPerSlide: 1,
    plugins: [RevealNotes],
  });
});

// Formulas: names of functions keep a distance, and "p = 0.2" stays together even if only p was written as a formula.
for (const name of document.querySelectorAll("mi"))
  name.classList.toggle("word", /^[a-z]{2,}$/.test(name.textContent));
for (const formula of document.querySelectorAll("p > math, li > math")) {
  const text = formula.nextSibling, value = text?.data?.match(/^ = [0-9.]*[0-9]/);
  if (!value) continue;
  text.splitText(value[0].length);
  const span = Object.assign(document.createElement("span"), {style: "white-space: nowrap"});
  formula.replaceWith(span);
  span.append(formula, text);
}

// Tab begins with what the slide has, not where one clicked or tabbed last; not in the small slides of a speaker's view.
function enter(slide) {
  slide.tabIndex = -1;
  if (document.hasFocus()) slide.focus({preventScroll: true});
}
Reveal.on("slidechanged", event => enter(event.currentSlide));
Reveal.on("ready", event => {
  document.querySelector(".slide-number").inert = true;
  document.querySelectorAll(".controls button").forEach(button => button.tabIndex = -1);
  enter(event.currentSlide);
});

// A slider keeps the keys that move it.  Those that do something in a slide show, the space bar, letters, PageUp and
// PageDown of a presenter's remote, still do it; Escape leaves the slider.  It is listened for on the way down (true):
// the explorer's own sliders let no key come up again.
for (const explorer of document.querySelectorAll(".explorer")) {
  explorer.setAttribute("data-prevent-swipe", "");
  explorer.addEventListener("keydown", event => {
    event.stopPropagation();
    if (event.ctrlKey || event.altKey || event.metaKey || !/^(.|Page.*|Escape)$/.test(event.key)) return;
    event.preventDefault();
    enter(Reveal.getCurrentSlide());
    if (event.key !== "Escape") Reveal.triggerKey(event.keyCode);
  }, true);
}

// From deck to deck, as from notebook to notebook.
for (const link of document.querySelectorAll('a[href$=".ipynb"]'))
  link.href = link.getAttribute("href").replace(/ipynb$/, "slides.html");
