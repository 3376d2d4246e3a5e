package e2e

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/weir-go/weir/exporter/live"
	"github.com/weir-go/weir/instrument"
)

// names are those of the rows that are shown, in order.
const names = `[...document.querySelectorAll("#rows td.name button")].map(b => b.textContent)`

// quoted writes a string as JavaScript has it.
func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// TestLivePageOfLeakyGame is the way from a leaking queue to its line of code, in a
// browser: the queue rises to the top, is suspected, and can be looked at.
func TestLivePageOfLeakyGame(t *testing.T) {
	browser := chromium(t)
	t.Log(browser)
	game, address := program(t, "examples/gameserver"), freeAddress(t)
	origin := "http://" + address
	leaky := start(t, origin+"/metrics", game, "-mode", "leaky", "-addr", address)
	b := newTab(t, origin)
	b.see(1440, 900, "light")
	b.do(chromedp.Navigate(origin + live.Path))
	b.until("data is there", `document.querySelectorAll("#rows tr").length === 3 && document.getElementById("state").textContent === "live"`)
	b.Logf("first paint with data after %.0f ms", eval[float64](b, `performance.getEntriesByName("weir-data")[0].startTime`))

	const spark = `document.querySelector("#rows tr:first-child canvas").toDataURL()`
	b.until("the queue rises to the top", `document.querySelector("#rows tr:first-child").innerText.includes("unbounded, grew")`)
	if got := eval[[]string](b, names); got[0] != "player-moves" {
		t.Errorf("the rows are %q", got)
	}
	before := eval[string](b, spark)
	b.until("the sparkline moves", spark+" !== "+quoted(before))

	b.controls(origin)

	b.until("the leak is suspected", `document.querySelector(".suspect")?.innerText.includes("player-moves")`)
	suspect := eval[string](b, `document.querySelector(".suspect").innerText`)
	if missing, ok := containsAll(suspect, "only grows", "heuristic", "growing", "for ", "main.newLeaky inbox.go:"); !ok {
		t.Errorf("the suspect lacks %q: %s", missing, suspect)
	}
	b.look("live-leaking")
	b.details()

	leaky.stop()
	b.expect("ERR_", "Failed to load resource") // for the time without a server
	b.until("the loss is told", `document.getElementById("banner").innerText.includes("does not answer")`)
	start(t, origin+"/metrics", game, "-mode", "fixed", "-addr", address)
	b.until("the page is back", `document.getElementById("banner").hidden && document.getElementById("rows").innerText.includes("move-permits")`)
	b.until("the fix is seen to work", `document.querySelectorAll("#rows tr").length === 4 && model.objects.get("channel/player-moves").history.level.length > 4`)
	b.look("live-healthy")
}

// look takes a picture in each of the ways in which the page may be seen, where it
// must fit.
func (b *tab) look(name string) {
	b.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.see(1280, 800, scheme)
		b.fits(1280)
		b.picture(name + "-" + scheme)
		for pair, ratio := range eval[map[string]float64](b, contrast) {
			if ratio < 4.5 {
				b.Errorf("%s has a contrast of %.1f in the %s scheme, want 4.5", pair, ratio, scheme)
			}
		}
		b.see(390, 844, scheme, chromedp.EmulateMobile, chromedp.EmulateScale(1.5))
		b.fits(390)
		b.picture(name + "-phone-" + scheme)
	}
	b.see(1440, 900, "light")
}

// fits: nothing sticks out at the side.
func (b *tab) fits(width int) {
	b.Helper()
	if got := eval[int](b, `document.documentElement.scrollWidth`); got > width {
		b.Errorf("the page is %d wide in a window of %d", got, width)
	}
}

// contrast is that of each colour of text on each that it stands on, as WCAG has it.
const contrast = `(() => {
	const style = getComputedStyle(document.documentElement), out = {};
	const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
	const light = name => {
		paint.fillStyle = style.getPropertyValue("--" + name);
		paint.fillRect(0, 0, 1, 1);
		const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
	};
	for (const pair of ["text card", "text bg", "text soft", "dim card", "dim bg", "dim soft", "warn card", "warn warn-bg", "bad card", "bad bad-bg", "text bad-bg", "dim bad-bg", "link card"]) {
		const [a, b] = pair.split(" ").map(light);
		out[pair] = Math.max(a, b) / Math.min(a, b);
	}
	return out;
})()`

