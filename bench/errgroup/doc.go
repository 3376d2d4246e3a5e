// Package errgroup is empty. It is where x/sync's own tests of errgroup run on
// weir's Group: see TestErrgroupsOwnTests in the folder above, which lays them over
// this one.
package errgroup
