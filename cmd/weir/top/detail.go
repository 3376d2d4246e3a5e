package top

import (
	"fmt"
	"strings"

	"github.com/weir-go/weir/exporter/live"
)

const chartHeight = 4

// units are what the level of a kind counts.
var units = map[string]string{"channel": "messages", "semaphore": "permits in use", "pool": "running tasks"}

// detailScreen is all there is to say about one object, to be scrolled.
func (m *model) detailScreen() string {
	above := m.top()
	o := m.detail
	above = append(above, "", bold.Render(left(clean(o.Name), m.width-12))+" "+faint.Render(o.Kind))
	for _, warning := range o.Warnings {
		above = append(above, ink(o.Trouble).Render(left(mark(o.Trouble)+" "+clean(warning), m.width)))
	}
	above = above[:min(len(above), m.height/2)]
	m.page.SetWidth(m.width)
	m.page.SetHeight(m.height - len(above) - 1)
	m.page.SetContent(strings.Join(m.parts(o), "\n"))
	keys := fmt.Sprintf("esc back  ↑↓ scroll  p pause  q quit  %3.0f%%", 100*m.page.ScrollPercent())
	return m.fit(append(above, strings.Split(m.page.View(), "\n")...), []string{faint.Render(keys)})
}

func (m *model) parts(o *live.Object) []string {
	if o.Detail == nil || o.History == nil {
		if m.why != "" {
			return []string{"", bad.Render(m.why)}
		}
		return []string{"", faint.Render("asking")}
	}
	lines := append([]string{""}, facts(o)...)
	width := min(m.width-12, live.SlotCount)
	level := units[o.Kind]
	if o.Limit.Known() {
		level += " of " + count(o.Limit)
	}
	lines = append(lines, chart(level, o.History.Level, width, count)...)
	lines = append(lines, chart("in per second", o.History.In, width, rate)...)
	if o.Out.Known() {
		lines = append(lines, chart("out per second", o.History.Out, width, rate)...)
	}
	lines = append(lines, chart("wait, 99th percentile", o.History.WaitP99, width, took)...)
	lines = append(lines, made(o)...)
	lines = append(lines, times(o.Detail)...)
	lines = append(lines, counters(o.Detail)...)
	return append(lines, members(o)...)
}

func facts(o *live.Object) []string {
	text := fmt.Sprintf("%s now", count(o.Level))
	if o.Peak.Known() {
		text += fmt.Sprintf(", %s to %s in the last 30 to 60 s", count(o.Floor), count(o.Peak))
	}
	if o.Bytes.Known() {
		text += ", " + size(o.Bytes)
	}
	if o.Queue.Known() {
		text += fmt.Sprintf(", %s in its queue", count(o.Queue))
	}
	if o.Waiting > 0 {
		text += fmt.Sprintf(", %s waiting", count(o.Waiting))
	}
	return []string{text, fmt.Sprintf("in %s/s, out %s/s, refused %s/s; the oldest is %s old", rate(o.In), rate(o.Out), rate(o.Refused), took(o.Oldest))}
}

// chart draws a series of the last five minutes.
func chart(name string, values []live.Number, width int, write func(live.Number) string) []string {
	var top live.Number
	last := live.None
	for _, v := range values {
		top, last = max(top, v), v
	}
	lines := []string{"", bold.Render(name) + faint.Render("  now "+write(last))}
	for i, r := range bars(values, width, chartHeight, 0) {
		label := ""
		switch i {
		case 0:
			label = write(top)
		case chartHeight - 1:
			label = "0"
		}
		lines = append(lines, water.Render(r)+faint.Render("▏"+label))
	}
	return append(lines, faint.Render(left("5 min ago", width-3)+"now"))
}

func made(o *live.Object) []string {
	lines := []string{"", bold.Render("made at")}
	for _, site := range o.Sites {
		lines = append(lines, "  "+clean(site))
	}
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, left(name, 10)+clean(value))
		}
	}
	add("options", strings.Join(o.Options, ", "))
	if o.After.Known() {
		add("threshold", took(o.After))
	}
	add("type", o.Elem)
	add("owner", o.Owner)
	add("members", fmt.Sprint(o.Members))
	return lines
}

func times(d *live.Detail) []string {
	lines := []string{"", bold.Render(left("times, last 30 to 60 s", 24) + cells("count", "p50", "p90", "p99", "longest"))}
	for _, t := range d.Times {
		lines = append(lines, left(clean(t.Name), 24)+cells(count(live.Number(t.Count)), took(t.P50), took(t.P90), took(t.P99), took(t.Max)))
	}
	return lines
}

func cells(all ...string) string {
	var b strings.Builder
	for _, c := range all {
		b.WriteString(right(c, 9))
	}
	return b.String()
}

func counters(d *live.Detail) []string {
	lines := []string{"", bold.Render("since it was made")}
	for _, c := range d.Counters {
		lines = append(lines, right(count(live.Number(c.Total)), 10)+"  "+clean(c.Name))
	}
	return lines
}

func members(o *live.Object) []string {
	worst := o.Detail.Worst
	if len(worst) == 0 {
		return nil
	}
	name := "member"
	if o.Members > 1 {
		name = fmt.Sprintf("the worst %d of %d", len(worst), o.Members)
	}
	lines := []string{"", bold.Render(left(name, 24) + cells("level", "limit", "floor", "oldest", "waiting"))}
	for _, x := range worst {
		age := "made " + took(x.Age) + " ago"
		if !x.Age.Known() {
			age = ""
		}
		waiting := x.Waiting
		if o.Kind == "pool" {
			waiting = x.Queue
		}
		text := left(age, 24) + cells(count(x.Level), count(x.Limit), count(x.Floor), took(x.Oldest), count(waiting))
		if x.Stuck {
			text = bad.Render(text)
		}
		lines = append(lines, text)
	}
	return lines
}
