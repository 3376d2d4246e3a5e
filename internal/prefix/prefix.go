// Package prefix checks what teams put before the names of metrics and boards, to
// which the boards and the alerts have to agree.
package prefix

import (
	"fmt"
	"regexp"
)

var (
	metric = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)?$`)
	board  = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,23}[a-z0-9])?)?$`)
)

// CheckMetric returns an error if the names of metrics cannot begin with p.
func CheckMetric(p string) error {
	if metric.MatchString(p) {
		return nil
	}
	return fmt.Errorf("metric prefix %q is not how a metric's name can begin: it has letters, digits and _, such as game_", p)
}

// CheckBoard returns an error if the uid of a board cannot begin with p.
func CheckBoard(p string) error {
	if board.MatchString(p) {
		return nil
	}
	return fmt.Errorf("prefix %q cannot begin a board's uid: it has at most 25 lower-case letters, digits and -, such as game", p)
}

// OfBoard returns what stands before a uid: p with its hyphen.
func OfBoard(p string) string {
	if p == "" {
		return ""
	}
	return p + "-"
}
