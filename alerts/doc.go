// Package alerts makes what wakes somebody: Prometheus rules, one runbook for
// each, and an Alertmanager configuration that pages through PagerDuty. [Dist]
// has the files as they are shipped; [Files] makes them again for a team's own
// addresses, thresholds and durations.
//
// [Table] is the one table of alerts. A rule keeps the labels cluster,
// namespace, job, name, instance and pod of what it is about; Alertmanager groups
// by all but the last two, so that one page lists the instances.
//
// The package imports a YAML library and, in its tests, the table of metrics,
// against which every expression is held.
package alerts
