// Package e2e tests weir with the servers that its users have: Prometheus,
// Alertmanager and their tools, built by the go command from pinned modules. Only
// PagerDuty is a local stand-in. The live page is tested in headless Chromium, where
// there is one. Everything listens on loopback.
//
// It is a module of its own, outside the workspace, because it brings all of
// Prometheus with it.
package e2e
