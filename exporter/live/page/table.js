// The totals, the suspects and the table.

const $ = id => document.getElementById(id);
const view = {kind: "all", words: [], sort: "trouble", up: false, rows: new Map(), most: 100};
const unit = {channel: "messages", semaphore: "permits", pool: "tasks"};

function showTotals({totals: t}) {
  const gap = t.sent_per_second !== null && t.sent_per_second > 1.05 * t.received_per_second && t.sent_per_second - t.received_per_second > 1;
  const tiles = [
    ["Buffered", count(t.messages), "messages", (t.bytes === null ? "" : bytes(t.bytes) + " · ") + plural(t.channels, "channel")],
    ["Sent", rate(t.sent_per_second), "/s", rate(t.received_per_second) + " /s received", gap],
    ["Refused", rate(t.refused_per_second), "/s", "no room, no permit, gave up"],
    ["Waiting", count(t.waiting), "goroutines", "to send, or for permits"],
    ["Measured", count(t.members), t.members === 1 ? "object" : "objects", plural(t.channels + t.semaphores + t.pools, "name")],
    ["Heap", ...bytes(t.heap_bytes).split(" "), plural(t.goroutines, "goroutine")],
  ];
  const box = $("totals");
  while (box.children.length < tiles.length) box.append(el("div.total", {}, el("h3"), el("strong", {}, el("span"), el("small")), el("p")));
  tiles.forEach(([title, number, what, more, high], i) => {
    const tile = box.children[i], [number1, small] = tile.children[1].children;
    put(tile.children[0], title);
    put(number1, number);
    put(small, what);
    put(tile.children[2], more);
    tile.classList.toggle("high", Boolean(high));
  });
}

const plural = (n, what) => count(n) + " " + what + (n === 1 ? "" : "s");

// ago is how long before the reading something was.
function ago(doc, then) {
  return time(Math.max((Date.parse(doc.time) - Date.parse(then)) / 1000, 0));
}

const sure = {heuristic: "looks like it", collected: "collected", proven: "proven"};
let openStacks = new Set();

function showSuspects(doc) {
  const all = doc.suspects, box = $("suspects");
  box.classList.toggle("none", all.length === 0);
  $("suspects-title").replaceChildren("Suspects", el("span", {}, String(all.length)));
  if (all.length === 0) {
    $("suspect-list").replaceChildren(el("p.calm", {}, "No suspects: nothing looks leaked or stuck."));
    return;
  }
  const held = document.activeElement?.closest?.(".suspect")?.dataset.key;
  $("suspect-list").replaceChildren(...all.map(s => suspect(doc, s)));
  if (held) [...document.querySelectorAll(".suspect")].find(e => e.dataset.key === held)?.querySelector("button, summary")?.focus();
}

function suspect(doc, s) {
  const key = [s.kind, s.name, s.reason, s.evidence].join("/"), known = model.objects.has(keyOf(s));
  const name = known ? el("button", {type: "button", onclick: () => open(keyOf(s))}, s.name) : el("b", {}, s.name);
  const stack = s.stack ? el("details", openStacks.has(key) ? {open: ""} : {}, el("summary", {}, "stack"), el("pre", {}, s.stack)) : null;
  stack?.addEventListener("toggle", () => stack.open ? openStacks.add(key) : openStacks.delete(key));
  return el("article.suspect", {"data-key": key},
    el("h3", {}, name, " " + s.what),
    el("p.facts", {},
      el("span.chip" + (s.evidence === "heuristic" ? "" : ".sure"), {title: "evidence: " + s.evidence}, s.evidence),
      el("span", {}, s.reason), el("span", {}, "for " + ago(doc, s.since)),
      s.count > 1 ? el("span", {}, count(s.count) + " of them") : null,
      s.site && s.site !== s.name ? el("span.mono", {}, s.site) : null),
    el("p.advice", {}, s.advice), stack);
}

function showHead() {
  $("head").replaceChildren(...columns.map(c => {
    const sorted = view.sort === c.id;
    return el("th" + (c.left ? ".left" : "") + (c.wide ? ".wide" : ""),
      {scope: "col", title: c.hint, "aria-sort": sorted ? (view.up ? "ascending" : "descending") : null},
      el("button", {type: "button", "data-sort": c.id, onclick: () => sortBy(c)}, c.title));
  }));
}

function sortBy(c) {
  view.up = view.sort === c.id ? !view.up : Boolean(c.up);
  view.sort = c.id;
  const held = document.activeElement?.dataset?.sort;
  showHead();
  if (held) document.querySelector(`[data-sort="${held}"]`).focus();
  showRows();
}

const tabs = [["all", "All"], ["channel", "Channels"], ["semaphore", "Semaphores"], ["pool", "Pools"], ["trouble", "Trouble"]];

function showTabs() {
  const box = $("kinds");
  if (box.children.length === 0) {
    box.append(...tabs.map(([kind, title]) => el("button", {type: "button", "data-kind": kind, onclick: () => { view.kind = kind; showTable(); }}, title, el("small"))));
  }
  const all = [...model.objects.values()];
  tabs.forEach(([kind], i) => {
    const n = all.filter(o => kind === "all" || o.kind === kind || kind === "trouble" && o.trouble > 1).length;
    box.children[i].setAttribute("aria-pressed", String(view.kind === kind));
    put(box.children[i].lastChild, count(n));
  });
}

function showTable() {
  showTabs();
  showRows();
}

