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
	if len(pools) != 1 || pools[0].TasksOK != 9 || pools[0].TasksPanic != 1 || pools[0].Workers != crawlers || pools[0].TaskRun.Count != 10 {
		t.Errorf("%+v", pools)
	}
}
