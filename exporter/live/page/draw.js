// Drawing: elements, and charts on canvases.

// el makes an element: el("p.dim", {title: "x"}, "text", child).
function el(what, props = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const e = document.createElement(tag);
  if (classes.length > 0) e.className = classes.join(" ");
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) e.setAttribute(name, value);
  }
  e.append(...children.filter(c => c !== null && c !== undefined));
  return e;
}

// put and mark set a text and an attribute only where it changed: most of a table stays
// as it is.
function put(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

function mark(e, name, value) {
  if (e.getAttribute(name) !== value) e.setAttribute(name, value);
}

let palette = null; // the colours of the style sheet, until the scheme changes
const scheme = matchMedia("(prefers-color-scheme: dark)");

function colour(name) {
  if (!palette) {
    const style = getComputedStyle(document.documentElement);
    palette = {get: n => style.getPropertyValue("--" + n).trim(), known: {}};
  }
  return palette.known[name] ??= palette.get(name);
}

// surface prepares a canvas for its size and the screen's resolution.
function surface(canvas, {width, height} = {width: canvas.clientWidth, height: canvas.clientHeight}) {
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, height);
  return {g, width, height};
}

// runs are the stretches of values that are known, as [x, value] pairs; the newest is
// at the right edge.
function runs(values, place) {
  const all = [[]];
  values.forEach((v, i) => {
    if (v === null || v === undefined) all.push([]);
    else all.at(-1).push([place(slots - values.length + i), v]);
  });
  return all.filter(run => run.length > 0);
}

function line(g, values, x, y, stroke, width = 1.5) {
  g.strokeStyle = stroke;
  g.lineWidth = width;
  g.lineJoin = "round";
  for (const run of runs(values, x)) {
    g.beginPath();
    if (run.length === 1) g.moveTo(run[0][0] - 2, y(run[0][1]));
    for (const [px, v] of run) g.lineTo(px, y(v));
    g.stroke();
  }
}

function area(g, values, x, y, fill, opacity) {
  g.fillStyle = fill;
  g.globalAlpha = opacity;
  for (const run of runs(values, x)) {
    g.beginPath();
    g.moveTo(run[0][0], y(0));
    for (const [px, v] of run) g.lineTo(px, y(v));
    g.lineTo(run.at(-1)[0], y(0));
    g.fill();
  }
  g.globalAlpha = 1;
}

// standing draws a level as a line, over a body of what did not drain, the floor, and
// a veil of what came and went, up to the peak. A queue that stands is a body; a burst
// is a veil.
function standing(g, history, x, y, ink) {
  area(g, history.peak, x, y, ink, 0.15);
  area(g, history.floor, x, y, ink, 0.45);
  line(g, history.level, x, y, ink);
}

const inkOf = o => colour(o.trouble > 2 ? "bad" : o.trouble > 1 ? "warn" : "water");
const highest = (...series) => Math.max(0, ...series.flat().map(v => v ?? 0));

function spark(canvas, size, o) {
  const {g, width, height} = surface(canvas, size);
  if (width === 0) return;
  const top = Math.max(highest(o.history.peak, o.history.level), 1), x = i => 2 + (width - 6) * i / (slots - 1), y = v => height - 2 - (height - 7) * v / top;
  g.fillStyle = colour("line");
  g.fillRect(0, height - 1.5, width, 1);
  standing(g, o.history, x, y, inkOf(o));
  const last = o.history.level.at(-1);
  if (last === null || last === undefined) return;
  g.fillStyle = inkOf(o);
  g.beginPath();
  g.arc(x(slots - 1), y(last), 2.2, 0, 7);
  g.fill();
}

// nice returns a round number at or above v.
function nice(v) {
  const scale = 10 ** Math.floor(Math.log10(v));
  return scale * [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find(n => n * scale >= v * (1 - 1e-9));
}

// chart draws series over five minutes: {field, ink, body} of a history. at is the slot
// under the pointer, or null.
function chart(canvas, history, series, {write, limit, ink, at}) {
  const {g, width, height} = surface(canvas);
  if (width === 0) return;
  const present = series.map(s => history[s.field] ?? []);
  let top = highest(...present);
  const bounded = limit !== null && limit !== undefined && limit > 0 && top > limit / 4;
  top = nice(Math.max(bounded ? Math.max(top, limit) : top, 1e-9) * 1.04);
  if (highest(...present) === 0 && !bounded) top = 1;
  const left = 4, right = 58, foot = 16, x = i => left + (width - left - right) * i / (slots - 1), y = v => height - foot - (height - foot - 8) * v / top;
  g.font = "11px system-ui, sans-serif";
  g.textBaseline = "middle";
  for (const part of [0, 0.5, 1]) {
    g.fillStyle = colour("line");
    g.fillRect(left, Math.round(y(top * part)), width - left - right, 1);
    g.fillStyle = colour("dim");
    g.fillText(write(top * part), width - right + 8, y(top * part));
  }
  g.textBaseline = "alphabetic";
  [[0, "5 min ago", "left"], [slots - 1, "now", "right"]].forEach(([i, text, align]) => {
    g.textAlign = align;
    g.fillText(text, x(i), height - 2);
  });
  g.textAlign = "left";
  if (ink) standing(g, history, x, y, ink);
  else series.forEach((s, i) => line(g, present[i], x, y, colour(s.ink), 1.8));
  if (bounded) {
    g.setLineDash([4, 4]);
    line(g, Array(slots).fill(limit), x, y, colour("dim"), 1);
    g.setLineDash([]);
  }
  if (at !== null) {
    g.fillStyle = colour("dim");
    g.fillRect(x(at), 8, 1, height - foot - 8);
  }
}
