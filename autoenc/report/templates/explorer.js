// The explorer: a map of the latent plane, a cross that follows the pointer, two sliders, and what the network decodes
// where the cross is.  `element` is the page's element of class explorer; autoenc/report/explorer.py wrote its data, and
// network.js is above.

const settings = JSON.parse(element.dataset.explorer);
const [height, width] = settings.shape;                       // of a picture, in pixels
const start = [...unpacked(settings.start)];                  // the code at which it begins
const known = settings.known && unpacked(settings.known);     // the pixels of the known characters, one after the other
const classes = settings.classes && unpacked(settings.classes);         // or of each code the number of its class
const versions = settings.networks.map(version => ({
  name: version.name,
  decode: network(version.decoder),
  codes: unpacked(version.codes),                             // z₁ and z₂ of the first picture, of the second, ...
  deviations: version.deviations && unpacked(version.deviations),
}));

const INK = [20, 33, 61], PAPER = [255, 255, 255], BETWEEN = [240, 240, 237], NEW = [230, 159, 0];
const EXTRA = [213, 94, 0], MISSING = [219, 116, 51];          // wrong pixels: ink too much, ink that is missing
const TINTS = [[166, 207, 232], [180, 222, 195], [229, 198, 220], [185, 188, 230], [247, 228, 155]];
const POSITIVE = [0, 114, 178], NEGATIVE = [204, 121, 167];   // activations
const DIRECTIONS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1]};
const POSITIONS = 1000;                                       // of a slider
const TILE = 52;                                              // how many pixels a picture on the map takes

const colour = ([red, green, blue]) => `rgb(${red}, ${green}, ${blue})`;
const text = value => value.toFixed(2).replace("-", "−");
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const clamped = (value, low = 0, high = 1) => Math.min(Math.max(value, low), high);

// ---------------------------------------------------------------- The plane's two axes

// The share of a standard normal distribution below z (Abramowitz and Stegun, 7.1.26).
function cumulative(z) {
  const x = Math.abs(z) / Math.SQRT2, t = 1 / (1 + 0.3275911 * x);
  const polynomial = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = polynomial * Math.exp(-x * x) / 2;
  return z < 0 ? tail : 1 - tail;
}

// The z below which that share is: the interval that holds it is halved again and again.
function quantile(share) {
  let low = -9, high = 9;
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (cumulative(middle) < share) low = middle; else high = middle;
  }
  return (low + high) / 2;
}

const SCALES = {
  linear: {forth: z => z, back: t => t},
  arsinh: {forth: Math.asinh, back: Math.sinh},               // like a logarithm on both sides of the centre
  normal: {forth: cumulative, back: quantile},                // equal steps are equal shares of the prior
};

// An axis: from a code's number to its `place` on the map, from 0 to 1, and back to the `code`.
function axis([centre, unit, low, high]) {
  const {forth, back} = SCALES[settings.scale];
  const first = forth((low - centre) / unit), last = forth((high - centre) / unit);
  return {
    low, high,
    digits: clamped(4 - Math.floor(Math.log10(high - low)), 4, 20),       // that a code is rounded to
    place: code => (forth((code - centre) / unit) - first) / (last - first),
    code: place => centre + unit * back(first + place * (last - first)),
  };
}

const limits = unpacked(settings.limits);
const axes = [axis(limits.slice(0, 4)), axis(limits.slice(4))];

// ---------------------------------------------------------------- The elements