// showRows keeps the row of each object, and moves only those whose place changed.
function showRows() {
  const wanted = chosen(view), shown = wanted.slice(0, view.most), body = $("rows");
  const keep = new Set(shown.map(keyOf));
  for (const [key, row] of view.rows) {
    if (!keep.has(key)) {
      watcher.unobserve(row.querySelector("canvas"));
      onScreen.delete(row.querySelector("canvas"));
      row.remove();
      view.rows.delete(key);
    }
  }
  shown.forEach((o, i) => {
    const key = keyOf(o);
    let row = view.rows.get(key);
    if (!row) view.rows.set(key, row = newRow(key));
    if (body.children[i] !== row) body.insertBefore(row, body.children[i] ?? null);
    fillRow(row, o);
  });
  drawSparks();
  $("more").hidden = wanted.length <= view.most;
  put($("more"), `Show all ${count(wanted.length)}`);
  $("table").hidden = wanted.length === 0;
  $("empty").hidden = wanted.length > 0;
  if (wanted.length > 0) return;
  $("empty").replaceChildren(...(model.objects.size > 0 ? ["Nothing matches."] :
    ["Nothing is measured yet. Wrap a channel: ", el("code", {}, 'moves := instrument.NewChan[Move]("moves", 128)')]));
}

function newRow(key) {
  const cell = (name, label) => el("td." + name, label ? {"data-label": label} : {});
  const row = el("tr", {"data-key": key, onclick: () => open(key)},
    el("td.name", {}, el("button", {type: "button"}), el("span.kind"), el("p"), el("ul")),
    el("td.fill", {}, el("div.level", {}, el("b"), el("span")), el("div.gauge", {}, el("i.now"), el("i.floor"), el("i.peak"))),
    cell("in", "in /s"), cell("out", "out /s"), cell("refused.minor", "refused /s"), cell("p50.wide.minor", "wait p50"), cell("p99", "wait p99"), cell("oldest", "oldest"),
    el("td.spark", {}, el("canvas", {role: "img"})));
  watcher.observe(row.querySelector("canvas"));
  return row;
}

function fillRow(row, o) {
  const [name, fill, enters, leaves, refused, p50, p99, oldest, last] = row.children;
  mark(row, "data-trouble", String(o.trouble));
  mark(row, "aria-selected", String(chosenKey === row.dataset.key));
  put(name.children[0], o.name);
  put(name.children[1], o.kind + (o.bounded || o.kind !== "channel" ? "" : ", unbounded"));
  put(name.children[2], [o.site, o.owner, o.elem, o.members === 1 ? "" : plural(o.members, "member")].filter(Boolean).join(" · "));
  sayAll(name.children[3], o.warnings);
  fillGauge(fill, o);
  [[enters, o.in_per_second, rate], [leaves, o.out_per_second, rate], [refused, o.refused_per_second, rate],
    [p50, o.wait_p50_seconds, time], [p99, o.wait_p99_seconds, time], [oldest, o.oldest_seconds, time]].forEach(([cell, v, write]) => {
    put(cell, write(v));
    cell.classList.toggle("none", v === null || v === 0);
  });
  mark(last.firstChild, "aria-label", `${unit[o.kind]} over five minutes, now ${count(o.level)}`);
}

// Only the sparklines on the screen are drawn.
const onScreen = new Set();
const watcher = new IntersectionObserver(entries => {
  for (const e of entries) {
    if (e.isIntersecting) onScreen.add(e.target);
    else onScreen.delete(e.target);
  }
  drawSparks();
});

// drawSparks measures all before it draws any: a measurement after a change has the
// whole table laid out again.
function drawSparks() {
  const wanted = [...onScreen].map(canvas => ({canvas, o: model.objects.get(canvas.closest("tr")?.dataset.key), width: canvas.clientWidth, height: canvas.clientHeight}));
  for (const {canvas, o, ...size} of wanted) {
    if (o) spark(canvas, size, o);
  }
}

const mostSaid = 2; // in a row; the details have all

function sayAll(list, warnings) {
  const lines = warnings.slice(0, mostSaid);
  if (warnings.length > mostSaid) lines.push(`and ${warnings.length - mostSaid} more`);
  while (list.children.length > lines.length) list.lastChild.remove();
  while (list.children.length < lines.length) list.append(el("li"));
  lines.forEach((text, i) => put(list.children[i], text));
}

// fillGauge shows the level beside its limit: what never drained as the dark part, and a
// tick at the peak. Where there is no limit there is nothing to be full of.
function fillGauge(cell, o) {
  const [level, gauge] = cell.children, [now, floor, peak] = gauge.children;
  put(level.children[0], count(o.level));
  const queue = !o.queue ? "" : ` + ${count(o.queue)} waiting`;
  put(level.children[1], (o.limit === null ? (o.kind === "channel" ? "no limit" : "") : "of " + count(o.limit)) + queue);
  gauge.classList.toggle("endless", o.limit === null && o.level > 0);
  gauge.classList.toggle("full", o.fill !== null && o.fill >= 0.999 && o.kind !== "pool");
  const part = v => o.limit > 0 && v !== null ? Math.min(v / o.limit, 1) * 100 + "%" : "0";
  now.style.width = part(o.level);
  floor.style.width = part(o.floor);
  peak.style.left = part(o.peak);
  peak.hidden = !(o.limit > 0) || o.peak === null || o.peak <= o.level;
}
