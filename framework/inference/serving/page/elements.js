// Elements of the page that several parts use.

const SHOWN = 7; // bars before "Show all"

export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text; // never markup: names of files and classes are untrusted
  return made;
}

export function button(className, text, onClick) {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

export function percent(fraction) {
  const value = 100 * fraction;
  if (value >= 99.95 && fraction < 1) return "> 99.9 %";
  return `${value.toFixed(1)} %`;
}

export function picture(address, description) {
  const made = element("img");
  made.alt = description;
  made.addEventListener("error", () => made.replaceWith(element("span", "no-preview", "no preview")));
  made.src = address;
  return made;
}

export function bars(probabilities) {
  const all = Object.entries(probabilities).sort((one, other) => other[1] - one[1]);
  const list = element("ul", "bars");
  const more = button("button quiet more", `Show all ${all.length} classes`, () => show(all.length));
  const show = (number) => {
    list.replaceChildren(...all.slice(0, number).map(([name, probability]) => bar(name, probability)));
    more.hidden = number >= all.length;
  };
  show(SHOWN);
  return [list, more];
}

function bar(name, probability) {
  const row = element("li");
  const track = element("span", "track");
  const fill = element("div", "fill");
  fill.style.setProperty("--width", `${100 * probability}%`);
  track.append(fill);
  track.setAttribute("aria-hidden", "true");
  row.append(element("span", "", name), track, element("span", "percent", percent(probability)));
  return row;
}
