package instrument

import (
	"testing"
	"time"
)

func TestRise(t *testing.T) {
	for what, c := range map[string]struct {
		floors []int64
		limit  time.Duration
		want   int64
	}{
		"four rises":                {[]int64{2, 3, 5, 6, 9}, time.Minute, 7},
		"with rests between":        {[]int64{0, 1, 1, 2, 2, 2, 3, 4}, time.Minute, 4},
		"three rises":               {[]int64{2, 3, 4, 5}, time.Second, 0},
		"not for long enough":       {[]int64{2, 3, 4, 5, 6}, time.Hour, 0},
		"load that falls again":     {[]int64{0, 1, 2, 3, 2, 3, 4, 5}, time.Second, 0},
		"after it fell once, again": {[]int64{7, 0, 1, 2, 3, 4}, time.Minute, 4},
		"level":                     {[]int64{5, 5, 5, 5, 5, 5, 5}, time.Second, 0},
	} {
		var x rise
		at := int64(epochOffset)
		for _, floor := range c.floors {
			at += int64(windowLength)
			x.look(at, floor)
			x.look(at+1, floor+100) // within a window: not looked at
		}
		if got := x.suspect(at, c.limit, permitRises); got != c.want {
			t.Errorf("%s: %d, not %d", what, got, c.want)
		}
	}
}

func TestGrows(t *testing.T) {
	for what, c := range map[string]struct {
		floors []int64
		limit  time.Duration
		want   int64
	}{
		"three times":               {[]int64{2, 3, 5, 7}, time.Second, 5},
		"twice":                     {[]int64{2, 3, 5}, time.Second, 0},
		"not for long enough":       {[]int64{2, 3, 5, 7}, time.Hour, 0},
		"filled, and stands":        {[]int64{0, 300, 900, 1024, 1024}, time.Second, 0},
		"for long, with a rest":     {[]int64{0, 1, 2, 3, 4, 5, 5}, time.Second, 5},
		"for long, and stands":      {[]int64{0, 1, 2, 3, 4, 5, 5, 5, 5}, time.Second, 0},
		"a burst that drains":       {[]int64{0, 500, 900, 950, 300}, time.Second, 0},
		"fell once, and again grew": {[]int64{9, 0, 4, 8, 9}, time.Second, 9},
	} {
		var x rise
		at := int64(epochOffset)
		for _, floor := range c.floors {
			at += int64(windowLength)
			x.look(at, floor)
		}
		if got := x.grows(at+int64(time.Second), c.limit); got != c.want {
			t.Errorf("%s: %d, not %d", what, got, c.want)
		}
	}
}
