package main

import (
	"fmt"
	"io"

	"github.com/weir-go/weir/dashboards"
)

type dashboardsCommand struct {
	Out        string `short:"o" required:"" placeholder:"DIR" help:"Folder to write to; it is made if it does not exist."`
	Datasource string `placeholder:"UID" help:"Prometheus data source that is selected at first (Grafana's default one unless set)."`
	Selector   string `placeholder:"MATCHERS" help:"Label matchers for every query, such as team=\"game\"."`
	RunbookURL string `placeholder:"URL" help:"Address that runbook links begin with."`
}

// Run writes the dashboards.
func (c *dashboardsCommand) Run(stdout io.Writer) error {
	files, err := dashboards.Files(dashboards.Config{
		Datasource: c.Datasource,
		Selector:   c.Selector,
		RunbookURL: c.RunbookURL,
	})
	if err != nil {
		return usageError{err}
	}
	if err := writeFiles(c.Out, files); err != nil {
		return fmt.Errorf("cannot write the dashboards: %w", err)
	}
	return report(stdout, c.Out, files)
}
