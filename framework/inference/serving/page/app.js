// Images are chosen, dropped, pasted or taken with the camera; each is one request, a few at a time.

import { setUpCamera } from "./camera.js";
import { rendered } from "./card.js";
import { element, percent, setThresholds } from "./elements.js";
import { Result } from "./results.js";

const AT_ONCE = 4;
const RETRIES = 30;
const byId = (id) => document.getElementById(id);
const activation = byId("activation");
const detect = byId("detect");
const results = new Set();
const waiting = [];
let working = 0;
let largest = Infinity;

function add(files) {
  const added = [...files].map((file) => new Result(file, !detect.checked, repeat));
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
    predict(waiting.shift()).finally(() => {
      working -= 1;
      work();
    });
  }
}

async function predict(result) {
  if (!result || !results.has(result)) return; // removed by "Clear"
  const { whole } = result;
  try {
    if (result.file.size > largest) {
      const limit = (largest / 1e6).toLocaleString("en", { maximumFractionDigits: 3 });
      throw new Error(`This file is too large: the server accepts up to ${limit} MB.`);
    }
    const prediction = await send(result.file, whole);
    if (!results.has(result) || result.whole !== whole) return;
    result.succeed(prediction);
    result.show(activation.checked);
    queueForMap(result); // if the switch was turned on during the request
    announce(`${result.name}: ${result.summary}`);
  } catch (error) {
    if (!results.has(result) || result.whole !== whole) return;
    if (!result.prediction) result.fail(error.message);
    announce(`${result.name}: ${error.message}`);
  }
}

async function send(file, whole) {
  const form = new FormData();
  form.append("image", file, file.name || "image");
  const options = [...(activation.checked ? ["activation=true"] : []), ...(whole ? ["detect=none"] : [])];
  for (let left = RETRIES; ; left -= 1) {
    const response = await fetch(`predict${options.length ? "?" : ""}${options.join("&")}`, {
      method: "POST",
      body: form,
    }).catch(() => {
      throw new Error("The server does not respond. Is it still running?");
    });
    if (response.status === 503 && left) {
      await new Promise((resolve) => setTimeout(resolve, 1000 * (Number(response.headers.get("Retry-After")) || 1)));
      continue;
    }
    const content = await response.json().catch(() => ({}));
    if (response.ok) return content.images[0];
    throw new Error(sentence(content.error) ?? `Server error: ${response.status} ${response.statusText}.`);
  }
}

function sentence(error) {
  if (!error) return undefined;
  const text = `${error.message}. ${error.hint[0].toUpperCase()}${error.hint.slice(1)}.`;
  return text[0].toUpperCase() + text.slice(1);
}

function announce(text) {
  byId("status").textContent = text;
}

function queueForMap(result) {
  if (activation.checked && result.prediction && !result.hasMaps && !waiting.includes(result)) {
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

function repeat(result, whole) {
  result.whole = whole;
  result.wait();
  if (!waiting.includes(result)) waiting.push(result);
  work();
}

function toggleDetection() {
  for (const result of results) repeat(result, !detect.checked);
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
  setThresholds(model.thresholds);
  if (model.detector) {
    byId("detect-label").hidden = false;
    byId("detect-name").textContent = `Detect ${model.detector.name}`;
  }
  if (!model.activation.available) {
    activation.disabled = true;
    byId("activation-label").title = model.activation.reason;
  }
}

function facts(model) {
  const { height, width, channels } = model.preprocessing;
  const split = ["test", "validation"].find((name) => name in model.metrics);
  const metrics = model.metrics[split];
  const images = metrics?.images === 1 ? "image" : "images";
  const accuracy =
    metrics &&
    ("top1" in metrics
      ? `top-1 ${percent(metrics.top1)} of ${metrics.images.toLocaleString("en")} ${split} ${images}`
      : model.summary.split(", detector ")[0].slice(model.summary.indexOf(", ") + 2));
  return [
    `${model.classes.length} classes`,
    ...(metrics ? [accuracy] : []),
    `input ${width}×${height} pixels, ${channels === 1 ? "grayscale" : "RGB"}`,
    ...(model.detector ? [`regions found by ${model.detector.name}`] : []),
    model.calibration ? "probabilities calibrated" : "probabilities not calibrated",
  ];
}

function setUpDropping() {
  let depth = 0; // each element on the way sends dragenter and dragleave
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
detect.addEventListener("change", toggleDetection);
byId("clear").addEventListener("click", clear);
setUpDropping();
setUpCamera((picture) => add([picture]));
showModel();
