package selector

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		``:                              ``,
		`team="game"`:                   `team="game"`,
		`team = "game" , env!~"dev.*",`: `team="game" env!~"dev.*"`,
		"a='it\\'s',b=`raw\\d`":         `a="it's" b="raw\\d"`,
		`a=~"x|y",b!=""`:                `a=~"x|y" b!=""`,
		`a="\"}{,"`:                     `a="\"}{,"`,
	} {
		all, err := Parse(in)
		if err != nil {
			t.Errorf("Parse(%s): %v", in, err)
			continue
		}
		var parts []string
		for _, m := range all {
			parts = append(parts, m.String())
		}
		if got := strings.Join(parts, " "); got != want {
			t.Errorf("Parse(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for in, want := range map[string]string{
		`{team="game"}`:      "braces",
		`team`:               "no list of PromQL label matchers",
		`team=game`:          "no list of PromQL label matchers",
		`team="game" x="y"`:  "no list of PromQL label matchers",
		`,team="game"`:       "comma",
		`a="x",,b="y"`:       "comma",
		`a=~"("`:             "regular expression",
		`a="\d"`:             "backslash",
		`__name__="up"`:      "__name__",
		"a=\"x\ny\"":         "no list of PromQL label matchers",
		`a="x"} or vector(1`: "no list of PromQL label matchers",
	} {
		all, err := Parse(in)
		if err == nil || all != nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "selector") {
			t.Errorf("Parse(%q) = %v, %v; want an error with %q", in, all, err, want)
		}
	}
}

func TestOrAbsent(t *testing.T) {
	for in, want := range map[string]string{
		`a="x.y"`:  `a=~"|x\\.y"`,
		`a=~"x|y"`: `a=~"|x|y"`,
		`a!="x"`:   `a!="x"`,
		`a!~"x"`:   `a!~"x"`,
	} {
		all, err := Parse(in)
		if err != nil || len(all) != 1 {
			t.Fatalf("Parse(%s) = %v, %v", in, all, err)
		}
		if got := all[0].OrAbsent().String(); got != want {
			t.Errorf("%s or absent = %s, want %s", in, got, want)
		}
	}
}
