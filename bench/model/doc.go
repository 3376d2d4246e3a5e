// Package model holds a test and no code: random programs run on weir's channels
// and queues from many goroutines, and what they saw must be what a bounded,
// closable, first-in first-out channel may show. The same programs run on native
// channels, which tests the model, and on broken ones, which tests the test. It
// stands in this module so that the published one needs no checker; it may import
// anything.
package model
