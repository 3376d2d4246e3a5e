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
