// On a phone held upright the deck is read, slide after slide on one long page; reveal.js only keeps count there.
const narrow = matchMedia("(max-width: 600px)"), asked = /print-pdf|receiver/.test(location.search);
const reading = narrow.matches && !asked;
document.documentElement.classList.add("scripted", "print-pdf");        // the latter keeps reveal's own look of paper away
document.documentElement.classList.toggle("reading", reading);
if (!asked) narrow.addEventListener("change", () => location.reload());
const sections = [...document.querySelectorAll(".slides > section")];
const counted = sections.filter(section => !section.dataset.visibility).length;

// A cell that is shown in steps: after its first paragraph, formula or item, each waits for a key.
for (const cell of document.querySelectorAll(".tag-steps")) {
  const steps = [...cell.children].flatMap(part => part.matches("ul, ol") ? [...part.children] : [part]);
  steps.slice(1).forEach(step => step.classList.add("fragment"));
}

// With scripts nothing needs an address but the slide that is shown: the browser itself must not scroll to one.
if (!reading) document.querySelectorAll(".slide").forEach(slide => slide.removeAttribute("id"));

// After the pictures, whose sizes count.  #/5 is the slide numbered 5, but in the speaker's view, which counts from 0.
addEventListener("load", () => {
  Reveal.initialize({
    width: 1280, height: 720, margin: 0, maxScale: 4, center: false, transition: "none", scrollActivationWidth: null,
    hash: true, hashOneBasedIndex: !/receiver/.test(location.search), progress: true, navigationMode: "linear", pdfMaxPagesPerSlide: 1, pdfSeparateFragments: false,
    slideNumber: slide => {
      const place = sections.indexOf(slide) + 1;
      return place > counted ? [`A${place - counted}`] : [place, "/", counted];
    },
    plugins: [RevealNotes],
    ...(reading && {embedded: true, disableLayout: true, touch: false, keyboard: false, controls: false, viewDistance: 1000}),
  });
  Reveal.registerKeyboardShortcut("Ctrl + P", "Print, or save as PDF: a page a slide");
});

// Where one reads, the address follows what is read, and what is asked for comes into view.
if (reading) {
  let asking = true;
  const watch = new IntersectionObserver(entries => {
    const seen = entries.find(entry => entry.isIntersecting);
    if (seen && !asking) history.replaceState(null, "", `#/${sections.indexOf(seen.target) + 1}`);
  }, {rootMargin: "-45% 0px -45% 0px"});
  const show = event => {
    sections.forEach(section => { section.removeAttribute("aria-hidden"); section.removeAttribute("hidden"); });
    asking = true;
    event.currentSlide.scrollIntoView();
    setTimeout(() => asking = false, 300);
  };
  Reveal.on("ready", event => { show(event); sections.forEach(section => watch.observe(section)); });
  Reveal.on("slidechanged", show);
}

// Tab begins with what the slide has, not where one clicked or tabbed last; not in the small slides of a speaker's view.
function enter(slide) {
  if (reading) return;
  slide.tabIndex = -1;
  if (document.hasFocus()) slide.focus({preventScroll: true});
}
Reveal.on("slidechanged", event => enter(event.currentSlide));
Reveal.on("ready", event => {
  document.querySelector(".slide-number").inert = true;
  document.querySelectorAll(".controls button").forEach(button => button.tabIndex = -1);
  enter(event.currentSlide);
});

// What one plays with keeps the keys that move it, and a button those that press it.  The others do what they do in a
// slide show: the space bar, letters, PageUp and PageDown of a presenter's remote; Escape leaves it.
for (const element of document.querySelectorAll(".explorer, .playground")) {
  element.setAttribute("data-prevent-swipe", "");
  element.addEventListener("keydown", event => {
    event.stopPropagation();
    if (event.ctrlKey || event.altKey || event.metaKey || !/^(.|Page.*|Escape)$/.test(event.key)) return;
    if (event.key === " " && event.target.matches("button, select, input:not([type=range])")) return;
    event.preventDefault();
    enter(Reveal.getCurrentSlide());
    if (event.key !== "Escape") Reveal.triggerKey(event.keyCode);
  });
}

// From deck to deck, as from notebook to notebook.
for (const link of document.querySelectorAll('a[href$=".ipynb"]'))
  link.href = link.getAttribute("href").replace(/ipynb$/, "slides.html");
