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
