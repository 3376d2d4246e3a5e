package main

import (
	"strings"
	"testing"

	"github.com/weir-go/weir/leakscore/healthy"
	"github.com/weir-go/weir/leakscore/watch"
)

func TestFalseAlarms(t *testing.T) {
	suspect := func(evidence string) verdict {
		return verdict{wrong: []watch.Suspect{{Evidence: evidence}}}
	}
	for what, c := range map[string]struct {
		verdicts []verdict
		ok       bool
	}{
		"none":          {[]verdict{{}, {}}, true},
		"one heuristic": {[]verdict{suspect("heuristic"), {}}, true},
		"two heuristic": {[]verdict{suspect("heuristic"), suspect("heuristic")}, false},
		"proven":        {[]verdict{suspect("proven")}, false},
		"collected":     {[]verdict{suspect("collected")}, false},
	} {
		if err := falseAlarms(new(strings.Builder), "", c.verdicts); (err == nil) != c.ok {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The corpus is as large as was promised, and no name stands for two.
func TestPrograms(t *testing.T) {
	names := make(map[string]bool)
	for _, p := range healthy.Programs() {
		names[testName(p.Name)] = true
	}
	if len(names) < 20 || len(names) != len(healthy.Programs()) {
		t.Errorf("%d programs under %d names", len(healthy.Programs()), len(names))
	}
}
