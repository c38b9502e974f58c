// Images come in by choosing, dropping, pasting or the camera; each is asked for by itself, a few at a time.

import { setUpCamera } from "./camera.js";
import { rendered } from "./card.js";
import { element, percent, Result } from "./results.js";

const AT_ONCE = 4;
const RETRIES = 30;
const byId = (id) => document.getElementById(id);
const activation = byId("activation");
const results = new Set();
const waiting = [];
let working = 0;
let largest = Infinity;

function add(files) {
  const added = [...files].map((file) => new Result(file));
  if (!added.length) return;
  byId("list").prepend(...added.map((result) => result.row));
  byId("results").hidden = false;
  for (const result of added) {
    results.add(result);
    waiting.push(result);
  }
  work();
}

function work() {
  while (working < AT_ONCE && waiting.length) {
    working += 1;
    answer(waiting.shift()).finally(() => {
      working -= 1;
      work();
    });
  }
}

async function answer(result) {
  if (!result || !results.has(result)) return; // cleared meanwhile
  try {
    if (result.file.size > largest) {
      const most = (largest / 1e6).toLocaleString("en", { maximumFractionDigits: 3 });
      throw new Error(`This file is too large: the server takes ${most} MB at most.`);
    }
    const answer = await ask(result.file);
    if (!results.has(result)) return;
    result.succeed(answer);
    result.show(activation.checked);
    queueForMap(result); // the switch may have been turned on meanwhile
    announce(`${result.name}: ${result.answer.class}, ${percent(result.answer.confidence)}`);
  } catch (error) {
    if (!results.has(result)) return;
    if (!result.answer) result.fail(error.message); // an answer that is there stays
    announce(`${result.name}: ${error.message}`);
  }
}

async function ask(file) {
  const form = new FormData();
  form.append("image", file, file.name || "image");
  for (let left = RETRIES; ; left -= 1) {
    const response = await fetch(`predict${activation.checked ? "?activation=true" : ""}`, {
      method: "POST",
      body: form,
    }).catch(() => {
      throw new Error("The server does not answer. Is it still running?");
    });
    if (response.status === 503 && left) {
      await new Promise((resolve) => setTimeout(resolve, 1000 * (Number(response.headers.get("Retry-After")) || 1)));
      continue;
    }
    const said = await response.json().catch(() => ({}));
    if (response.ok) return said.images[0];
    throw new Error(sentence(said.error) ?? `The server says ${response.status} ${response.statusText}.`);
  }
}

function sentence(error) {
  if (!error) return undefined;
  const text = `${error.message}. ${error.what_to_do[0].toUpperCase()}${error.what_to_do.slice(1)}.`;
  return text[0].toUpperCase() + text.slice(1);
}

function announce(text) {
  byId("status").textContent = text;
}

function queueForMap(result) {
  if (activation.checked && result.answer && !result.answer.activation && !waiting.includes(result)) {
    waiting.push(result);
  }
}

function toggleActivation() {
  byId("legend").hidden = !activation.checked;
  for (const result of results) {
    result.show(activation.checked);
    queueForMap(result);
  }
  work();
}

function clear() {
  for (const result of results) result.forget();
  results.clear();
  byId("results").hidden = true;
  byId("files").focus();
  announce("Cleared");
}

async function showModel() {
  byId("address").textContent = location.origin;
  const response = await fetch("model").catch(() => null);
  if (!response?.ok) return;
  const model = await response.json();
  document.title = `${model.name} – framework`;
  byId("name").textContent = model.name;
  byId("facts").replaceChildren(...facts(model).map((fact) => element("span", "", fact)));
  byId("card-text").replaceChildren(...rendered(model.card));
  largest = model.limits.body;
  if (!model.activation.available) {
    activation.disabled = true;
    byId("activation-label").title = model.activation.reason;
  }
}

function facts(model) {
  const { height, width, channels } = model.preprocessing;
  const split = ["test", "validation"].find((name) => name in model.metrics);
  const figures = model.metrics[split];
  const images = figures?.images === 1 ? "image" : "images";
  const right = figures && `${percent(figures.top1)} right of ${figures.images.toLocaleString("en")} ${split} ${images}`;
  return [
    `${model.classes.length} classes`,
    ...(figures ? [right] : []),
    `sees ${width}×${height} pixels in ${channels === 1 ? "gray" : "colour"}`,
    model.calibration ? "probabilities calibrated" : "probabilities not calibrated",
  ];
}

function setUpDropping() {
  let depth = 0; // every element that is passed on the way tells of it
  const mark = (by) => {
    depth = by === 0 ? 0 : depth + by;
    document.body.classList.toggle("dragging", depth > 0);
  };
  addEventListener("dragenter", () => mark(1));
  addEventListener("dragleave", () => mark(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    mark(0);
    add(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => add(event.clipboardData?.files ?? []));
}

byId("files").addEventListener("change", (event) => {
  add(event.target.files);
  event.target.value = ""; // so that the same file can be chosen again
});
activation.addEventListener("change", toggleActivation);
byId("clear").addEventListener("click", clear);
setUpDropping();
setUpCamera((picture) => add([picture]));
showModel();
