package top

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/weir-go/weir/exporter/live"
)

// column is one of the table. Its cells are of so many characters, the name's of what
// is left.
type column struct {
	id, title string
	width     int
	from      int // it is shown in terminals of this width
	left      bool
	drawn     bool // and not written
	cell      func(o *live.Object, width int) string
	by        func(o *live.Object) live.Number
}

// columns are in the order in which they stand; those that a sort can be by have by,
// or are the name.
var columns = []column{
	{id: "name", title: "NAME", left: true, cell: func(o *live.Object, _ int) string { return clean(o.Name) }},
	{id: "kind", title: "KIND", width: 9, from: 100, left: true, cell: func(o *live.Object, _ int) string { return clean(o.Kind) }},
	{id: "fill", title: "FILL", width: 6, left: true, drawn: true, cell: gauge, by: fullness},
	{id: "level", title: "LEVEL", width: 12, left: true, cell: level, by: func(o *live.Object) live.Number { return o.Level }},
	{id: "in", title: "IN/s", width: 6, cell: func(o *live.Object, _ int) string { return rate(o.In) }, by: func(o *live.Object) live.Number { return o.In }},
	{id: "out", title: "OUT/s", width: 6, cell: func(o *live.Object, _ int) string { return rate(o.Out) }, by: func(o *live.Object) live.Number { return o.Out }},
	{id: "refused", title: "REF/s", width: 6, cell: func(o *live.Object, _ int) string { return rate(o.Refused) }, by: func(o *live.Object) live.Number { return o.Refused }},
	{id: "p50", title: "WAIT50", width: 6, from: 110, cell: func(o *live.Object, _ int) string { return took(o.WaitP50) }, by: func(o *live.Object) live.Number { return o.WaitP50 }},
	{id: "p99", title: "WAIT99", width: 6, cell: func(o *live.Object, _ int) string { return took(o.WaitP99) }, by: func(o *live.Object) live.Number { return o.WaitP99 }},
	{id: "oldest", title: "OLDEST", width: 6, cell: func(o *live.Object, _ int) string { return took(o.Oldest) }, by: func(o *live.Object) live.Number { return o.Oldest }},
	{id: "history", title: "5 MINUTES", width: 20, from: 120, left: true, drawn: true, cell: func(o *live.Object, width int) string {
		if o.History == nil {
			return ""
		}
		return spark(o.History.Level, width)
	}},
}

// sorts are what a table may be sorted by.
func sorts() []string {
	ids := []string{byTrouble}
	for _, c := range columns {
		if c.by != nil || c.id == "name" {
			ids = append(ids, c.id)
		}
	}
	return ids
}

const byTrouble = "trouble"

func level(o *live.Object, _ int) string {
	text := count(o.Level)
	if o.Limit.Known() {
		text += "/" + count(o.Limit)
	}
	if o.Queue > 0 {
		text += "+" + count(o.Queue)
	}
	return text
}

// fullness is at most 1. What has no limit comes nearer to it the more is in it.
func fullness(o *live.Object) live.Number {
	if !o.Limit.Known() {
		return 1 - 1/(1+max(o.Level, 0)/1000)
	}
	return min(max(o.Fill, 0), 1)
}

// order is how a table is chosen and sorted.
type order struct {
	by      string // of sorts
	reverse bool
	kind    string // "" is all
	filter  string
}

// chosen returns the objects that match, in order.
func (x order) chosen(all []live.Object) []*live.Object {
	words := strings.Fields(strings.ToLower(x.filter))
	var out []*live.Object
	for i := range all {
		if o := &all[i]; (x.kind == "" || x.kind == o.Kind) && matches(o, words) {
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(a, b *live.Object) int {
		c := x.compare(a, b)
		if x.reverse {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}

// compare puts the most first, and the names from a to z.
func (x order) compare(a, b *live.Object) int {
	switch i := slices.IndexFunc(columns, func(c column) bool { return c.id == x.by }); {
	case x.by == "name":
		return cmp.Compare(a.Name, b.Name)
	case i >= 0:
		return cmp.Compare(columns[i].by(b), columns[i].by(a))
	}
	return cmp.Or(cmp.Compare(b.Trouble, a.Trouble), cmp.Compare(fullness(b), fullness(a)))
}

func matches(o *live.Object, words []string) bool {
	text := o.Name + " " + o.Kind
	if o.Made != nil {
		text += " " + strings.Join(append([]string{o.Owner, o.Elem}, o.Sites...), " ")
	}
	text = strings.ToLower(text)
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// shownAt returns the columns of a terminal so wide, the name's as wide as is left.
func shownAt(width int) []column {
	var shown []column
	rest := width - margin
	for _, c := range columns {
		if c.from <= width {
			shown = append(shown, c)
			rest -= c.width + 1
		}
	}
	shown[0].width = max(rest+1, 8)
	return shown
}

// line writes the cells of a row.
func line(shown []column, cell func(column) string) string {
	parts := make([]string, len(shown))
	for i, c := range shown {
		if c.left {
			parts[i] = left(cell(c), c.width)
		} else {
			parts[i] = right(cell(c), c.width)
		}
	}
	return strings.Join(parts, " ")
}

func (x order) head(shown []column) string {
	return line(shown, func(c column) string {
		switch {
		case c.id != x.by:
			return c.title
		case x.reverse != (c.id == "name"):
			return c.title + "↑"
		}
		return c.title + "↓"
	})
}

// marks are for the trouble of a row.
var marks = [...]string{live.Fine: " ", live.Noted: " ", live.Warned: "!", live.Suspected: "▲"}

func mark(t live.Trouble) string {
	if t < 0 || int(t) >= len(marks) {
		return " "
	}
	return marks[t]
}

// row writes an object in one style, and what is drawn in another.
func row(shown []column, o *live.Object, before string, style, drawing lipgloss.Style) string {
	text := style.Render(before)
	for i, c := range shown {
		if i > 0 {
			text += " "
		}
		cell := line([]column{c}, func(column) string { return c.cell(o, c.width) })
		if c.drawn {
			text += drawing.Render(cell)
		} else {
			text += style.Render(cell)
		}
	}
	return text
}

// about says in one line what program it is and what it does.
func about(s *live.Snapshot) (program, totals string) {
	if p := s.Program; p != nil {
		program = fmt.Sprintf("%s · pid %d · %s · up %s", clean(p.Name), p.PID, clean(p.Go), ago(s.Time, p.Started))
	}
	t := &s.Totals
	messages := count(live.Number(t.Messages)) + " messages"
	if t.Bytes.Known() {
		messages += " (" + size(t.Bytes) + ")"
	}
	totals = fmt.Sprintf("%s  in %s/s  out %s/s  refused %s/s", messages, rate(t.Sent), rate(t.Received), rate(t.Refused))
	if t.Waiting > 0 {
		totals += fmt.Sprintf("  waiting %d", t.Waiting)
	}
	return program, totals + "  heap " + size(live.Number(t.HeapBytes))
}

// suspicion says in one line what is suspected.
func suspicion(s *live.Snapshot, x *live.Suspect) string {
	text := clean(x.Name) + " " + clean(x.What) + " (" + clean(x.Evidence) + ", " + ago(s.Time, x.Since) + ")"
	if x.Site != x.Name {
		text += " " + clean(x.Site)
	}
	return strings.ReplaceAll(text, "\n", " ")
}
