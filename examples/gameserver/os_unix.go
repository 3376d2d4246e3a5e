//go:build unix

package main

import (
	"syscall"
	"time"
)

// openFiles is how many files the process may have open; known is false where the
// system does not say. (Go raises the soft limit to the hard one at start.)
func openFiles() (limit uint64, known bool) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 0, false
	}
	return r.Cur, true
}

// cpuTime is what the process has used of all processors.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