// A new element with these properties and children.
function make(kind, properties = {}, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

const canvas = make("canvas"), ellipses = document.createElementNS("http://www.w3.org/2000/svg", "svg");
const backdrop = make("canvas", {className: "backdrop"}), names = make("div", {className: "names"});
const upright = make("i", {className: "upright"}), level = make("i", {className: "level"}), ring = make("i", {className: "ring"});
const map = make("div", {className: "map", tabIndex: 0}, backdrop, canvas, ellipses, names, upright, level, ring);
map.setAttribute("role", "application");
map.setAttribute("aria-label", `${settings.alt} The arrow keys move the cross.`);
const ticks = [make("div", {className: "ticks across"}), make("div", {className: "ticks up"})];

const picture = make("canvas", {className: "picture", width, height});
picture.style.aspectRatio = `${width} / ${height}`;
picture.style.setProperty("--ratio", width / height);
picture.setAttribute("role", "img");
const verdict = make("b"), detail = make("span"), place = make("span", {className: "place"});
const readout = make("div", {className: "readout"}, verdict, detail, place);
readout.setAttribute("role", "status");

const neurons = make("canvas", {className: "neurons"});      // the hidden layers between the code and the picture
neurons.setAttribute("role", "img");
neurons.setAttribute("aria-label", "The hidden neurons: blue is positive, pink negative.");
const between = make("span", {className: "between"});

const sliders = axes.map(() => make("input", {type: "range", min: 0, max: POSITIONS, step: 1}));
const rows = sliders.map((slider, k) => make("div", {className: "row"}, make("label", {}, `z${"₁₂"[k]}`, slider)));
const controls = make("div", {className: "knobs"}, ...rows);
const side = make("div", {className: "side"}, ...(settings.neurons ? [neurons, between] : []), picture, readout);
const board = make("div", {className: "board"}, map, ...ticks, controls, side);

// ---------------------------------------------------------------- What a decoded picture is

// The nearest known character, how many pixels differ from it, and whether the picture is new: far enough from all of
// them, and every pixel surely black or white.
function compared(output) {
  let nearest = 0, distance = Infinity;
  for (let k = 0; k < settings.labels.length; k++) {
    let differ = 0;
    for (let i = 0; i < output.length; i++) differ += (output[i] > 0.5) !== (known[k * output.length + i] > 0);
    if (differ < distance) [nearest, distance] = [k, differ];
  }
  const isNew = distance >= settings.new.pixels && output.every(value => Math.abs(value - 0.5) > settings.new.sure);
  return {nearest, distance, isNew};
}

// Which codes are the `count` nearest to z.
function neighbours(z, count) {
  const {codes} = shown, away = k => (codes[2 * k] - z[0]) ** 2 + (codes[2 * k + 1] - z[1]) ** 2;
  const distances = Array.from({length: codes.length / 2}, (_, k) => [away(k), k]);
  return distances.sort((a, b) => a[0] - b[0]).slice(0, count).map(([, k]) => k);
}

// The class of most of the codes that are nearest to z, how many they are, and of how many.
function classNear(z, count = 25) {
  const near = neighbours(z, count), counts = settings.names.map((_, kind) => near.filter(k => classes[k] === kind).length);
  const most = counts.indexOf(Math.max(...counts));
  return {most, share: counts[most], count: near.length};
}

// Say beside the picture what it is.
function describe(output) {
  if (known) {
    const {nearest, distance, isNew} = compared(output), label = settings.labels[nearest];
    element.dataset.kind = isNew ? "new" : distance === 0 ? "known" : "between";
    verdict.textContent = isNew ? "NEW" : distance === 0 ? label : distance <= 2 ? `near ${label}` : "unclear";
    detail.textContent = distance === 0 ? "a known character" : `${plural(distance, "pixel")} from ${label}`;
  } else {
    const {most, share, count} = classNear(z);
    element.dataset.kind = "class";
    verdict.textContent = settings.names[most];
    detail.textContent = `${share} of ${count} nearest codes`;
  }
}

// ---------------------------------------------------------------- The map of characters

// Where the codes are on the map, in pixels of the canvas.
function codePlaces() {
  return Array.from({length: shown.codes.length / 2}, (_, k) =>
    [axes[0].place(shown.codes[2 * k]) * canvas.width, (1 - axes[1].place(shown.codes[2 * k + 1])) * canvas.height]);
}

// The tints of the characters' cells, which go round the centre, so that neighbours get different ones.
function tintsOfCells() {
  const angles = codePlaces().map(([x, y]) => Math.atan2(canvas.height / 2 - y, x - canvas.width / 2));
  const order = [...angles.keys()].sort((a, b) => angles[a] - angles[b]), tints = [];
  order.forEach((k, rank) => tints[k] = TINTS[rank % TINTS.length]);
  return tints;
}

// The colour of a place: that of a character's cell, paler where one pixel is wrong; that of what is new, or of neither.
function cellColour(decode, tints, across, up) {
  const {nearest, distance, isNew} = compared(decode([axes[0].code(across), axes[1].code(up)]));
  if (isNew) return NEW;
  if (distance > 1) return BETWEEN;
  return tints[nearest].map((value, k) => distance ? (value + BETWEEN[k]) / 2 : value);
}

let drawing = 0;                                              // which drawing of the plane is the present one

// Draw the cells in squares of so many pixels, first large ones, then smaller ones; a little at a time, for the pointer
// must not wait.
function drawCells(sizes) {
  const mine = ++drawing, {decode} = shown, tints = tintsOfCells(), {width, height} = canvas;
  const layer = make("canvas", {width, height}), paint = layer.getContext("2d");
  let top = 0;
  function continued() {
    if (mine !== drawing) return;                             // another drawing has begun
    const size = sizes[0], until = performance.now() + 8;
    for (; top < height && performance.now() < until; top += size)
      for (let left = 0; left < width; left += size) {
        paint.fillStyle = colour(cellColour(decode, tints, (left + size / 2) / width, 1 - (top + size / 2) / height));
        paint.fillRect(left, top, size, size);
      }
    if (top >= height) {
      canvas.getContext("2d").drawImage(layer, 0, 0);
      drawThumbnails();
      sizes = sizes.slice(1);
      top = 0;
    }
    if (sizes.length) setTimeout(continued);
  }
  continued();
}

// Every known character at its code; where they would cover each other they give way, and a line leads to the code.
function drawThumbnails() {
  const context = canvas.getContext("2d"), ratio = canvas.width / map.clientWidth, codes = codePlaces();
  const pixel = Math.max(2, Math.round(map.clientWidth / 160)) * ratio, w = (width + 2) * pixel, h = (height + 2) * pixel;
  const boxes = apart(codes, w + ratio, h + ratio);
  context.lineWidth = ratio;
  context.strokeStyle = colour(INK);
  boxes.forEach((box, k) => {
    context.beginPath();
    context.moveTo(...box);
    context.lineTo(...codes[k]);
    context.stroke();
  });
  boxes.forEach(([x, y], k) => {
    const left = Math.round(x - w / 2), top = Math.round(y - h / 2);
    context.fillStyle = colour(PAPER);
    context.fillRect(left, top, w, h);
    context.strokeRect(left + ratio / 2, top + ratio / 2, w - ratio, h - ratio);
    context.fillStyle = colour(INK);
    for (let i = 0; i < width * height; i++)
      if (known[k * width * height + i])
        context.fillRect(left + (i % width + 1) * pixel, top + (Math.floor(i / width) + 1) * pixel, pixel, pixel);
  });
}

// Places for boxes of w × h, on the map, near where they want to be: any two that overlap are pushed apart, again and again.
function apart(wanted, w, h) {
  const places = wanted.map(place => [...place]);
  for (let round = 0, moved = true; round < 200 && moved; round++) {
    moved = false;
    for (let a = 0; a < places.length; a++) for (let b = 0; b < a; b++) {
      const away = [0, 1].map(k => places[a][k] - places[b][k]);
      const overlap = [w - Math.abs(away[0]), h - Math.abs(away[1])], k = overlap[0] < overlap[1] ? 0 : 1;
      if (overlap[k] <= 0) continue;
      const push = overlap[k] / 2 * (away[k] < 0 ? -1 : 1);
      places[a][k] += push;
      places[b][k] -= push;
      moved = true;
    }
    for (const place of places) {
      place[0] = clamped(place[0], w / 2, canvas.width - w / 2);
      place[1] = clamped(place[1], h / 2, canvas.height - h / 2);
    }
  }
  return places;
}

// ---------------------------------------------------------------- The map of classes

// Behind the codes, pale, what is decoded all over the plane, in the colour of the class near there; one picture at a
// time, the middle of the map first, for the pointer must not wait.
function drawBackdrop() {
  const mine = ++drawing, {decode} = shown, context = backdrop.getContext("2d");
  const columns = Math.max(1, Math.round(map.clientWidth / TILE)), rows = Math.max(1, Math.round(map.clientHeight / TILE));
  Object.assign(backdrop, {width: columns * width, height: rows * height});
  const tiles = Array.from({length: columns * rows}, (_, k) => [k % columns, Math.floor(k / columns)]);
  const away = ([column, row]) => Math.hypot(column - (columns - 1) / 2, row - (rows - 1) / 2);
  tiles.sort((a, b) => away(a) - away(b));
  function next() {
    if (mine !== drawing || !tiles.length) return;
    const [column, row] = tiles.shift();
    const place = [axes[0].code((column + 0.5) / columns), axes[1].code(1 - (row + 0.5) / rows)];
    const ink = settings.colours[classNear(place).most].match(/[^#]{2}/g).map(digits => parseInt(digits, 16));
    context.putImageData(inked(decode(place), ink), column * width, row * height);
    setTimeout(next, 4);
  }
  next();
}

// Every code as a dot in the colour of its class.
function drawDots() {
  const context = canvas.getContext("2d"), ratio = canvas.width / map.clientWidth;
  context.globalAlpha = 0.65;
  codePlaces().forEach(([x, y], k) => {
    context.fillStyle = settings.colours[classes[k]];
    context.beginPath();
    context.arc(x, y, 2.6 * ratio, 0, 2 * Math.PI);
    context.fill();
  });
}

const median = values => values.sort((a, b) => a - b)[values.length >> 1];

// The classes' names, each at the median of its codes; they give way to each other.
function drawNames() {
  const places = codePlaces(), ratio = canvas.width / map.clientWidth;
  const labels = settings.names.map((name, kind) => {
    const label = make("span", {textContent: name});
    label.style.setProperty("--colour", settings.colours[kind]);
    return label;
  });
  names.replaceChildren(...labels);
  const medians = settings.names.map((_, kind) => {
    const own = places.filter((_, k) => classes[k] === kind);
    return [median(own.map(([x]) => x)), median(own.map(([, y]) => y))];
  });
  const widest = Math.max(...labels.map(label => label.offsetWidth));
  apart(medians, widest * ratio, labels[0].offsetHeight * ratio).forEach(([x, y], kind) =>
    Object.assign(labels[kind].style, {left: `${x / ratio}px`, top: `${y / ratio}px`}));
}

// The approximate posteriors q(z given x) of the pictures whose codes are near: ellipses of one standard deviation.
function drawEllipses() {
  const {codes, deviations} = shown, angles = Array.from({length: 40}, (_, k) => 2 * Math.PI * k / 40);
  ellipses.setAttribute("viewBox", "0 0 1000 1000");
  ellipses.setAttribute("preserveAspectRatio", "none");
  ellipses.replaceChildren(...neighbours(z, 8).map(k => {
    const points = angles.map(angle => {
      const x = codes[2 * k] + deviations[2 * k] * Math.cos(angle), y = codes[2 * k + 1] + deviations[2 * k + 1] * Math.sin(angle);
      return `${1000 * axes[0].place(x)},${1000 * (1 - axes[1].place(y))}`;
    });
    const ellipse = document.createElementNS(ellipses.namespaceURI, "polygon");
    ellipse.setAttribute("points", points.join(" "));
    ellipse.style.stroke = settings.colours[classes[k]];
    return ellipse;
  }));
}

// ---------------------------------------------------------------- The numbers along the map

// Round numbers on an axis, the most important first.
function roundNumbers({low, high}) {
  if (settings.scale !== "linear") return [0, ...[1, 10, 100, 0.1, 3, 30, 2, 20, 5, 50].flatMap(value => [value, -value])];
  const fifth = (high - low) / 5, power = 10 ** Math.floor(Math.log10(fifth));
  const step = [1, 2, 5, 10].find(factor => factor * power >= fifth) * power, first = Math.ceil(low / step - 1e-9);
  return Array.from({length: 7}, (_, k) => Number(((first + k) * step).toPrecision(6)));
}

function drawTicks() {
  axes.forEach((axis, k) => {
    const length = k ? map.clientHeight : map.clientWidth, room = (k ? 26 : 44) / length, taken = [];
    for (const value of roundNumbers(axis)) {
      const place = axis.place(value);
      if (place < 0 || place > 1 || taken.some(other => Math.abs(other.place - place) < room)) continue;
      taken.push({value, place});
    }
    ticks[k].replaceChildren(...taken.map(({value, place}) => {
      const tick = make("span", {textContent: String(value).replace("-", "−")});
      tick.style[k ? "bottom" : "left"] = `${100 * place}%`;
      return tick;
    }));
  });
}

function drawMap() {
  const ratio = window.devicePixelRatio || 1;
  const size = {width: Math.round(map.clientWidth * ratio), height: Math.round(map.clientHeight * ratio)};
  if (!size.width || !size.height) return;                    // on a slide that is not shown yet
  if (known && canvas.width === size.width && canvas.height === size.height) return drawCells([8, 3, 1].map(size => Math.ceil(size * ratio)));
  Object.assign(canvas, size);                                // which empties it
  drawTicks();
  if (known) return drawCells([8, 3, 1].map(size => Math.ceil(size * ratio)));
  drawBackdrop();
  drawDots();
  drawNames();
}

// ---------------------------------------------------------------- The cross moves

let shown = versions.at(-1), z = start;                       // the network that is shown, the code where the cross is

// A picture in some ink on white paper, for a canvas.
function inked(output, ink = INK) {
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const darkness = clamped(output[i]);
    for (let k = 0; k < 3; k++) image.data[4 * i + k] = PAPER[k] + (ink[k] - PAPER[k]) * darkness;
    image.data[4 * i + 3] = 255;
  }
  return image;
}

// The activations of the hidden layers as squares, ten in a row: blue is positive, pink negative, white zero.
function drawNeurons(hidden) {
  const columns = 10, values = hidden.flatMap(layer => [...layer]), context = neurons.getContext("2d");
  Object.assign(neurons, {width: 8 * columns + 1, height: 8 * Math.ceil(values.length / columns) + 1});
  values.forEach((value, k) => {
    const full = value > 0 ? POSITIVE : NEGATIVE, strength = Math.min(Math.abs(value), 1);
    context.fillStyle = colour(full.map((part, c) => PAPER[c] + (part - PAPER[c]) * strength));
    context.fillRect(k % columns * 8 + 1, Math.floor(k / columns) * 8 + 1, 7, 7);
  });
  between.textContent = `2 numbers → ${hidden.map(layer => layer.length).join(" → ")} neurons → ${width * height} pixels`;
}

// Go to a code, rounded and brought onto the map, and show what is decoded there.
function show(wanted) {
  z = wanted.map((value, k) => clamped(Number(value.toFixed(axes[k].digits)), axes[k].low, axes[k].high));
  const layers = [], output = shown.decode(z, layers), [across, up] = axes.map((axis, k) => clamped(axis.place(z[k])));
  picture.getContext("2d").putImageData(inked(output), 0, 0);
  describe(output);
  if (shown.deviations) drawEllipses();
  if (settings.neurons) drawNeurons(layers.slice(0, -1));
  place.textContent = `z = (${text(z[0])}, ${text(z[1])})`;
  picture.setAttribute("aria-label", `What is decoded at the cross: ${verdict.textContent}, ${detail.textContent}`);
  upright.style.left = ring.style.left = `${100 * across}%`;
  level.style.top = ring.style.top = `${100 * (1 - up)}%`;
  [across, up].forEach((place, k) => {
    sliders[k].value = POSITIONS * place;
    sliders[k].setAttribute("aria-valuetext", text(z[k]));
  });
  element.dataset.z = z.join(",");
  element.output = output;
  element.dispatchEvent(new CustomEvent("explored"));
}

// Go to where the pointer is.
function follow(event) {
  const box = map.getBoundingClientRect();
  show([axes[0].code(clamped((event.clientX - box.left) / box.width)),
        axes[1].code(clamped(1 - (event.clientY - box.top) / box.height))]);
}

map.addEventListener("pointerdown", follow);
map.addEventListener("pointermove", follow);                  // a mouse needs no button; a finger is only there when it presses
sliders.forEach((slider, k) => slider.addEventListener("input", () =>
  show(z.map((value, axis) => axis === k ? axes[k].code(slider.value / POSITIONS) : value))));

// The arrow keys move the cross, with Shift ten times as far; Home leads back to the start.  They are listened for on the
// way down (true), before anything around the map can stop them.
element.addEventListener("keydown", event => {
  const direction = DIRECTIONS[event.key], step = event.shiftKey ? 0.05 : 0.005;
  if (event.target !== map || event.ctrlKey || event.altKey || event.metaKey) return;
  if (direction) show(axes.map((axis, k) => direction[k] ? axis.code(clamped(axis.place(z[k]) + step * direction[k])) : z[k]));
  if (event.key === "Home") show(start);
  if (direction || event.key === "Home") event.preventDefault();
}, true);

// A slide show must not take these keys, nor what is swiped here; a notebook neither.
element.addEventListener("keydown", event => {
  if (/^(Arrow.*|Home|End)$/.test(event.key)) event.stopPropagation();
});
for (const kind of ["pointerdown", "touchstart", "touchmove"]) element.addEventListener(kind, event => event.stopPropagation());

// ---------------------------------------------------------------- Several networks: a choice, or one that learns

function choose(version) {
  shown = version;
  element.dataset.version = version.name;
  drawMap();
  show(z);
}

function addChoice() {
  const choices = versions.map(version => {
    const radio = make("input", {type: "radio", name: "version", checked: version === shown});
    radio.addEventListener("change", () => choose(version));
    return make("label", {}, radio, version.name);
  });
  board.prepend(make("form", {className: "choice"}, ...choices));
}

// What has become of all known characters: decoded at their codes, wrong pixels marked, eight in a row.
function drawSheet(sheet) {
  const columns = 8, context = sheet.getContext("2d"), rows = Math.ceil(settings.labels.length / columns);
  let wrong = 0;
  Object.assign(sheet, {width: columns * (width + 1) + 1, height: rows * (height + 1) + 1});
  settings.labels.forEach((_, k) => shown.decode(shown.codes.subarray(2 * k, 2 * k + 2)).forEach((value, i) => {
    const differs = (value > 0.5) !== (known[k * width * height + i] > 0), ink = clamped(value);
    const mixed = (from, to) => colour(from.map((part, c) => part + (to[c] - part) * ink));
    wrong += differs;
    context.fillStyle = differs ? mixed(MISSING, EXTRA) : mixed(PAPER, INK);
    context.fillRect(k % columns * (width + 1) + i % width + 1, Math.floor(k / columns) * (height + 1) + Math.floor(i / width) + 1, 1, 1);
  }));
  return wrong;
}

function addEpochs() {
  const slider = make("input", {type: "range", min: 0, max: versions.length - 1, step: 1, value: versions.length - 1});
  const epoch = make("output"), play = make("button", {type: "button"}), sheet = make("canvas", {className: "sheet"});
  const count = make("span", {className: "count"});
  let playing = null;
  function go(k) {
    slider.value = k;
    choose(versions[k]);
    epoch.textContent = slider.ariaValueText = Number(shown.name).toLocaleString("en");
    count.textContent = `${drawSheet(sheet)} of ${known.length.toLocaleString("en")} pixels wrong`;
  }
  function stop() {
    clearInterval(playing);
    playing = null;
    play.textContent = "▶ Play";
  }
  function step() {
    if (Number(slider.value) === versions.length - 1) stop();
    else go(Number(slider.value) + 1);
  }
  play.addEventListener("click", () => {
    if (playing) return stop();
    if (Number(slider.value) === versions.length - 1) go(0);
    play.textContent = "❚❚ Pause";
    playing = setInterval(step, 400);
  });
  slider.addEventListener("input", () => {
    stop();
    go(Number(slider.value));
  });
  board.prepend(make("div", {className: "choice"}, play, make("label", {className: "epochs"}, "epoch", slider, epoch)));
  side.append(sheet, count);
  element.classList.add("learning");
  stop();
  go(0);
}

element.querySelector("img").hidden = true;                   // the still picture, for where no script runs
element.append(board);
element.explore = show;
choose(shown);
if (settings.epochs && known) addEpochs();
else if (versions.length > 1) addChoice();
new ResizeObserver(drawMap).observe(map);
window.explorerLinks?.get(element.dataset.key)?.(element);    // a running kernel's sliders, see sliders.js
