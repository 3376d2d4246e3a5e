package main

import (
	"testing"

	"github.com/weir-go/weir/instrument"
)

func TestRun(t *testing.T) {
	r := instrument.NewRegistry()
	run(r)
	pools := r.Snapshot().Pools
	if len(pools) != 2 {
		t.Fatalf("%d pools", len(pools))
	}
	meter, watched := pools[0], pools[1]
	if meter.TasksOK != 100 || meter.Workers != 3 || meter.TaskRun.Count != 100 || meter.BusyTime <= 0 {
		t.Errorf("%+v", meter)
	}
	if watched.Workers != 3 || watched.QueueDepth < 90 || watched.HasBusy {
		t.Errorf("as it was when it was read: %+v", watched)
	}
}
