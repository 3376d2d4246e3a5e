package main

import (
	"bytes"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
)

// liveHeap is the heap without garbage. The lines show it with garbage, as the
// process's memory has it.
func liveHeap() uint64 {
	runtime.GC()
	return heapBytes()
}

func heapBytes() uint64 { return metric("/memory/classes/heap/objects:bytes") }

// collections is how often the garbage collector ran without being told.
func collections() uint64 { return metric("/gc/cycles/automatic:gc-cycles") }

// residentBytes is the memory that the process has now: the system's word, or where
// it gives none, what the Go runtime has mapped and not given back.
func residentBytes() uint64 {
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		if fields := bytes.Fields(text); len(fields) > 1 {
			if pages, err := strconv.ParseUint(string(fields[1]), 10, 64); err == nil {
				return pages * uint64(os.Getpagesize())
			}
		}
	}
	return metric("/memory/classes/total:bytes") - metric("/memory/classes/heap/released:bytes")
}

func metric(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
