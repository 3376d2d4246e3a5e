// Package alerts makes what wakes somebody: rules for Prometheus, for Kubernetes and
// for Grafana, one runbook for each, and an Alertmanager configuration that pages
// through PagerDuty. [Dist] has the files as they are shipped; [Files] makes them
// again for a team's own addresses, thresholds and durations.
//
// [Table] is the one table of alerts, from which all of them are made. A rule keeps
// the labels cluster, namespace, job, name, instance and pod of what it is about, and
// adds the owner; Alertmanager groups by all but the last two and the owner, so that
// one page lists the instances. Gauges are asked over a time and never at one scrape:
// by their highest value where it is enough to have been true once, by their lowest
// where it must last.
//
// The package imports a YAML library and, in its tests, the table of metrics,
// against which every expression is held.
package alerts
