// One image's row: its picture and its prediction, or why it could not be read.

const SHOWN = 7; // bars before "Show all"

export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text; // never markup: names of files and classes are untrusted
  return made;
}

export function percent(fraction) {
  const value = 100 * fraction;
  if (value >= 99.95 && fraction < 1) return "> 99.9 %";
  return `${value.toFixed(1)} %`;
}

export class Result {
  constructor(file) {
    this.file = file;
    this.prediction = null;
    this.error = null;
    this.row = element("li", "result");
    this.preview = element("div", "preview");
    this.address = URL.createObjectURL(file);
    const body = element("div", "prediction");
    this.head = element("div", "head");
    this.bars = element("ul", "bars");
    this.more = element("button", "button quiet more");
    this.more.type = "button";
    this.more.addEventListener("click", () => this.showBars(Infinity));
    body.append(this.head, this.bars, this.more);
    this.row.append(this.preview, body);
    this.showPicture(this.address, file.name);
    this.wait();
  }

  get name() {
    return this.file.name || "image";
  }

  wait() {
    this.setHead(element("p", "waiting", "predicting …"));
    this.bars.hidden = this.more.hidden = true;
  }

  fail(reason) {
    this.error = reason;
    this.row.classList.add("failed");
    this.setHead(element("p", "problem", reason));
    this.bars.hidden = this.more.hidden = true;
  }

  succeed(prediction) {
    this.prediction = { ...this.prediction, ...prediction };
    const topClass = element("p", "top-class", prediction.class);
    topClass.append(element("small", "", percent(prediction.confidence)));
    this.setHead(topClass);
    this.showBars(SHOWN);
  }

  show(activation) {
    const map = activation && this.prediction?.activation;
    if (map) this.showPicture(map, `Activation map of ${this.prediction.class}`);
    else this.showPicture(this.address, this.name);
  }

  forget() {
    URL.revokeObjectURL(this.address);
    this.row.remove();
  }

  setHead(content) {
    this.head.replaceChildren(element("p", "file", this.name), content);
  }

  showPicture(address, description) {
    const image = element("img");
    image.alt = description;
    image.addEventListener("error", () => this.preview.replaceChildren(element("span", "", "no preview")));
    image.src = address;
    this.preview.replaceChildren(image);
  }

  showBars(number) {
    const all = Object.entries(this.prediction.probabilities).sort((one, other) => other[1] - one[1]);
    const shown = all.slice(0, number);
    this.bars.replaceChildren(...shown.map(([name, probability]) => bar(name, probability)));
    this.bars.hidden = false;
    this.more.hidden = shown.length === all.length;
    this.more.textContent = `Show all ${all.length} classes`;
  }
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
