// The table of contents stands open where there is room for it, and says where one is.
const contents = document.querySelector(".contents details"), wide = matchMedia("(min-width: 1200px)");
const place = () => contents.open = wide.matches;
place();
wide.addEventListener("change", place);
contents.addEventListener("click", event => {
  if (event.target.closest("a") && !wide.matches) contents.open = false;
});
const lines = new Map([...contents.querySelectorAll("a")].map(link => [link.hash.slice(1), link]));
const watch = new IntersectionObserver(entries => entries.filter(entry => entry.isIntersecting).forEach(entry => {
  lines.forEach(link => link.removeAttribute("aria-current"));
  lines.get(entry.target.id)?.setAttribute("aria-current", "true");
}), {rootMargin: "0px 0px -70% 0px"});
document.querySelectorAll("main h2[id]").forEach(heading => watch.observe(heading));
