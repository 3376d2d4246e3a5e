package top

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"github.com/weir-go/weir/exporter/live"
)

// none stands for a number that is not known, or does not apply.
const none = "–"

// clean keeps what would move the cursor, or the text, of a terminal out of a string
// that came from somewhere else.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
}

// left and right make a text exactly so wide.
func left(s string, width int) string {
	s = ansi.Truncate(s, width, "…")
	return s + strings.Repeat(" ", max(width-ansi.StringWidth(s), 0))
}

func right(s string, width int) string {
	s = ansi.Truncate(s, width, "…")
	return strings.Repeat(" ", max(width-ansi.StringWidth(s), 0)) + s
}

// scaled writes a number in at most five characters and its unit.
func scaled(v, base float64, units ...string) string {
	i := 0
	for v >= 999.5 && i < len(units)-1 {
		v /= base
		i++
	}
	if v < 9.95 && v > 0 && i > 0 {
		return strconv.FormatFloat(v, 'f', 1, 64) + units[i]
	}
	return strconv.FormatFloat(v, 'f', 0, 64) + units[i]
}

// count writes a number that is whole, with its thousands apart up to 99,999.
func count(n live.Number) string {
	switch {
	case !n.Known():
		return none
	case n >= 99999.5:
		return scaled(float64(n), 1000, "", "k", "M", "G", "T")
	case n >= 999.5:
		v := int64(n + 0.5)
		return fmt.Sprintf("%d,%03d", v/1000, v%1000)
	}
	return strconv.FormatFloat(float64(n), 'f', 0, 64)
}

func rate(n live.Number) string {
	switch {
	case n > 0 && n < 0.1:
		return "<0.1"
	case n > 0 && n < 9.95:
		return strconv.FormatFloat(float64(n), 'f', 1, 64)
	}
	return count(n)
}

func size(n live.Number) string {
	if !n.Known() {
		return none
	}
	return scaled(float64(n), 1000, " B", " kB", " MB", " GB", " TB")
}

// took writes a time in seconds.
func took(n live.Number) string {
	s := float64(n)
	switch {
	case !n.Known():
		return none
	case s == 0:
		return "0"
	case s < 1e-6:
		return "<1µs"
	case s < 0.9995:
		return scaled(s*1e6, 1000, "µs", "ms")
	case s < 9.95:
		return strconv.FormatFloat(s, 'f', 1, 64) + "s"
	case s < 119.5:
		return strconv.FormatFloat(s, 'f', 0, 64) + "s"
	case s < 7200:
		return strconv.FormatFloat(s/60, 'f', 0, 64) + "m"
	case s < 172800:
		return strconv.FormatFloat(s/3600, 'f', 0, 64) + "h"
	}
	return strconv.FormatFloat(s/86400, 'f', 0, 64) + "d"
}

func ago(now, then time.Time) string { return took(live.Number(max(now.Sub(then).Seconds(), 0))) }

var eighths = []rune(" ▁▂▃▄▅▆▇█")

// spark draws the latest values in one line, so many wide; what nobody looked at is
// left out.
func spark(values []live.Number, width int) string {
	rows := bars(values, width, 1, 0)
	return rows[0]
}

// bars draws values as columns, the latest at the right, top row first. The highest
// fills them, unless top is more.
func bars(values []live.Number, width, height int, top live.Number) []string {
	values = values[max(len(values)-width, 0):]
	for _, v := range values {
		top = max(top, v)
	}
	rows := make([][]rune, height)
	for i := range rows {
		rows[i] = []rune(strings.Repeat(" ", width))
	}
	for x, v := range values {
		column := width - len(values) + x
		if !v.Known() {
			continue
		}
		filled := 1 // what is there is seen, also where it is 0
		if top > 0 {
			filled = max(int(float64(v)/float64(top)*float64(8*height)+0.5), 1)
		}
		for y := range rows {
			rows[height-1-y][column] = eighths[min(max(filled-8*y, 0), 8)]
		}
	}
	out := make([]string, height)
	for i := range rows {
		out[i] = string(rows[i])
	}
	return out
}

// gauge draws how full something is; what has no limit has no gauge.
func gauge(o *live.Object, width int) string {
	if !(o.Limit > 0) {
		if o.Level > 0 && o.Kind == "channel" {
			return strings.Repeat("░", width)
		}
		return strings.Repeat(" ", width)
	}
	filled := int(float64(min(max(o.Level, 0), o.Limit)/o.Limit)*float64(8*width) + 0.5)
	var b strings.Builder
	for range width {
		cell := min(filled, 8)
		filled -= cell
		if cell == 0 {
			b.WriteRune('·')
			continue
		}
		b.WriteRune([]rune(" ▏▎▍▌▋▊▉█")[cell])
	}
	return b.String()
}
