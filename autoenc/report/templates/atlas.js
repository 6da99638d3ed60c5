(function (box) {
  // The atlas holds the pictures of all positions; cut out the one that the two sliders choose.
  const image = box.querySelector("img"), atlas = new Image(), canvas = document.createElement("canvas");
  const axes = ["x", "y"].map(name => ({label: box.dataset[name + "Label"], values: JSON.parse(box.dataset[name])}));
  axes.forEach(axis => {
    const row = document.createElement("label"), text = document.createElement("span");
    axis.slider = Object.assign(document.createElement("input"),
      {type: "range", min: 0, max: axis.values.length - 1, value: axis.values.length >> 1});
    axis.slider.setAttribute("aria-label", axis.label);
    axis.readout = document.createElement("output");
    text.textContent = axis.label;
    row.append(text, axis.slider, axis.readout);
    row.style.cssText = "display: flex; gap: 1em; align-items: center; justify-content: center";
    text.style.cssText = "flex: none; min-width: 7em; text-align: right";       // so that the sliders stand in line
    axis.slider.style.width = "40%";
    axis.readout.style.cssText = "flex: none; width: 7em";
    axis.slider.addEventListener("input", draw);
    ["keydown", "touchstart", "pointerdown"].forEach(kind =>       // the slide deck must not take these
      axis.slider.addEventListener(kind, event => event.stopPropagation()));
    box.append(row);
  });
  function draw() {
    const [width, height] = [atlas.width / axes[0].values.length, atlas.height / axes[1].values.length];
    const [i, j] = axes.map(axis => Number(axis.slider.value));
    Object.assign(canvas, {width, height});
    canvas.getContext("2d").drawImage(atlas, i * width, j * height, width, height, 0, 0, width, height);
    image.src = canvas.toDataURL();
    image.style.cssText = `display: block; margin: 0 auto; width: ${width * box.dataset.zoom}px; ` +
      "max-width: 100%; object-fit: contain; image-rendering: pixelated";
    axes.forEach(axis => {
      axis.readout.textContent = axis.values[axis.slider.value];
      axis.slider.setAttribute("aria-valuetext", axis.readout.textContent);
    });
  }
  atlas.onload = draw;
  atlas.src = image.src;
})(document.currentScript.closest(".explorer"));
