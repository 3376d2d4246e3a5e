// The details of one object: a drawer beside the table, with a link of its own.

let chosenKey = null; // "channel/moves"
let pointed = null;   // the slot under the pointer

const open = key => { location.hash = "#" + key.split("/").map(encodeURIComponent).join("/"); };
const shut = () => history.replaceState(null, "", location.pathname + location.search);

// follow opens what the address names.
function follow() {
  const [kind, ...rest] = location.hash.slice(1).split("/");
  let name = rest.join("/");
  try {
    name = decodeURIComponent(name);
  } catch {
    // not one of our links: shown as it is
  }
  const before = chosenKey;
  chosenKey = name === "" ? null : kind + "/" + name;
  $("detail").hidden = chosenKey === null;
  if (chosenKey !== before) {
    $("detail").replaceChildren();
    pointed = null;
    if (chosenKey) fetchDetail();
  }
  if (model.doc) showRows();
}

function close() {
  const from = view.rows.get(chosenKey);
  shut();
  follow();
  from?.querySelector("button").focus();
}

// fetchDetail asks for what the stream does not have.
async function fetchDetail() {
  const key = chosenKey, [kind, ...rest] = key.split("/");
  try {
    const answer = await fetch("snapshot?" + new URLSearchParams({kind, name: rest.join("/")}));
    if (key !== chosenKey) return;
    const o = model.objects.get(key);
    if (!answer.ok || !o) {
      $("detail").replaceChildren(drawerHead(rest.join("/"), kind), el("p.dim", {}, answer.status === 404 ? "It is not there, or not any more." : `The program answers ${answer.status}.`));
      return;
    }
    const found = (await answer.json()).objects[0];
    if (key !== chosenKey) return;
    o.detail = found.detail;
    o.detailed = found.history;
    showDetail();
  } catch {
    // gone: the stream says so, and asks again when it is back
  }
}

function drawerHead(name, kind) {
  return el("header", {}, el("h2", {}, name, " ", el("span.dim", {}, kind)), el("button", {type: "button", id: "close", title: "Esc", onclick: close}, "Close"));
}

const charts = o => [
  {title: {channel: "Messages", semaphore: "Permits in use", pool: "Running tasks"}[o.kind], write: count, limit: o.limit, ink: inkOf(o),
    series: [{field: "level", title: "now", part: 100}, {field: "peak", title: "highest of the last 30 to 60 s", part: 22}, {field: "floor", title: "lowest: does not drain", part: 58}]},
  {title: "Per second", write: rate, series: [
    {field: "in_per_second", title: {channel: "sent", semaphore: "acquired", pool: "submitted"}[o.kind], ink: "in"},
    ...(o.kind === "semaphore" ? [] : [{field: "out_per_second", title: {channel: "received", pool: "ended"}[o.kind], ink: "out"}]),
    {field: "refused_per_second", title: "refused", ink: "bad"}]},
  {title: "Waiting", write: time, series: [
    {field: "wait_p50_seconds", title: "median", ink: "water"}, {field: "wait_p99_seconds", title: "99th percentile", ink: "deep"},
    {field: "oldest_seconds", title: {channel: "oldest message", semaphore: "oldest permit", pool: "oldest task"}[o.kind], ink: "warn"}]},
];

function showDetail() {
  const o = model.objects.get(chosenKey), box = $("detail");
  if (!o?.detail) return;
  if (box.dataset.key !== chosenKey || !box.querySelector(".parts")) {
    box.replaceChildren(drawerHead(o.name, o.kind), el("ul.says"), el("div.plots", {}, ...charts(o).map(plot)), el("div.parts"));
    box.dataset.key = chosenKey;
    box.scrollTop = 0;
    if (matchMedia("(hover: hover)").matches) $("close").focus();
  }
  const says = box.querySelector(".says");
  says.hidden = o.warnings.length === 0;
  says.dataset.trouble = o.trouble;
  says.replaceChildren(...o.warnings.map(w => el("li", {}, w)));
  charts(o).forEach((c, i) => showPlot(box.querySelectorAll(".chart")[i], o, c));
  box.querySelector(".parts").replaceChildren(facts(o), counters(o), times(o), members(o));
}

