// The playground: a character, noise, pixels to click, and what the network and Bayes' rule make of it.  `element` is the
// page's element of class playground; autoenc/report/playground.py wrote its data, and network.js is above.

const settings = JSON.parse(element.dataset.playground);
const [height, width] = settings.shape, size = height * width;
const known = unpacked(settings.known), reconstruct = network(settings.network);
const characters = settings.labels.map((_, k) => Float32Array.from(known.subarray(k * size, (k + 1) * size)));
const SHOWN = 4;                                              // how many of the most probable characters

let [target] = unpacked(settings.character);                  // which character is clean; null if one draws freely
let draw = unpacked(settings.draw);                           // a random number for each pixel: below p it is flipped
let clicked = new Set();                                      // the pixels that were changed by hand since

// A new element with these properties and children.
function make(kind, properties = {}, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

// ---------------------------------------------------------------- The elements

// A picture of as many pixels as a character, `kind` each, with a name above and a word below.
function panel(name, kind) {
  const pixels = Array.from({length: size}, () => make(kind, {className: "pixel"}));
  const word = make("span", {className: "word"}), grid = make("div", {className: "grid"}, ...pixels);
  grid.style.setProperty("--columns", width);
  return {pixels, grid, word, box: make("figure", {className: "panel"}, make("figcaption", {textContent: name}), grid, word)};
}

const panels = {
  clean: panel("clean", "i"), noisy: panel("noisy: click it", "button"), network: panel("network", "i"),
  mean: panel("posterior mean", "i"), nearest: panel("nearest template", "i"),
};
panels.noisy.pixels.forEach((pixel, i) => {
  pixel.type = "button";
  pixel.setAttribute("aria-label", `row ${Math.floor(i / width) + 1}, column ${i % width + 1}`);
});

const slider = make("input", {type: "range", min: 0, max: 0.5, step: 0.002, value: settings.p});
const level = make("output"), again = make("button", {type: "button", className: "again", textContent: "Draw again"});
const clear = make("button", {type: "button", textContent: "Blank"});
const letters = make("select", {}, ...settings.labels.map((label, k) => make("option", {value: k, textContent: label})));
letters.setAttribute("aria-label", "the clean character");
const controls = make("div", {className: "knobs"},
  make("label", {}, "character", letters), make("label", {className: "level"}, "noise p", slider, level), again, clear);
const probable = make("div", {className: "probable"}), pictures = make("div", {className: "panels"});
pictures.append(...Object.values(panels).map(({box}) => box));
probable.setAttribute("role", "status");

// ---------------------------------------------------------------- What Bayes' rule says

// The posterior probability of each character, given what came: d of its pixels differ.
function posterior(input) {
  const p = Math.min(Math.max(Number(slider.value), 1e-3), 0.499);       // at 0 and 0.5 nothing or everything would follow
  const logs = characters.map(character => {
    const d = character.reduce((sum, value, i) => sum + (value !== input[i]), 0);
    return (size - d) * Math.log(1 - p) + d * Math.log(p);
  });
  const largest = Math.max(...logs), shares = logs.map(log => Math.exp(log - largest));
  const sum = shares.reduce((a, b) => a + b);
  return shares.map(share => share / sum);
}

// ---------------------------------------------------------------- Drawing

// Paint a picture; with a clean one to compare with, wrong pixels are marked and counted.
function paint({pixels, word}, values, clean) {
  let wrong = 0;
  pixels.forEach((pixel, i) => {
    const ink = Math.min(Math.max(values[i], 0), 1), differs = clean && (values[i] > 0.5) !== (clean[i] > 0.5);
    wrong += Boolean(differs);
    pixel.style.setProperty("--ink", `${100 * ink}%`);
    pixel.classList.toggle("extra", Boolean(differs && values[i] > 0.5));
    pixel.classList.toggle("missing", Boolean(differs && values[i] <= 0.5));
  });
  word.textContent = clean ? wrong ? `${wrong} wrong` : "all right" : "";
}

// Which of some numbers are the largest, in their order.
const largest = (values, count) => [...values.keys()].sort((a, b) => values[b] - values[a]).slice(0, count);

function update() {
  const p = Number(slider.value), clean = target === null ? null : characters[target];
  const input = Float32Array.from({length: size}, (_, i) => {
    const value = clean ? clean[i] : 0, flipped = clean !== null && draw[i] < p;
    return flipped !== clicked.has(i) ? 1 - value : value;
  });
  const belief = posterior(input), best = largest(belief, SHOWN), output = reconstruct(input);
  const mean = Array.from({length: size}, (_, i) => belief.reduce((sum, share, k) => sum + share * characters[k][i], 0));
  if (clean) paint(panels.clean, clean);
  panels.clean.box.style.visibility = clean ? "visible" : "hidden";
  paint(panels.noisy, input, clean);
  paint(panels.network, output, clean);
  paint(panels.mean, mean, clean);
  paint(panels.nearest, characters[best[0]], clean);
  panels.noisy.pixels.forEach((pixel, i) => pixel.setAttribute("aria-pressed", input[i] === 1));
  probable.replaceChildren("Most probable: ", ...best.map(k => {
    const share = make("span", {className: "share"}, make("b", {textContent: settings.labels[k]}), ` ${(100 * belief[k]).toFixed(0)} %`);
    share.style.setProperty("--share", `${100 * belief[k]}%`);
    return share;
  }));
  level.textContent = p.toFixed(2);
  slider.setAttribute("aria-valuetext", `${(100 * p).toFixed(0)} per cent of the pixels`);
  letters.value = target;
  element.dataset.p = p;
  element.input = input;
  element.output = output;
}

// ---------------------------------------------------------------- What one can do

const press = i => {
  if (!clicked.delete(i)) clicked.add(i);
  update();
};
panels.noisy.pixels.forEach((pixel, i) => pixel.addEventListener("click", () => press(i)));

function begin(character) {
  target = character;
  clicked = new Set();
  draw = Float32Array.from({length: size}, Math.random);
  update();
}

slider.addEventListener("input", update);
again.addEventListener("click", () => begin(target ?? Math.floor(Math.random() * characters.length)));
clear.addEventListener("click", () => begin(null));
letters.addEventListener("change", () => begin(Number(letters.value)));

// A slide show must take neither the keys that move a slider, nor what is swiped here.
element.addEventListener("keydown", event => {
  if (/^(Arrow.*|Home|End| |Enter)$/.test(event.key)) event.stopPropagation();
});
for (const kind of ["pointerdown", "touchstart", "touchmove"]) element.addEventListener(kind, event => event.stopPropagation());

element.querySelector("img").hidden = true;                   // the still picture, for where no script runs
element.append(make("div", {className: "board"}, pictures, probable, controls));
update();
