"""A look at exported slides and pages in Chromium, with the network cut.

    python -m tests.browser FILE.html OUTDIR [WIDTHxHEIGHT] [--lit]

One PNG a slide, or, of a page and of slides on a phone, one for each screenful; what a reader would stumble over is printed.
With --lit the PNGs are what a projector shows in a lit room (see `in_a_lit_room`).
"""

import shutil
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]

AMBIENT = 0.15          # the room's light on a screen, as a share of the projector's white: a bright room, blinds half drawn


def in_a_lit_room(colours):
    """Colours (..., 3), sRGB in [0, 1], as a projector shows them on a screen on which the room's lamps shine, too.

    In linear light the screen returns c + AMBIENT, where the projector's white has 1; the eye takes the brightest for
    white, so that it sees (c + AMBIENT) / (1 + AMBIENT).  Black becomes a grey, and the contrast of black on white, as
    the WCAG measure it, falls from 21 to 5.8; 4.5 becomes 3.1, the least at which words are still read with ease.
    """
    colours = np.asarray(colours, dtype=float)
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    linear = (linear + AMBIENT) / (1 + AMBIENT)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


# What both checks below need.  `scale`: screen pixels of a slide's pixel; letters are measured in slide pixels.
COMMON = """
  const name = e => `<${e.localName} class="${e.getAttribute("class") || ""}"> ${(e.alt || e.textContent).trim().slice(0, 40)}`;
  const shown = e => { const r = e.getBoundingClientRect(); return r.width && r.height && getComputedStyle(e).visibility !== "hidden" &&
    !e.closest("aside, script, style, details:not([open]) > :not(summary), .skip"); };
  const light = color => {
    const [r, g, b] = color.map(part => part / 255).map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const channels = color => (color.match(/[\\d.]+/g) || []).map(Number);
  const ground = e => {                        // the colour of the nearest box behind that is not transparent
    for (; e; e = e.parentElement) {
      const color = channels(getComputedStyle(e).backgroundColor);
      if (color.length && color[3] !== 0) return color.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const texts = (root, scale, ambient) => {    // words too small or too pale, also where a room's light falls on the screen
    const found = [], walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const seen = new Set();
    while (walker.nextNode()) {
      const e = walker.currentNode.parentElement;
      if (seen.has(e) || !walker.currentNode.data.trim() || !shown(e)) continue;
      seen.add(e);
      const style = getComputedStyle(e), size = parseFloat(style.fontSize) * scale;
      if (size < 15.9 && !e.closest("math, sup, sub")) found.push(`letters of ${size.toFixed(1)} px: ${name(e)}`);
      const [a, b] = [light(channels(style.color).slice(0, 3)), light(ground(e))].sort((a, b) => b - a);
      const contrast = extra => (a + extra + .05 * (1 + extra)) / (b + extra + .05 * (1 + extra));
      if (contrast(0) < (size >= 24 ? 3 : 4.5)) found.push(`contrast ${contrast(0).toFixed(1)}: ${name(e)}`);
      if (ambient && contrast(ambient) < 3) found.push(`contrast ${contrast(ambient).toFixed(1)} in a lit room: ${name(e)}`);
    }
    return found;
  };
  const pictures = root => [...root.querySelectorAll("img")].flatMap(e => [
    ...(e.getAttribute("src") && e.complete && !e.naturalWidth ? [`not loaded: ${name(e)}`] : []),
    ...(e.getAttribute("alt") && !e.alt.startsWith("No description") ? [] : [`without a description: <img class="${e.className}">`])]);
  const overlaps = root => {                   // blocks that cover each other
    const blocks = [...root.querySelectorAll("h1, h2, h3, p, li, pre, table, img, math[display=block], .explorer, .playground, summary")]
      .filter(shown).filter(e => !e.parentElement.closest("li, table, pre, .explorer, .playground, p"));
    const boxes = blocks.map(e => e.getBoundingClientRect()), found = [];
    boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b, j) => {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left), high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      const other = blocks[i + 1 + j];
      if (wide > 3 && high > 6 && !blocks[i].contains(other)) found.push(`covers something: ${name(blocks[i])} and ${name(other)}`);
    }));
    return found;
  };
"""

