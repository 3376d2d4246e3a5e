// The stream, the keys, and what they start.

let source = null, paused = false, retry = null, askedSlot = 0;

function state(name, text) {
  $("state").dataset.state = name;
  put($("state"), text);
}

function banner(text) {
  $("banner").hidden = text === "";
  put($("banner"), text);
}

// connect opens the stream, unless nobody looks: a tab in the background costs nothing.
function connect() {
  clearTimeout(retry);
  source?.close();
  source = null;
  if (paused || document.hidden) return;
  source = new EventSource("events");
  source.addEventListener("snapshot", e => receive(e, begin));
  source.addEventListener("update", e => receive(e, apply));
  source.onerror = lost;
}

function receive(e, take) {
  const doc = JSON.parse(e.data);
  if (doc.version !== 1) {
    banner("The program now speaks another version: reload the page.");
    return;
  }
  take(doc);
  state("live", "live");
  banner("");
  show();
  if (!performance.getEntriesByName("weir-data").length) performance.mark("weir-data"); // when there was something to see
  if (chosenKey && (take === begin || doc.slot !== askedSlot)) {
    askedSlot = doc.slot;
    fetchDetail();
  }
}

// lost finds out why, which EventSource does not tell, and tries again.
async function lost() {
  source?.close();
  source = null;
  state("lost", "not connected");
  let why = "The program does not answer: it has ended, or cannot be reached. Trying again.";
  try {
    const answer = await fetch("snapshot", {method: "HEAD"});
    if (answer.ok) why = "";
    else why = {401: "Not authorized: reload the page to sign in.", 403: "The program refuses to answer here (403).", 503: "Too many are looking already. Trying again."}[answer.status] ?? `The program answers ${answer.status}. Trying again.`;
  } catch {
    // not reachable
  }
  banner(why);
  clearTimeout(retry);
  retry = setTimeout(connect, 2000);
}

function show() {
  const doc = model.doc, p = doc.program;
  if (p) {
    $("program").replaceChildren(el("b", {}, p.name), ` · pid ${p.pid} · ${p.go} · up ${ago(doc, p.started)}`);
  }
  document.title = (doc.suspects.length > 0 ? `(${doc.suspects.length}) ` : "") + (p ? p.name + " · " : "") + "weir";
  $("notes").hidden = doc.notes.length === 0;
  $("notes").replaceChildren(...doc.notes.map(n => el("li", {}, n)));
  showTotals(doc);
  showSuspects(doc);
  showTable();
  showDetail();
}

function pause() {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  put($("pause"), paused ? "Resume" : "Pause");
  if (paused) state("paused", "paused" + (model.doc ? " at " + new Date(model.doc.time).toLocaleTimeString("en-GB") : ""));
  else state("connecting", "connecting");
  connect();
}

$("pause").addEventListener("click", pause);
$("more").addEventListener("click", () => { view.most = Infinity; showRows(); });
$("filter").addEventListener("input", e => {
  view.words = e.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  showRows();
});
addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const typing = e.target === $("filter");
  if (e.key === "Escape") {
    if (typing && $("filter").value) {
      $("filter").value = "";
      $("filter").dispatchEvent(new Event("input"));
    } else if (typing) $("filter").blur();
    else if (chosenKey) close();
  } else if (!typing && e.key === "/") {
    e.preventDefault();
    $("filter").focus();
  } else if (!typing && e.key === "p") pause();
});
addEventListener("hashchange", follow);
addEventListener("resize", () => { if (model.doc) show(); });
document.addEventListener("visibilitychange", () => {
  if (document.hidden || !source) connect();
});
scheme.addEventListener("change", () => {
  palette = null;
  if (model.doc) show();
});

showHead();
follow();
connect();
