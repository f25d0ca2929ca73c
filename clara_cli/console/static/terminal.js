// What a program wrote for a terminal, as text: colours stay, of a line drawn anew the last drawing; whatever else
// could act on a terminal, or turn the direction of writing, is shown. Nothing of it is ever taken for HTML.
const COLOUR = /\x1b\[([0-9;:]*)m/;
const SEQUENCE = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))/g;
const ACTIVE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const LONGEST = 20000;

export function toNodes(text) {
  const made = document.createDocumentFragment();
  const lines = text.split("\n");
  const last = lines.pop();
  // Some hundred lines share an element: it is what is dropped at once when there are too many.
  for (let start = 0; start < lines.length; start += 200) {
    made.append(block(lines.slice(start, start + 200).map((line) => `${drawn(line)}\n`)));
  }
  if (last) made.append(block([drawn(last)]));
  return made;
}

function block(lines) {
  const element = document.createElement("span");
  for (const line of lines) colour(element, line);
  return element;
}

function drawn(line) {
  if (line.length > LONGEST) line = `${line.slice(0, LONGEST)} […]`;
  if (!line.includes("\r")) return line;
  const parts = line.split("\r").filter(Boolean);
  return parts.length ? parts[parts.length - 1] : "";
}

function colour(element, line) {
  if (!line.includes("\x1b")) {
    plain(element, line, "");
    return;
  }
  let classes = "";
  let rest = line;
  for (;;) {
    const found = COLOUR.exec(rest);
    plain(element, found ? rest.slice(0, found.index) : rest, classes);
    if (!found) return;
    classes = next(classes, found[1]);
    rest = rest.slice(found.index + found[0].length);
  }
}

function next(classes, codes) {
  let kept = new Set(classes ? classes.split(" ") : []);
  for (const code of codes.split(/[;:]/)) {
    const number = Number(code || 0);
    if (number === 0) kept = new Set();
    else if (number === 1) kept.add("ansi-1");
    else if (number === 22) kept.delete("ansi-1");
    else if ((number >= 30 && number <= 39) || (number >= 90 && number <= 97)) {
      for (const old of kept) if (old !== "ansi-1") kept.delete(old);
      if (number % 10 && number % 10 < 7 && number !== 39) kept.add(`ansi-${number}`);
    }
  }
  return [...kept].join(" ");
}

function plain(element, text, classes) {
  text = text.replace(SEQUENCE, "");
  while (text) {
    const at = text.search(ACTIVE);
    append(element, at < 0 ? text : text.slice(0, at), classes);
    if (at < 0) return;
    const code = text.charCodeAt(at);
    append(element, code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`, "control");
    text = text.slice(at + 1);
  }
}

function append(element, text, classes) {
  if (!text) return;
  if (!classes) {
    element.append(text);
    return;
  }
  const span = document.createElement("span");
  span.className = classes;
  span.textContent = text;
  element.append(span);
}
