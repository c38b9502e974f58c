// What is predicted for an image or a region: a class, or any number of labels.

import { button, element, percent } from "./elements.js";

// Activation maps by class: one of the class, or one of each label.
export function mapsOf({ activation, activations, class: name }) {
  return activations ?? (activation ? { [name]: activation } : {});
}

export function namesOf({ labels, class: name }) {
  return labels ? labels.join(", ") || "no label" : name;
}

export function textOf({ labels, probabilities, class: name, confidence }) {
  if (!labels) return `${name}, ${percent(confidence)}`;
  return labels.map((label) => `${label}, ${percent(probabilities[label])}`).join("; ") || "no label";
}

// The class, or the labels; with `onChoose` labels are buttons, and `chosen` is the pressed one.
export function headline({ labels, probabilities, class: name, confidence }, chosen, onChoose) {
  if (!labels) {
    const topClass = element("p", "top-class", name);
    topClass.append(element("small", "", percent(confidence)));
    return topClass;
  }
  if (!labels.length) return element("p", "top-class none", "no label");
  const list = element("ul", "labels");
  for (const label of labels) {
    const item = element("li");
    const chip = onChoose ? button("chip", label, () => onChoose(label)) : element("span", "chip", label);
    chip.append(element("small", "", percent(probabilities[label])));
    if (onChoose) {
      chip.title = `Show the activation map of ${label}`;
      chip.setAttribute("aria-pressed", label === chosen);
    }
    item.append(chip);
    list.append(item);
  }
  return list;
}
