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
  static thresholds = null; // of the served model, by class

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
    this.showHead(false);
    this.showBars(Math.max(SHOWN, prediction.labels?.length ?? 0));
  }

  show(activation) {
    const maps = activation ? this.maps : {};
    const [label] = Object.keys(maps);
    if (label) this.showMap(label);
    else this.showPicture(this.address, this.name);
    if (this.prediction?.labels) this.showHead(Object.keys(maps).length > 1, label);
  }

  // Activation maps by class: one of the class, or one of each label.
  get maps() {
    const { activation, activations, class: name } = this.prediction ?? {};
    return activations ?? (activation ? { [name]: activation } : {});
  }

  get text() {
    const { labels, probabilities, class: name, confidence } = this.prediction;
    if (!labels) return `${name}, ${percent(confidence)}`;
    return labels.map((label) => `${label}, ${percent(probabilities[label])}`).join("; ") || "no label";
  }

  showMap(label) {
    this.showPicture(this.maps[label], `Activation map of ${label}`);
  }

  // The class, or the labels; these are buttons if each has an activation map.
  showHead(choosable, chosen) {
    const { labels, probabilities, class: name, confidence } = this.prediction;
    if (labels) {
      const list = element("ul", "labels");
      for (const label of labels) {
        const item = element("li");
        const chip = element(choosable ? "button" : "span", "label", label);
        chip.append(element("small", "", probabilities[label] === undefined ? "" : percent(probabilities[label])));
        if (choosable) {
          chip.type = "button";
          chip.title = `Show the activation map of ${label}`;
          chip.setAttribute("aria-pressed", label === chosen);
          chip.addEventListener("click", () => {
            this.showMap(label);
            for (const other of list.querySelectorAll("button")) other.setAttribute("aria-pressed", other === chip);
          });
        }
        item.append(chip);
        list.append(item);
      }
      this.setHead(labels.length ? list : element("p", "top-class none", "no label"));
      return;
    }
    const topClass = element("p", "top-class", name);
    topClass.append(element("small", "", percent(confidence)));
    this.setHead(topClass);
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
    const { labels } = this.prediction;
    this.bars.replaceChildren(
      ...shown.map(([name, probability]) => bar(name, probability, labels?.includes(name), Result.thresholds?.[name])),
    );
    this.bars.classList.toggle("several", Boolean(labels));
    this.bars.hidden = false;
    this.more.hidden = shown.length === all.length;
    this.more.textContent = `Show all ${all.length} classes`;
  }
}

// `threshold`: the probability above which the class is predicted, if there is one.
function bar(name, probability, chosen, threshold) {
  const row = element("li", chosen ? "chosen" : "");
  const track = element("span", "track");
  const fill = element("div", "fill");
  fill.style.setProperty("--width", `${100 * probability}%`);
  track.append(fill);
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
