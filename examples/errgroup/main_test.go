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
	ours, theirs := pools[0], pools[1]
	if ours.TasksOK != 9 || ours.TasksError != 1 || ours.Busy != 0 || ours.TaskRun.Count != 10 {
		t.Errorf("%+v", ours)
	}
	if theirs.TasksOK != 5 || theirs.HasWorkers {
		t.Errorf("%+v", theirs)
	}
}