function plot(c) {
  const canvas = el("canvas", {role: "img", "aria-label": c.title + " over five minutes"});
  const place = e => {
    const box = canvas.getBoundingClientRect();
    pointed = Math.min(Math.max(Math.round((e.clientX - box.left - 4) / (box.width - 62) * (slots - 1)), 0), slots - 1);
    showDetail();
  };
  canvas.addEventListener("pointermove", place);
  canvas.addEventListener("pointerleave", () => { pointed = null; showDetail(); });
  return el("section.chart", {}, el("h3", {}, c.title), canvas, el("p.legend", {}, ...c.series.map(() => el("span", {}, el("i"), el("span"), el("b"))), el("span")));
}

function showPlot(box, o, c) {
  const [, canvas, legend] = box.children;
  chart(canvas, o.detailed, c.series, {...c, at: pointed});
  c.series.forEach((s, i) => {
    const [swatch, title, value] = legend.children[i].children, values = o.detailed[s.field] ?? [];
    swatch.style.background = c.ink ? `color-mix(in srgb, ${c.ink} ${s.part}%, transparent)` : colour(s.ink);
    put(title, s.title);
    put(value, c.write(values[pointed === null ? values.length - 1 : pointed - slots + values.length] ?? null));
  });
  put(legend.lastChild, pointed === null || pointed === slots - 1 ? "" : `${time((slots - 1 - pointed) * 5)} ago`);
}

function facts(o) {
  const rows = [
    ["Made at", (o.sites?.length ? o.sites : ["not known"]).join("\n")],
    ["Options", o.options.join(", ") || "none"],
    ["Threshold", o.threshold_seconds === null ? none : time(o.threshold_seconds) + {channel: " without a receive", semaphore: " for a permit", pool: " for a task"}[o.kind]],
    ["Type", o.elem], ["Owner", o.owner],
    ["Capacity", o.kind === "channel" ? (o.bounded ? count(o.limit) : "unbounded") : null],
    ["Held in memory", o.bytes === null ? null : "about " + bytes(o.bytes)],
    ["Queue", o.queue === null ? null : count(o.queue) + (o.queue_limit === null ? "" : " of " + count(o.queue_limit))],
    ["Waiting", o.waiting === null ? null : plural(o.waiting, "goroutine")],
    ["Counting since", new Date(o.start).toLocaleString("en-GB")],
  ].filter(([, value]) => value);
  return el("dl", {}, ...rows.flatMap(([title, value]) => [el("dt", {}, title), el("dd", title === "Made at" || title === "Options" || title === "Type" ? {class: "mono"} : {}, ...value.split("\n").map(v => el("div", {}, v)))]));
}

function grid(title, head, rows) {
  if (rows.length === 0) return "";
  return el("section", {}, el("h3", {}, title), el("table", {}, el("thead", {}, el("tr", {}, ...head.map(h => el("th", {scope: "col"}, h)))),
    el("tbody", {}, ...rows.map(({stuck, cells}) => el(stuck ? "tr.stuck" : "tr", {}, ...cells.map(c => el("td", {}, c)))))));
}

const counters = o => grid("Since it was made", ["", "total"], o.detail.counters.map(c => ({cells: [c.name, whole.format(c.total)]})));

const times = o => grid("Times, of the last 30 to 60 s", ["", "count", "p50", "p90", "p99", "longest"],
  o.detail.times.map(t => ({cells: [t.name, count(t.count), time(t.p50_seconds), time(t.p90_seconds), time(t.p99_seconds), time(t.max_seconds)]})));

function members(o) {
  const worst = o.detail.worst ?? [], title = o.members > worst.length ? `The worst ${worst.length} of ${count(o.members)} members` : "Members";
  return grid(title, ["made", unit[o.kind], "never below", "oldest", o.kind === "pool" ? "queued" : "waiting"], worst.map(m => ({stuck: m.stuck, cells: [
    m.age_seconds === null ? none : time(m.age_seconds) + " ago", count(m.level) + (m.limit === null ? "" : " of " + count(m.limit)),
    count(m.floor), time(m.oldest_seconds), count(o.kind === "pool" ? m.queue : m.waiting)]})));
}
