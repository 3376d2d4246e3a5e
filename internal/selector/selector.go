// Package selector reads the label matchers that a team adds to every query of
// the dashboards and the alerts. It imports the standard library only: a PromQL
// parser would bring all of Prometheus with it.
package selector

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Matcher is one condition of a PromQL selector.
type Matcher struct {
	Label, Op, Value string
}

// String writes the matcher as PromQL.
func (m Matcher) String() string { return m.Label + m.Op + strconv.Quote(m.Value) }

// OrAbsent returns a matcher that a series without the label passes too. The
// negative operators let it pass already.
func (m Matcher) OrAbsent() Matcher {
	switch m.Op {
	case "=":
		return Matcher{m.Label, "=~", "|" + regexp.QuoteMeta(m.Value)}
	case "=~":
		return Matcher{m.Label, "=~", "|" + m.Value}
	}
	return m
}

// The value is a PromQL string: quoted as Go quotes, or raw in backticks.
// PromQL has the same escapes in single quotes.
var matcherAtStart = regexp.MustCompile(
	`^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|` + "`[^`]*`" + `)\s*(,|$)`)

// Parse reads label matchers as they stand between the braces of a
// PromQL selector.
func Parse(selector string) ([]Matcher, error) {
	var all []Matcher
	for rest := selector; strings.TrimSpace(rest) != ""; {
		found := matcherAtStart.FindStringSubmatch(rest)
		if found == nil {
			return nil, selectorError(selector, rest)
		}
		m, err := newMatcher(found[1], found[2], found[3])
		if err != nil {
			return nil, fmt.Errorf("selector %q: %w", selector, err)
		}
		all = append(all, m)
		rest = rest[len(found[0]):]
	}
	return all, nil
}

func selectorError(selector, rest string) error {
	const form = `give matchers like team="game",env!~"dev.*"`
	rest = strings.TrimSpace(rest)
	switch {
	case strings.HasPrefix(rest, "{"):
		return fmt.Errorf("selector %q has braces: leave them out, each query has its own", selector)
	case strings.HasPrefix(rest, ","):
		return fmt.Errorf("selector %q has a comma with no matcher before it: %s", selector, form)
	}
	return fmt.Errorf("selector %q is no list of PromQL label matchers from %q on: %s", selector, rest, form)
}

func newMatcher(label, op, quoted string) (Matcher, error) {
	if label == "__name__" {
		return Matcher{}, fmt.Errorf("the label __name__ is the metric's name, which each query sets itself: take it out")
	}
	value, err := unquote(quoted)
	if err != nil || !utf8.ValidString(value) {
		return Matcher{}, fmt.Errorf("%s is not a string of UTF-8 with PromQL's escapes: in a regular expression a backslash stands twice", quoted)
	}
	if strings.HasSuffix(op, "~") {
		if _, err := regexp.Compile(value); err != nil {
			return Matcher{}, fmt.Errorf("the value of %s is no regular expression (RE2): %w", label, err)
		}
	}
	return Matcher{label, op, value}, nil
}

// unquote reads a PromQL string. Go has single quotes for one character only.
func unquote(quoted string) (string, error) {
	if quoted[0] != '\'' {
		return strconv.Unquote(quoted)
	}
	var b strings.Builder
	for rest := quoted[1 : len(quoted)-1]; rest != ""; {
		char, multibyte, tail, err := strconv.UnquoteChar(rest, '\'')
		if err != nil {
			return "", err
		}
		if char < utf8.RuneSelf || !multibyte {
			b.WriteByte(byte(char))
		} else {
			b.WriteRune(char)
		}
		rest = tail
	}
	return b.String(), nil
}
