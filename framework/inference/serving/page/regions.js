// The regions of a photograph: boxes over the picture, and beside it a list with their predictions.

import { bars, element, percent, picture } from "./elements.js";
import { mapsOf, namesOf } from "./labels.js";

let lists = 0;

export class Regions {
  constructor(prediction, address, description, opened) {
    this.image = prediction;
    this.address = address;
    this.photo = element("div", "photo");
    this.photo.style.setProperty("--ratio", prediction.width / prediction.height);
    this.photo.append(picture(address, description));
    this.list = element("ol", "regions");
    lists += 1;
    this.items = prediction.regions.map((region, index) => this.item(region, index + 1));
    this.list.append(...this.items.map((item) => item.row));
    this.photo.append(...this.items.map((item) => item.box));
    this.open(this.items[opened]);
  }

  get opened() {
    return Math.max(0, this.items.findIndex((item) => !item.body.hidden));
  }

  get found() {
    const { regions, left_out: leftOut } = this.image;
    const number = regions.length === 1 ? "1 region" : `${regions.length} regions`;
    return leftOut ? `${number} classified, ${leftOut} more found` : number;
  }

  item(region, number) {
    const row = element("li", "region");
    const head = element("button", "region-head");
    const body = element("div", "region-body");
    const thumb = element("span", "thumb");
    head.type = "button";
    body.id = `region-${lists}-${number}`;
    head.setAttribute("aria-controls", body.id);
    head.append(
      thumb,
      element("span", "region-number", String(number)),
      element("span", "region-class", namesOf(region)),
      element("span", "percent", region.confidence === undefined ? "" : percent(region.confidence)),
    );
    body.append(...bars(region.probabilities, region.labels), element("p", "place", place(region)));
    row.append(head, body);
    const item = { region, row, head, body, thumb, box: this.box(region, number) };
    head.addEventListener("click", () => (body.hidden ? this.open(item) : this.close(item)));
    item.box.addEventListener("click", () => {
      this.open(item);
      row.scrollIntoView({ block: "nearest" });
    });
    for (const part of [row, item.box]) {
      part.addEventListener("pointerenter", () => this.mark(item, true));
      part.addEventListener("pointerleave", () => this.mark(item, false));
    }
    head.addEventListener("focus", () => this.mark(item, true));
    head.addEventListener("blur", () => this.mark(item, false));
    this.close(item);
    this.showThumb(item, false);
    return item;
  }

  box(region, number) {
    const [x, y, width, height] = region.box;
    const made = element("div", "box");
    const [left, top] = [Math.max(0, x), Math.max(0, y)]; // the part that is inside the image
    const [right, bottom] = [Math.min(this.image.width, x + width), Math.min(this.image.height, y + height)];
    const place = { left, top, width: right - left, height: bottom - top };
    for (const [property, pixels] of Object.entries(place)) {
      const side = ["left", "width"].includes(property) ? this.image.width : this.image.height;
      made.style.setProperty(property, `${(100 * pixels) / side}%`);
    }
    made.classList.toggle("at-top", top < 0.1 * this.image.height);
    made.classList.toggle("at-right", left > 0.75 * this.image.width);
    made.setAttribute("aria-hidden", "true"); // the list says the same
    const label = element("span", "label", String(number));
    label.append(element("span", "label-class", ` ${namesOf(region)}`));
    made.append(label);
    return made;
  }

  open(item) {
    for (const other of this.items) this.close(other);
    item.body.hidden = false;
    item.head.setAttribute("aria-expanded", "true");
    item.box.classList.add("open");
  }

  close(item) {
    item.body.hidden = true;
    item.head.setAttribute("aria-expanded", "false");
    item.box.classList.remove("open");
  }

  mark(item, on) {
    item.box.classList.toggle("marked", on);
    item.row.classList.toggle("marked", on);
  }

  show(activation) {
    for (const item of this.items) this.showThumb(item, activation);
  }

  showThumb({ region, thumb, body }, activation) {
    for (const map of body.querySelectorAll(".map")) map.remove();
    const maps = activation ? Object.entries(mapsOf(region)) : [];
    if (maps.length) {
      const pictures = maps.map(([name, address]) => picture(address, `Activation map of ${name}`));
      for (const map of pictures) map.className = "map";
      body.prepend(...pictures);
      thumb.style.background = `url("${maps[0][1]}") center / cover`;
      return;
    }
    const [x, y, width, height] = region.box;
    const side = Math.max(width, height);
    const length = (pixels) => `calc(var(--thumb) * ${pixels / side})`;
    thumb.style.background = `url("${this.address}") no-repeat`;
    thumb.style.backgroundSize = `${length(this.image.width)} ${length(this.image.height)}`;
    thumb.style.backgroundPosition = `${length((side - width) / 2 - x)} ${length((side - height) / 2 - y)}`;
  }
}

function place({ box: [x, y, width, height], score }) {
  return `${width}×${height} pixels at ${x}, ${y}; detection score ${score.toFixed(3)}`;
}
