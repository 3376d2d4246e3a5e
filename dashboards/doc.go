// Package dashboards makes the Grafana boards of weir. [Dist] has them as they
// are shipped; [Files] makes them again for a team's own data source, labels
// and runbooks, also for Grafana's file provisioning, as Kubernetes ConfigMaps
// and in schema v2. [Build] returns them for a program to change.
//
// The boards answer in this order: is anything wrong, where, since when, why,
// and how large should it be. The overview ranks every channel, semaphore and
// pool and leads to the board of one object: weir-channel, weir-semaphore or
// weir-pool, with the variable name. weir-leaks finds the queue that holds the
// memory, weir-capacity recommends sizes.
//
// The JSON is Grafana's classic schema, which every supported version imports.
// It filters by cluster, namespace, job, instance and name, works where the
// cluster or namespace label does not exist, on one instance and on many, and
// with native histograms as with classic ones.
//
// Each board is one file here: what it asks stands in queries.go, how it is
// drawn in panels.go and tables.go. The package may import the Grafana
// Foundation SDK, internal/selector and, of weir, nothing but the table of
// metrics. It needs that in its tests only, which hold every query against it: a
// program that builds boards does not take in the instruments.
package dashboards
