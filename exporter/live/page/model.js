// What the page knows: the snapshot that it began with, and the updates since.

const slots = 60; // values of a history, and 5 s each
const model = {doc: null, objects: new Map()};
const keyOf = o => o.kind + "/" + o.name;

// begin takes a whole snapshot.
function begin(doc) {
  model.doc = doc;
  model.objects = new Map(doc.objects.map(o => [keyOf(o), o]));
}

// apply takes an update, which has only what changed. live.Snapshot.Apply is the same in Go.
function apply(update) {
  const passed = Math.min(update.slot - model.doc.slot, slots + 1); // nothing of before is left then
  for (const change of update.objects) {
    const key = keyOf(change);
    if (model.objects.has(key)) Object.assign(model.objects.get(key), change);
    else model.objects.set(key, {...change, history: {level: [], floor: [], peak: []}});
  }
  for (const o of model.objects.values()) {
    advance(o.history, passed, o);
    if (o.detailed) advance(o.detailed, passed, o);
  }
  Object.assign(model.doc, {...update, objects: model.doc.objects});
}

// advance moves a history on by the slots that have passed; the last has what is there now.
function advance(history, passed, now) {
  for (const field in history) {
    const values = history[field];
    if (passed === 0) values.pop();
    for (let gap = passed; gap > 1 && values.length > 0; gap--) values.push(null); // nobody looked
    values.push(now[field]);
    values.splice(0, values.length - slots);
  }
}

// fullness is at most 1. What has no limit comes nearer to it the more is in it.
const fullness = o => o.limit === null ? 1 - 1 / (1 + Math.max(o.level ?? 0, 0) / 1000) : Math.min(o.fill ?? 0, 1);

// urgency puts suspects first, then what is warned about, and the fuller before the emptier.
const urgency = o => o.trouble * 10 + fullness(o);

// How the columns of the table are named and sorted: the urgent, the many and the old first.
const columns = [
  {id: "name", title: "Name", by: o => o.name, left: true, up: true},
  {id: "fill", title: "Fill", by: fullness, left: true, hint: "of the fullest member; what has no limit by what is in it"},
  {id: "in", title: "In /s", by: o => o.in_per_second, hint: "sends, acquires, tasks submitted"},
  {id: "out", title: "Out /s", by: o => o.out_per_second, hint: "receives, tasks ended"},
  {id: "refused", title: "Refused /s", by: o => o.refused_per_second, hint: "no room, no permit, or given up"},
  {id: "p50", title: "Wait p50", by: o => o.wait_p50_seconds, hint: "in the channel, for a permit, in the pool's queue", wide: true},
  {id: "p99", title: "p99", by: o => o.wait_p99_seconds, hint: "in the channel, for a permit, in the pool's queue"},
  {id: "oldest", title: "Oldest", by: o => o.oldest_seconds, hint: "message, permit held, or task running"},
  {id: "trouble", title: "5 minutes", by: urgency, left: true, hint: "the most urgent first"},
];

// chosen returns the objects to show, in order.
function chosen({kind, words, sort, up}) {
  const column = columns.find(c => c.id === sort);
  const wanted = [...model.objects.values()].filter(o =>
    (kind === "all" || kind === o.kind || kind === "trouble" && o.trouble > 1) &&
    words.every(w => [o.name, o.kind, o.owner, o.elem, ...(o.sites ?? [])].some(s => s && s.toLowerCase().includes(w))));
  const compare = (a, b) => typeof a === "string" ? a.localeCompare(b) : (a ?? -1) - (b ?? -1);
  return wanted.sort((a, b) => (up ? 1 : -1) * compare(column.by(a), column.by(b)) || a.name.localeCompare(b.name) || a.kind.localeCompare(b.kind));
}