# Complaints about the slide that is shown, one line each.
SLIDE = "() => {" + COMMON + """
  const slide = Reveal.getCurrentSlide(), scale = Reveal.getScale(), found = [];
  const box = (slide.querySelector(".slide") || slide).getBoundingClientRect();
  for (const e of slide.querySelectorAll("*")) {
    const r = e.getBoundingClientRect();
    if (!r.width || !r.height || e.closest("aside, math")) continue;
    const beyond = Math.max(box.left - r.left, box.top - r.top, r.right - box.right, r.bottom - box.bottom);
    if (beyond > 1) found.push(`${Math.round(beyond / scale)} px beyond the slide: ${name(e)}`);
    const slack = e.querySelector("math") ? 12 : 2;             // the boxes of formulas are taller than their ink
    if (e.matches(".slide, .body, .columns, .left, .right, .cell, .fragment, pre") &&
        (e.scrollHeight > e.clientHeight + slack || e.scrollWidth > e.clientWidth + 2))
      found.push(`contents larger than their box: ${name(e)}`);
    const size = Math.min(r.width, r.height * e.naturalWidth / e.naturalHeight) / scale / e.getAttribute("width");
    if (e.localName === "img" && e.getAttribute("width") && size < .99) found.push(`shrunk to ${Math.round(100 * size)} %: ${name(e)}`);
  }
  const ends = [...slide.querySelectorAll(".cell")].filter(shown).map(e => e.getBoundingClientRect().bottom);
  const empty = (box.bottom - Math.max(...ends)) / box.height;
  if (slide.querySelector("h2") && !slide.querySelector(".appendix") && empty > .45) found.push(`${Math.round(100 * empty)} % of the slide are empty at its foot`);
  return [...found, ...texts(slide, 1, AMBIENT), ...pictures(slide), ...overlaps(slide)];
}""".replace("AMBIENT", str(AMBIENT))

# Complaints about a page.
PAGE = "() => {" + COMMON + """
  const found = [], width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) found.push(`${document.documentElement.scrollWidth} px wide, on a screen of ${width}`);
  const scrolls = e => e && (["auto", "scroll"].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  for (const e of document.body.querySelectorAll("*")) {
    const r = e.getBoundingClientRect();
    if (shown(e) && r.right > width + 1 && !scrolls(e) && !e.closest("math")) found.push(`${Math.round(r.right - width)} px beyond the screen: ${name(e)}`);
  }
  return [...found, ...texts(document.body, 1, 0), ...pictures(document.body), ...overlaps(document.body)];
}"""


def chromium():
    """The path of an installed Chromium or Chrome, or of the one that playwright has fetched; or None."""
    installed = map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"))
    return next(filter(None, installed), None) or _playwrights_own()


@cache
def _playwrights_own():
    """The path of the Chromium that `playwright install chromium` has fetched, or None."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


@contextmanager
def opened(path, size=(1280, 720), query="", **options):
    """A file in a browser without network: a pair (page, complaints).

    complaints: a list that grows while the page is used: requests other than for the file itself and
    data, errors on the console, exceptions.  options: of the browser's context, as color_scheme="dark".
    """
    from playwright.sync_api import sync_playwright
    url, complaints = Path(path).resolve().as_uri(), []

    def requested(request):
        if request.url.split("?")[0].split("#")[0] != url and not request.url.startswith(("data:", "blob:", "about:")):
            complaints.append(f"request: {request.url}")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        context = browser.new_context(viewport=dict(zip(("width", "height"), size, strict=True)), **options)
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
    """Go through the deck: for each slide, with its fragments shown, (number from 1, list of what one stumbles over)."""
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    for number in range(page.locator(".slides > section").count()):
        page.evaluate("n => { Reveal.slide(n); while (Reveal.availableFragments().next) Reveal.nextFragment(); }", number)
        page.wait_for_timeout(250)                       # fragments fade in
        yield number + 1, page.evaluate(SLIDE)


def screens(page):
    """Go down a long page, screenful by screenful: yields the number of each, from 1."""
    height = page.evaluate("document.documentElement.scrollHeight")
    step = page.viewport_size["height"]
    for number, top in enumerate(range(0, height, step), 1):
        page.evaluate("top => scrollTo({top, behavior: 'instant'})", top)
        page.wait_for_timeout(100)
        yield number


def look(path, folder, size=(1280, 720), lit=False):
    """One PNG a slide, or a screenful, into `folder`, as seen in a lit room or not; returns what is wrong, as lines."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lines = []

    def photograph(page, number):
        file = folder / f"{number:02}.png"
        page.screenshot(path=file)
        if lit:
            from PIL import Image
            seen = in_a_lit_room(np.asarray(Image.open(file).convert("RGB")) / 255)
            Image.fromarray(np.uint8(np.round(255 * seen))).save(file)

    with opened(path, size) as (page, complaints):
        if page.evaluate("!!window.Reveal && !document.documentElement.classList.contains('reading')"):
            for number, found in slides(page):
                photograph(page, number)
                lines += [f"slide {number}: {line}" for line in found]
        else:
            page.wait_for_timeout(500)
            lines += page.evaluate(PAGE)
            for number in screens(page):
                photograph(page, number)
        return lines + complaints


def main(arguments):
    lit = "--lit" in arguments
    given = [argument for argument in arguments if argument != "--lit"]
    if len(given) not in (2, 3) or given[0].startswith("-"):
        sys.exit(__doc__)
    size = given[2] if len(given) == 3 else "1280x720"
    lines = look(*given[:2], tuple(map(int, size.lower().split("x"))), lit)
    print("\n".join(lines) or "nothing to complain about")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
