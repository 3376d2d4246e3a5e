// Package weir is the root of a library that measures the channels, semaphores
// and worker pools of a Go program, so that a backlog, a lost permit or a stuck
// worker is seen on a dashboard and pages somebody before the process is out of
// memory.
//
// There is no code here. Start with package instrument, which wraps what a
// program has and imports the standard library only; package exporter serves the
// measurements to Prometheus; packages dashboards and alerts hold what is
// imported into Grafana, Prometheus and Alertmanager.
package weir