// controls sorts, filters and pauses.
func (b *tab) controls(origin string) {
	b.Helper()
	b.do(chromedp.Click(chromedp.CSS(`[data-sort=name]`)))
	if got := strings.Join(eval[[]string](b, names), " "); got != "logins player-moves score-writers" {
		b.Errorf("by name the rows are %s", got)
	}
	b.do(chromedp.Click(chromedp.CSS(`[data-sort=name]`)))
	if got := eval[string](b, `document.querySelector("th[aria-sort]").ariaSort`); got != "descending" {
		b.Errorf("clicked twice it is sorted %s", got)
	}
	if got := strings.Join(eval[[]string](b, names), " "); got != "score-writers player-moves logins" {
		b.Errorf("by name, clicked twice, the rows are %s", got)
	}
	b.do(chromedp.Click(chromedp.CSS(`[data-sort=trouble]`)))

	b.do(chromedp.KeyEvent("/"))
	if !eval[bool](b, `document.activeElement.id === "filter"`) {
		b.Error("/ does not lead to the filter")
	}
	// The keys of the driver insert what a handler of the page prevented.
	b.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("filter").value = ""`), chromedp.KeyEvent("GAME.go score"))
	if got := eval[[]string](b, names); len(got) != 1 || got[0] != "score-writers" {
		b.Errorf("with a filter the rows are %q", got)
	}
	b.do(chromedp.KeyEvent(" nothing"))
	if !eval[bool](b, `document.getElementById("empty").innerText === "Nothing matches."`) {
		b.Error("nothing matches, and that is not said")
	}
	b.do(chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent(kb.Escape), chromedp.Click(chromedp.CSS(`[data-kind=semaphore]`)))
	if got := eval[[]string](b, names); len(got) != 1 || got[0] != "logins" {
		b.Errorf("of the semaphores the rows are %q", got)
	}
	b.do(chromedp.Click(chromedp.CSS(`[data-kind=all]`)))

	b.do(chromedp.KeyEvent("p"))
	paused := eval[string](b, `model.doc.time + document.getElementById("rows").innerText`)
	if !strings.HasPrefix(eval[string](b, `document.getElementById("state").textContent`), "paused at") {
		b.Error("it does not say that it is paused")
	}
	first := readingOf(b, origin)
	eventually(b.T, time.Minute, "the program goes on", func() (bool, string) {
		now := readingOf(b, origin)
		return now != first, now
	})
	if got := eval[string](b, `model.doc.time + document.getElementById("rows").innerText`); got != paused {
		b.Errorf("it goes on while it is paused:\n%s\n%s", paused, got)
	}
	b.do(chromedp.Click(chromedp.CSS(`#pause`)))
	b.until("it goes on", `document.getElementById("state").textContent === "live" && !`+quoted(paused)+`.startsWith(model.doc.time)`)
}

// readingOf returns when the program was read last.
func readingOf(b *tab, origin string) string {
	b.Helper()
	body, err := fetch(origin + live.Path + "snapshot")
	if err != nil {
		b.Fatal(err)
	}
	var s live.Snapshot
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		b.Fatal(err)
	}
	return s.Time.String()
}

// details opens the queue from its suspicion, and closes it again.
func (b *tab) details() {
	b.Helper()
	b.do(chromedp.Click(chromedp.CSS(`.suspect button`)))
	b.until("the details are there", `document.querySelectorAll("#detail .parts table").length === 3`)
	text := eval[string](b, `document.getElementById("detail").innerText`)
	if missing, ok := containsAll(text, "player-moves channel", "unbounded, grew", "Messages", "Per second", "Waiting", "Made at", "main.newLeaky inbox.go:",
		"WithWaitTarget(1s), WithBytes()", "30 s without a receive", "main.move", "sent", "in the channel", "Members"); !ok {
		b.Errorf("the details lack %q: %s", missing, text)
	}
	if got := eval[string](b, `location.hash`); got != "#channel/player-moves" {
		b.Errorf("the address is %s", got)
	}
	const blank = `[...document.querySelectorAll("#detail canvas")].filter(c => {
		const empty = document.createElement("canvas");
		[empty.width, empty.height] = [c.width, c.height];
		return empty.toDataURL() === c.toDataURL();
	}).length`
	if n := eval[int](b, blank); n != 0 {
		b.Errorf("%d charts are blank", n)
	}
	b.see(1440, 900, "dark")
	b.picture("live-detail-dark")
	b.see(1440, 900, "light")
	b.picture("live-detail-light")
	b.do(chromedp.KeyEvent(kb.Escape))
	if !eval[bool](b, `document.getElementById("detail").hidden && location.hash === ""`) {
		b.Error("Escape does not close the details")
	}
}

// serveLive serves the live page of a registry.
func serveLive(t *testing.T, r *instrument.Registry, opts ...live.Option) (origin string) {
	t.Helper()
	server := httptest.NewServer(live.Handler(r, opts...))
	t.Cleanup(server.Close)
	return server.URL
}

func silentRegistry() *instrument.Registry {
	return instrument.NewRegistry(instrument.WithLogger(slog.New(slog.DiscardHandler)))
}

