package top

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/weir-go/weir/exporter/live"
)

// checkScreen holds that what is drawn fits.
func checkScreen(t *testing.T, m *model) {
	t.Helper()
	lines := strings.Split(m.screen(), "\n")
	if len(lines) > m.height {
		t.Errorf("%d lines at a height of %d", len(lines), m.height)
	}
	for _, line := range lines {
		if n := ansi.StringWidth(line); n > m.width {
			t.Errorf("%d columns at a width of %d: %q", n, m.width, line)
		}
	}
}

func TestScreensFit(t *testing.T) {
	m := newModel(t.Context(), nil, order{by: byTrouble})
	m.c, _ = newClient("localhost", nil, false)
	m.stop = func() {}
	s := live.Snapshot{Version: 1, Time: time.Now(), Notes: []string{"a note"}, Program: &live.Program{Name: strings.Repeat("long", 50)}}
	for i := range 100 {
		o := live.Object{Kind: "channel", Name: strings.Repeat("長い", i), Trouble: live.Trouble(i % 4), Warnings: []string{strings.Repeat("word ", i)}, Made: new(live.Made)}
		o.Level, o.Limit, o.Queue, o.Fill = live.Number(i*i*i), live.Number(i*i*i), live.Number(i*1000), 1
		o.In, o.WaitP99, o.Oldest = live.Number(i*i*i*i), live.Number(i*1000), 1e7
		o.History = &live.History{Level: []live.Number{1, live.None, 3}}
		s.Objects = append(s.Objects, o)
		s.Suspects = append(s.Suspects, live.Suspect{Name: o.Name, What: "holds", Since: s.Time})
	}
	m.receive(eventMsg{0, event{false, s}})
	for _, size := range [][2]int{{1, 1}, {39, 24}, {40, 10}, {80, 24}, {100, 30}, {200, 60}} {
		m.width, m.height = size[0], size[1]
		for _, help := range []bool{false, true} {
			m.help.ShowAll = help
			checkScreen(t, m)
		}
		m.help.ShowAll = false
		for i := range m.now.Objects {
			o := m.now.Objects[i]
			o.Detail = &live.Detail{Counters: []live.Counter{{Name: o.Name, Total: 1 << 60}}, Times: []live.Times{{Name: o.Name}}, Worst: []live.Member{{Stuck: true}}}
			m.detail = &o
			checkScreen(t, m)
		}
		m.detail = nil
	}
}

func TestText(t *testing.T) {
	for got, want := range map[string]string{
		count(live.None): none, count(0): "0", count(999): "999", count(1024): "1,024", count(99999): "99,999", count(100000): "100k", count(1.25e6): "1.2M",
		rate(0.05): "<0.1", rate(0): "0", rate(9.94): "9.9", rate(12.3): "12", rate(2472): "2,472",
		size(live.None): none, size(12): "12 B", size(1.25e6): "1.2 MB",
		took(live.None): none, took(0): "0", took(1e-9): "<1µs", took(4.4e-6): "4µs", took(0.0044): "4.4ms", took(0.1104): "110ms", took(1.04): "1.0s",
		took(59): "59s", took(300): "5m", took(86400): "24h", took(1e6): "12d",
		clean("a\x1b[2Jb\u202ec\u009b"): "a?[2Jb?c?",
		left("abc", 5):                  "abc  ", left("abcdef", 4): "abc…", right("abc", 5): "  abc", left("長い", 3): "長…",
		spark([]live.Number{0, 1, live.None, 2}, 6):                                                            "  ▁▄ █",
		strings.Join(bars([]live.Number{4, 2, 0}, 3, 2, 0), "|"):                                               "█  |██▁",
		gauge(&live.Object{Kind: "channel", Now: live.Now{Level: 3, Limit: 8}}, 4):                             "█▌··",
		gauge(&live.Object{Kind: "channel", Now: live.Now{Level: 3, Limit: live.None}}, 4):                     "░░░░",
		level(&live.Object{Now: live.Now{Level: 4, Limit: 4, Queue: 12}}, 0):                                   "4/4+12",
		level(&live.Object{Now: live.Now{Level: 13900, Limit: live.None, Queue: live.None}}, 0):                "13,900",
		next([]string{"a", "b", "c"}, "c", 1) + next([]string{"a", "b"}, "a", -1) + next(sorts(), "nobody", 0): "ab" + byTrouble,
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestOrder(t *testing.T) {
	object := func(kind, name string, fill live.Number, trouble live.Trouble, made *live.Made) live.Object {
		return live.Object{Kind: kind, Name: name, Made: made, Trouble: trouble, Now: live.Now{Fill: fill, Level: 10 * fill, Limit: 10, In: fill}}
	}
	all := []live.Object{
		object("channel", "b", 0.5, live.Fine, &live.Made{Owner: "Game", Sites: []string{"main.f x.go:1"}}),
		object("pool", "a", 1, live.Fine, nil),
		object("semaphore", "d", 0.1, live.Suspected, nil),
		object("channel", "c", 0.5, live.Warned, &live.Made{Elem: "main.Move"}),
	}
	for want, x := range map[string]order{
		"dcab": {by: byTrouble}, "bacd": {by: byTrouble, reverse: true}, "abcd": {by: "name"}, "dcba": {by: "name", reverse: true}, "dbca": {by: "in", reverse: true},
		"cb": {by: byTrouble, kind: "channel"}, "b": {by: byTrouble, filter: "GAME x.go"}, "c": {by: byTrouble, filter: " move "}, "": {by: byTrouble, filter: "game move"},
	} {
		got := ""
		for _, o := range x.chosen(all) {
			got += o.Name
		}
		if got != want {
			t.Errorf("%+v gives %s, want %s", x, got, want)
		}
	}
	for _, by := range sorts() {
		if n := len(order{by: by}.chosen(all)); n != len(all) {
			t.Errorf("by %s there are %d", by, n)
		}
	}
}
