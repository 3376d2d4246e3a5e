package main

import (
	"testing"

	"github.com/weir-go/weir/instrument"
)

func TestRun(t *testing.T) {
	r := instrument.NewRegistry()
	run(r)
	pools := r.Snapshot().Pools
	if len(pools) != 1 || pools[0].TasksOK != 100 || pools[0].Workers != workers || pools[0].BusyTime <= 0 {
		t.Errorf("%+v", pools)
	}
	if queues := r.Snapshot().Channels; len(queues) != 1 || queues[0].Sent != 100 || queues[0].Depth != 0 {
		t.Errorf("%+v", queues)
	}
}
