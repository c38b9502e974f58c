// One image's row: its picture and its prediction or regions, or why it could not be read.

import { bars, button, element, picture } from "./elements.js";
import { headline, mapsOf, textOf } from "./labels.js";
import { Regions } from "./regions.js";

export class Result {
  constructor(file, whole, repeat) {
    this.file = file;
    this.whole = whole; // whether the whole image is classified, although the server has a detector
    this.repeat = repeat;
    this.prediction = null;
    this.regions = null;
    this.row = element("li", "result");
    this.preview = element("div", "preview");
    this.address = URL.createObjectURL(file);
    this.body = element("div", "prediction");
    this.row.append(this.preview, this.body);
    this.wait();
  }

  get name() {
    return this.file.name || "image";
  }

  get hasMaps() {
    const parts = this.prediction.regions ?? [this.prediction];
    return parts.every((part) => Object.keys(mapsOf(part)).length);
  }

  get summary() {
    const { regions } = this.prediction;
    if (!regions) return textOf(this.prediction);
    if (!regions.length) return "nothing found";
    const texts = regions.map(textOf);
    return `${regions.length} ${regions.length === 1 ? "region" : "regions"}: ${texts.join("; ")}`;
  }

  wait() {
    this.prediction = this.regions = null;
    this.row.className = "result";
    this.preview.replaceChildren(picture(this.address, this.name));
    this.setBody(element("p", "waiting", "predicting …"));
  }

  fail(reason) {
    this.row.classList.add("failed");
    this.setBody(element("p", "problem", reason));
  }

  succeed(prediction) {
    this.prediction = prediction;
    if (prediction.regions?.length) {
      this.showRegions(prediction);
      return;
    }
    if (prediction.regions) {
      const [what] = prediction.note.split(";");
      const whole = button("button quiet", "Classify the whole image", () => this.repeat(this, true));
      this.setBody(element("p", "found", `${what[0].toUpperCase()}${what.slice(1)}.`), whole);
      return;
    }
    this.setBody(headline(prediction), ...bars(prediction.probabilities, prediction.labels));
  }

  showRegions(prediction) {
    this.row.classList.add("with-regions");
    const opened = this.regions?.opened ?? 0; // stays open when activation maps arrive
    this.regions = new Regions(prediction, this.address, `${this.name}: ${this.summary}`, opened);
    this.preview.replaceChildren(this.regions.photo);
    this.setBody(element("p", "found", this.regions.found), this.regions.list);
  }

  show(activation) {
    if (this.regions) {
      this.regions.show(activation);
      return;
    }
    const maps = activation && this.prediction ? mapsOf(this.prediction) : {};
    this.showMap(maps, Object.keys(maps)[0]);
  }

  // The map of a label, and the labels as buttons for the other maps; without a label the image.
  showMap(maps, label) {
    const [address, text] = label ? [maps[label], `Activation map of ${label}`] : [this.address, this.name];
    this.preview.replaceChildren(picture(address, text));
    const labels = this.body.querySelector(".labels");
    const several = Object.keys(maps).length > 1;
    labels?.replaceWith(headline(this.prediction, label, several && ((other) => this.showMap(maps, other))));
  }

  forget() {
    URL.revokeObjectURL(this.address);
    this.row.remove();
  }

  setBody(content, ...rest) {
    const head = element("div", "head");
    head.append(element("p", "file", this.name), content);
    this.body.replaceChildren(head, ...rest);
  }
}