// TestLivePageShowsTextAsText gives the page names that would like to be more.
func TestLivePageShowsTextAsText(t *testing.T) {
	chromium(t)
	r := silentRegistry()
	hostile := []string{
		`<img src=x onerror="alert(1)">`, `<script>alert(2)</script>`, `"><b id=bold>bold</b>`, `javascript:alert(3)`, `</td></tr></table>`,
		`a/b#c?d&e=f %2F %zz`, "\u202egnirts", `__proto__`, `constructor`, `🧵 λ`, strings.Repeat("very-long-", 12),
	}
	var keep []*instrument.Chan[int]
	for _, name := range hostile {
		c := instrument.NewChan[int](name, 4, instrument.WithRegistry(r), instrument.WithOwner(`<i>`+name), instrument.WithStallAfter(1))
		c.Send(1) // and nobody receives: a suspect
		keep = append(keep, c)
	}
	t.Cleanup(func() {
		for _, c := range keep {
			c.Close()
		}
	})
	origin := serveLive(t, r)
	b := newTab(t, origin)
	b.see(1280, 900, "light")
	b.do(chromedp.Navigate(origin + live.Path))
	b.until("all are suspected", fmt.Sprintf(`document.querySelectorAll(".suspect").length === %d && document.querySelectorAll("#rows tr").length === %[1]d`, len(hostile)))
	shown := make(map[string]bool)
	for _, name := range eval[[]string](b, names) {
		shown[name] = true
	}
	for _, name := range hostile {
		if !shown[name] {
			t.Errorf("%q is not shown as it is", name)
		}
		b.do(chromedp.Evaluate[chromedp.Void](`open("channel/" + ` + quoted(name) + `)`))
		b.until("details of "+name, `document.querySelector("#detail h2")?.firstChild.textContent === `+quoted(name)+` && document.querySelector("#detail .parts table") !== null`)
	}
	if n := eval[int](b, `document.querySelectorAll("img, b#bold, i[id], iframe, body script ~ script").length`); n != 0 {
		t.Errorf("%d elements came out of names", n)
	}
	b.fits(1280)
	b.see(390, 844, "dark", chromedp.EmulateMobile)
	b.fits(390)
}

// TestLivePageOfManyObjects shows the worst of a thousand, and all if one wants.
func TestLivePageOfManyObjects(t *testing.T) {
	chromium(t)
	r := silentRegistry()
	var keep []*instrument.Chan[int]
	for i := range 1000 {
		c := instrument.NewChan[int]("outbox-"+strconv.Itoa(i), 1000, instrument.WithRegistry(r))
		for range i {
			c.Send(1)
		}
		keep = append(keep, c)
	}
	t.Cleanup(func() {
		for _, c := range keep {
			c.Close()
		}
	})
	origin := serveLive(t, r)
	b := newTab(t, origin)
	b.see(1280, 900, "light")
	b.do(chromedp.Navigate(origin + live.Path))
	b.until("the fullest are shown", `document.querySelectorAll("#rows tr").length === 100`)
	b.Logf("first paint with data after %.0f ms", eval[float64](b, `performance.getEntriesByName("weir-data")[0].startTime`))
	if got := eval[[]string](b, names); got[0] != "outbox-999" || got[99] != "outbox-900" {
		t.Errorf("the rows are %q", got)
	}
	b.do(chromedp.Click(chromedp.CSS("#more")))
	b.until("all are shown", `document.querySelectorAll("#rows tr").length === 1000`)
}

// TestLivePageRefusesOtherSites has another site try, in a real browser, to read what
// is measured, and a name that leads here without being known.
func TestLivePageRefusesOtherSites(t *testing.T) {
	chromium(t)
	origin := serveLive(t, silentRegistry())
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>other</title>")
	}))
	t.Cleanup(other.Close)
	b := newTab(t, other.URL, chromedp.Flag("host-resolver-rules", "MAP attacker.example 127.0.0.1"))
	b.do(chromedp.Navigate(other.URL))
	target := quoted(origin + live.Path)
	for what, expression := range map[string]string{
		"fetch":       `fetch(` + target + ` + "snapshot").then(r => r.text(), () => "")`,
		"no-cors":     `fetch(` + target + ` + "snapshot", {mode: "no-cors"}).then(r => r.text(), () => "")`,
		"EventSource": `new Promise(done => { const s = new EventSource(` + target + ` + "events"); s.onopen = () => done("open"); s.onerror = () => { s.close(); done(""); }; })`,
		"script":      `new Promise(done => { const s = document.createElement("script"); s.src = ` + target + ` + "snapshot"; s.onload = () => done("loaded"); s.onerror = () => done(""); document.body.append(s); })`,
		"frame": `new Promise(done => { const f = document.createElement("iframe"); f.src = ` + target + `;
			f.onload = () => { try { done(f.contentDocument.title); } catch { done(""); } }; document.body.append(f); })`,
	} {
		if got := eval[string](b, expression); got != "" {
			t.Errorf("another site gets %q by %s", got, what)
		}
	}
	rebound := strings.Replace(origin, "127.0.0.1", "attacker.example", 1)
	b.do(chromedp.Navigate(rebound + live.Path))
	if text := eval[string](b, `document.body.innerText`); !strings.Contains(text, "not reached as attacker.example") {
		t.Errorf("under another name it shows %s", text)
	}
	b.expect("") // the browser complains about all of it
	b.mu.Lock()
	b.asks = nil
	b.mu.Unlock()
}
