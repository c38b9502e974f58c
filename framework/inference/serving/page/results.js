// One image's row: its picture, what the network says of it, or why it could not be read.

const SHOWN = 7; // bars at first, of many classes

export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text; // never markup: names and classes are not ours
  return made;
}

export function percent(share) {
  const value = 100 * share;
  if (value >= 99.95 && share < 1) return "> 99.9 %";
  return `${value.toFixed(1)} %`;
}

export class Result {
  constructor(file) {
    this.file = file;
    this.answer = null;
    this.error = null;
    this.row = element("li", "result");
    this.preview = element("div", "preview");
    this.address = URL.createObjectURL(file);
    const body = element("div", "answer");
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
    this.say(element("p", "waiting", "looking …"));
    this.bars.hidden = this.more.hidden = true;
  }

  fail(reason) {
    this.error = reason;
    this.row.classList.add("failed");
    this.say(element("p", "problem", reason));
    this.bars.hidden = this.more.hidden = true;
  }

  succeed(answer) {
    this.answer = { ...this.answer, ...answer };
    const said = element("p", "said", answer.class);
    said.append(element("small", "", percent(answer.confidence)));
    this.say(said);
    this.showBars(SHOWN);
  }

  show(activation) {
    const map = activation && this.answer?.activation;
    if (map) this.showPicture(map, `Where the network looked to say ${this.answer.class}`);
    else this.showPicture(this.address, this.name);
  }

  forget() {
    URL.revokeObjectURL(this.address);
    this.row.remove();
  }

  say(what) {
    this.head.replaceChildren(element("p", "file", this.name), what);
  }

  showPicture(address, description) {
    const image = element("img");
    image.alt = description;
    image.addEventListener("error", () => this.preview.replaceChildren(element("span", "", "no preview")));
    image.src = address;
    this.preview.replaceChildren(image);
  }

  showBars(number) {
    const all = Object.entries(this.answer.probabilities).sort((one, other) => other[1] - one[1]);
    const shown = all.slice(0, number);
    this.bars.replaceChildren(...shown.map(([name, share]) => bar(name, share)));
    this.bars.hidden = false;
    this.more.hidden = shown.length === all.length;
    this.more.textContent = `Show all ${all.length} classes`;
  }
}

function bar(name, share) {
  const row = element("li");
  const track = element("span", "track");
  const fill = element("div", "fill");
  fill.style.setProperty("--share", `${100 * share}%`);
  track.append(fill);
  track.setAttribute("aria-hidden", "true");
  row.append(element("span", "", name), track, element("span", "share", percent(share)));
  return row;
}
