//go:build !race

package model

const (
	raceEnabled = false
	// meetSpins is how often one looks for another to begin with: some microseconds.
	meetSpins = 2000
)
