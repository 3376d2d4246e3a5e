package main

import (
	"testing"

	"github.com/weir-go/weir/instrument"
)

func TestRun(t *testing.T) {
	r := instrument.NewRegistry()
	if err := run(r); err != nil {
		t.Fatal(err)
	}
	pools := r.Snapshot().Pools
	if len(pools) != 2 {
		t.Fatalf("%d pools", len(pools))
	}
	meter, watched := pools[0], pools[1]
	if meter.TasksOK != 4 || meter.Rejected != 2 || meter.Workers != 2 || meter.BusyTime <= 0 || meter.TaskRun.Count != 4 {
		t.Errorf("%+v", meter)
	}
	if watched.Workers != 2 || watched.Busy != 2 || watched.QueueDepth != 2 || watched.QueueCapacity != 2 || watched.Rejected != 2 {
		t.Errorf("as it was when it was read: %+v", watched)
	}
}
