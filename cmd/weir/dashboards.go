package main

import (
	"fmt"
	"io"

	"github.com/weir-go/weir/dashboards"
)

type dashboardsCommand struct {
	Out    string `short:"o" required:"" placeholder:"DIR" help:"Folder to write to; it is made if it does not exist."`
	Format string `placeholder:"FORMAT" help:"provisioning: files that Grafana reads from its disk; configmap: Kubernetes ConfigMaps for Grafana's sidecar; v2: resources in schema v2; JSON to import unless set."`

	Datasource   string `placeholder:"UID" help:"Prometheus data source that is selected at first (Grafana's default one unless set)."`
	Selector     string `placeholder:"MATCHERS" help:"Label matchers for every query, such as team=\"game\"."`
	MetricPrefix string `placeholder:"PREFIX" help:"What a collector puts before the names of metrics, such as game_."`
	Prefix       string `placeholder:"PREFIX" help:"Goes before uids and titles, for boards of your own beside others."`
	RunbookURL   string `placeholder:"URL" help:"Address that runbook links begin with."`

	Folder    string `placeholder:"TITLE" help:"Folder in Grafana, for provisioning and configmap (weir)."`
	Path      string `placeholder:"DIR" help:"Where Grafana's machine has the boards, for provisioning (${boards_path})."`
	Namespace string `placeholder:"NAME" help:"Kubernetes namespace, for configmap."`
}

// Run writes the dashboards.
func (c *dashboardsCommand) Run(stdout io.Writer) error {
	files, err := dashboards.Files(dashboards.Config{
		Datasource:   c.Datasource,
		Selector:     c.Selector,
		MetricPrefix: c.MetricPrefix,
		Prefix:       c.Prefix,
		RunbookURL:   c.RunbookURL,
		Format:       dashboards.Format(c.Format),
		Folder:       c.Folder,
		Path:         c.Path,
		Namespace:    c.Namespace,
	})
	if err != nil {
		return usageError{err}
	}
	if err := writeFiles(c.Out, files); err != nil {
		return fmt.Errorf("cannot write the dashboards: %w", err)
	}
	return report(stdout, c.Out, files)
}
