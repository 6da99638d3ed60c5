// A running kernel's two sliders, put into the explorer that its HTML shows.  It is an anywidget without a view: the
// notebook keeps the HTML alone, so nothing in it is dead when the kernel is gone.  The explorer and this model find each
// other by a key, whichever comes second.

const links = window.explorerLinks ??= new Map();

async function attach(model, element) {
  element.detach?.();                                         // from the sliders of a kernel that was restarted, say
  const rows = element.querySelectorAll(".row"), sliders = [];
  for (const reference of model.get("sliders")) {
    const slider = await model.widget_manager.get_model(reference.slice("IPY_MODEL_".length));
    const view = await model.widget_manager.create_view(slider);
    rows[sliders.length].replaceChildren(view.el);
    sliders.push(slider);
  }
  let silent = false;                                         // while one side tells the other
  function tell(change) {
    if (silent) return;
    silent = true;
    change();
    silent = false;
  }
  const toKernel = () => tell(() => element.dataset.z.split(",").forEach((value, k) => {
    sliders[k].set("value", Number(value));
    sliders[k].save_changes();                                // to the kernel
  }));
  element.addEventListener("explored", toKernel);
  element.detach = () => element.removeEventListener("explored", toKernel);
  sliders.forEach((slider, k) => slider.on("change:value", () => tell(() => {
    const z = element.dataset.z.split(",").map(Number);
    z[k] = slider.get("value");
    element.explore(z);
  })));
  element.explore(sliders.map(slider => slider.get("value")));
}

export default {
  initialize({model}) {
    const key = model.get("key");
    const link = element => attach(model, element);
    links.set(key, link);
    document.querySelectorAll(`.explorer[data-key="${key}"]`).forEach(link);
    return () => {
      if (links.get(key) === link) links.delete(key);
    };
  },
};
