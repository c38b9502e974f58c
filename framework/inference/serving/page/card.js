// The model card, Markdown, as elements: headings, paragraphs, lists, tables, code, bold. Links stay text.

import { element } from "./elements.js";

export function rendered(markdown) {
  const blocks = [];
  const lines = markdown.split("\n");
  while (lines.length) {
    const line = lines[0];
    if (!line.trim()) lines.shift();
    else if (line.startsWith("```")) blocks.push(code(lines));
    else if (/^#{1,6} /.test(line)) blocks.push(heading(lines.shift()));
    else if (line.startsWith("|")) blocks.push(table(takeWhile(lines, (next) => next.startsWith("|"))));
    else if (/^[-*] /.test(line)) blocks.push(list(takeWhile(lines, (next) => /^([-*] | {2})/.test(next))));
    else blocks.push(inline(element("p"), takeWhile(lines, isText).join(" ")));
  }
  return blocks;
}

function isText(line) {
  return line.trim() && !/^(```|#{1,6} |\||[-*] )/.test(line);
}

function takeWhile(lines, wanted) {
  const taken = [lines.shift()];
  while (lines.length && wanted(lines[0])) taken.push(lines.shift());
  return taken;
}

function heading(line) {
  const [, marks, text] = /^(#+) (.*)$/.exec(line);
  return inline(element(`h${Math.min(6, marks.length + 1)}`), text); // the page's own title is its h1
}

function code(lines) {
  lines.shift();
  const taken = [];
  while (lines.length && !lines[0].startsWith("```")) taken.push(lines.shift());
  lines.shift();
  const block = element("pre");
  block.tabIndex = 0; // for scrolling with the keyboard
  block.append(element("code", "", taken.join("\n")));
  return block;
}

function list(lines) {
  const made = element("ul");
  for (const line of lines) {
    if (/^[-*] /.test(line)) made.append(inline(element("li"), line.slice(2)));
    else inline(made.lastChild, ` ${line.trim()}`);
  }
  return made;
}

function table(lines) {
  const rows = lines.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  const made = element("table");
  rows.forEach((cells, index) => {
    if (index === 1 && cells.every((cell) => /^:?-+:?$/.test(cell))) return;
    const row = element("tr");
    for (const cell of cells) row.append(inline(element(index ? "td" : "th"), cell));
    made.append(row);
  });
  const scroll = element("div", "scroll");
  scroll.tabIndex = 0;
  scroll.append(made);
  return scroll;
}

function inline(parent, text) {
  for (const piece of text.split(/(`[^`]*`|\*\*[^*]+\*\*)/)) {
    if (piece.startsWith("`")) parent.append(element("code", "", piece.slice(1, -1)));
    else if (piece.startsWith("**")) parent.append(element("strong", "", piece.slice(2, -2)));
    else parent.append(piece);
  }
  return parent;
}
