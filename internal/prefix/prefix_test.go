package prefix

import (
	"strings"
	"testing"
)

func TestChecks(t *testing.T) {
	for _, c := range []struct {
		check    func(string) error
		fit, not []string
	}{
		{CheckMetric, []string{"", "game_", "a:b_", "_"}, []string{"game-", "1_", "up or ", "ä_"}},
		{CheckBoard, []string{"", "game", "my-team", "a", strings.Repeat("x", 25)}, []string{"Game", "-game", "game-", "a/b", strings.Repeat("x", 26)}},
	} {
		for _, p := range c.fit {
			if err := c.check(p); err != nil {
				t.Error(err)
			}
		}
		for _, p := range c.not {
			if err := c.check(p); err == nil || !strings.Contains(err.Error(), p) {
				t.Errorf("%q: %v", p, err)
			}
		}
	}
}

func TestOfBoard(t *testing.T) {
	if OfBoard("") != "" || OfBoard("game") != "game-" {
		t.Errorf("%q, %q", OfBoard(""), OfBoard("game"))
	}
}
