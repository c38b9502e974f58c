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

let thresholds = null; // of the served model, by class, if it has them

export function setThresholds(found) {
  thresholds = found ?? null;
}

// `labels`: the predicted classes, where there may be several; they are all shown.
export function bars(probabilities, labels) {
  const all = Object.entries(probabilities).sort((one, other) => other[1] - one[1]);
  const list = element("ul", labels ? "bars several" : "bars");
  const more = button("button quiet more", `Show all ${all.length} classes`, () => show(all.length));
  const show = (number) => {
    list.replaceChildren(...all.slice(0, number).map(([name, probability]) => bar(name, probability, labels?.includes(name))));
    more.hidden = number >= all.length;
  };
  show(Math.max(SHOWN, labels?.length ?? 0));
  return [list, more];
}

function bar(name, probability, chosen) {
  const row = element("li", chosen ? "chosen" : "");
  const track = element("span", "track");
  const fill = element("div", "fill");
  fill.style.setProperty("--width", `${100 * probability}%`);
  track.append(fill);
  const threshold = thresholds?.[name];
  if (threshold !== undefined) {
    const mark = element("i", "threshold");
    mark.style.setProperty("--at", `${100 * threshold}%`);
    track.append(mark);
    row.title = `${chosen ? "above" : "below"} the threshold of ${percent(threshold)}`;
  }
  track.setAttribute("aria-hidden", "true");
  row.append(element("span", "", name), track, element("span", "percent", percent(probability)));
  return row;
}
