// Package scale has no code: it is the configuration, for more than one machine,
// that the README beside it explains. Its test makes the recording rules.
package scale
