package healthy

import (
	"os"
	"runtime/pprof"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/leakscore/watch"
)

// mostFalse is how many heuristic suspects there may be in the whole corpus.
const mostFalse = 1

// TestHealthy runs the corpus against the library as it is, with its own thresholds,
// in the fake time of a bubble: an hour each.
func TestHealthy(t *testing.T) {
	proof := pprof.Lookup("goroutineleak") != nil
	if !proof {
		t.Log("no proof is taken: run with GOEXPERIMENT=goroutineleakprofile")
	}
	PlantLeak()
	heuristic := 0
	for _, p := range Programs() {
		t.Run(p.Name, func(t *testing.T) {
			var r watch.Report
			synctest.Test(t, func(*testing.T) { r = Watch(p, 30*time.Second) })
			if os.Getenv(watch.PlanVariable) != "" {
				watch.Write(r) // a parent makes a table of it
			}
			decoys, wrong := Judge(r)
			if !decoys[watch.Wrappers] || proof && !decoys[watch.Proof] {
				t.Errorf("the decoys were not named, so nobody looked: %+v", r.Suspects)
			}
			for _, x := range wrong {
				if x.Evidence == "heuristic" {
					heuristic++
					t.Logf("suspected: %+v", x)
				} else {
					t.Errorf("%s wrongly: %+v", x.Evidence, x)
				}
			}
		})
	}
	if heuristic > mostFalse {
		t.Errorf("%d heuristic suspects in healthy programs, at most %d may be", heuristic, mostFalse)
	}
}
