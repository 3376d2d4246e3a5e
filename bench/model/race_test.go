//go:build race

package model

const (
	raceEnabled = true
	// meetSpins is how often one looks for another to begin with: some microseconds.
	meetSpins = 100
)
