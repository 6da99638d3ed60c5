"""A look at exported pages in Chromium, with the network cut.

    python -m tests.browser FILE.html OUTDIR [WIDTHxHEIGHT]      one PNG a slide; what goes beyond its slide is printed
    python -m tests.browser --notebook FILE.html OUTDIR          an ordinary HTML export, in pieces of 1280×1600
"""

import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]

# Complaints about the slide that is shown: elements beyond it, contents beyond their box, figures squeezed flat, an empty foot.
COMPLAINTS = """() => {
  const slide = Reveal.getCurrentSlide(), found = [];
  const box = (slide.querySelector(".slide") || slide).getBoundingClientRect(), scale = Reveal.getScale();
  const name = e => `<${e.localName} class="${e.getAttribute("class") || ""}"> ${e.textContent.trim().slice(0, 40)}`;
  for (const e of slide.querySelectorAll("*")) {
    const r = e.getBoundingClientRect();
    if (!r.width || !r.height || e.closest("aside")) continue;
    const beyond = Math.max(box.left - r.left, box.top - r.top, r.right - box.right, r.bottom - box.bottom);
    if (beyond > 1) found.push(`${Math.round(beyond / scale)} px beyond the slide: ${name(e)}`);
    if (e.matches(".slide, .cell, .fragment, pre") &&
        (e.scrollHeight > e.clientHeight + 2 || e.scrollWidth > e.clientWidth + 2))
      found.push(`contents larger than their box: ${name(e)}`);
    if (e.localName === "img" && r.height / scale < Math.min(120, e.naturalHeight))
      found.push(`only ${Math.round(r.height / scale)} px high: <img alt="${e.alt.slice(0, 40)}">`);
  }
  const ends = [...slide.querySelectorAll(".cell")].map(e => e.getBoundingClientRect().bottom);
  const empty = (box.bottom - Math.max(...ends)) / box.height;
  if (slide.querySelector("h2") && empty > .25) found.push(`${Math.round(100 * empty)} % of the slide are empty at its foot`);
  for (const e of slide.querySelectorAll("img"))
    if (e.getAttribute("src") && !e.naturalWidth) found.push(`not loaded: <img alt="${e.alt.slice(0, 40)}">`);
  return found;
}"""


def chromium():
    """The path of an installed Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def opened(path, size=(1280, 720), query=""):
    """A file in a browser without network: a pair (page, complaints).

    complaints: a list that grows while the page is used: requests other than for the file itself and
    data, errors on the console, exceptions.
    """
    from playwright.sync_api import sync_playwright
    url, complaints = Path(path).resolve().as_uri(), []

    def requested(request):
        if request.url.split("?")[0].split("#")[0] != url and not request.url.startswith(("data:", "blob:", "about:")):
            complaints.append(f"request: {request.url}")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = browser.new_context(viewport=dict(zip(("width", "height"), size)))
        context.set_offline(True)
        context.on("request", requested)
        page = context.new_page()
        page.on("console", lambda text: text.type == "error" and complaints.append(f"console: {text.text}"))
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.goto(url + query)
        try:
            yield page, complaints
        finally:
            browser.close()


def slides(page):
    """Go through the deck: for each slide, with its fragments shown, (number from 1, list of what does not fit)."""
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    for number in range(1, 1 + page.evaluate("Reveal.getTotalSlides()")):
        page.evaluate("""n => { const {h, v} = Reveal.getIndices(Reveal.getSlides()[n]); Reveal.slide(h, v);
                                while (Reveal.availableFragments().next) Reveal.nextFragment(); }""", number - 1)
        page.wait_for_timeout(250)                       # fragments fade in
        yield number, page.evaluate(COMPLAINTS)


def look(path, folder, size=(1280, 720)):
    """One PNG a slide into `folder`; returns everything that is wrong, as lines."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with opened(path, size) as (page, complaints):
        lines = []
        for number, found in slides(page):
            page.screenshot(path=folder / f"{number:02}.png")
            lines += [f"slide {number}: {line}" for line in found]
        return lines + complaints


def look_at_notebook(path, folder, size=(1280, 1600)):
    """A long page in pieces of `size` into `folder`; returns the complaints."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with opened(path, size) as (page, complaints):
        height = page.evaluate("document.documentElement.scrollHeight")
        for number, top in enumerate(range(0, height, size[1]), 1):
            clip = {"x": 0, "y": top, "width": size[0], "height": min(size[1], height - top)}
            page.screenshot(path=folder / f"{number:02}.png", full_page=True, clip=clip)
        return complaints


def main(arguments):
    if arguments[:1] == ["--notebook"] and len(arguments) == 3:
        lines = look_at_notebook(*arguments[1:])
    elif len(arguments) in (2, 3) and not arguments[0].startswith("-"):
        size = arguments[2] if len(arguments) == 3 else "1280x720"
        lines = look(*arguments[:2], tuple(map(int, size.lower().split("x"))))
    else:
        sys.exit(__doc__)
    print("\n".join(lines) or "nothing to complain about")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
