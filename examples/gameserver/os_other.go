//go:build !unix

package main

import "time"

func openFiles() (limit uint64, known bool) { return 0, false }

func cpuTime() time.Duration { return 0 }
