package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/weir-go/weir/alerts"
)

type alertsCommand struct {
	Out  string `short:"o" placeholder:"DIR" help:"Folder to write to; it is made if it does not exist."`
	List bool   `help:"List the alerts with their severities, durations and thresholds, and write nothing."`

	Selector     string `placeholder:"MATCHERS" help:"Label matchers for every query, such as team=\"game\"."`
	RunbookURL   string `placeholder:"URL" help:"Address that runbook links begin with."`
	DashboardURL string `placeholder:"URL" help:"Address of Grafana."`
	MetricPrefix string `placeholder:"PREFIX" help:"What a collector puts before the names of metrics, such as game_."`
	BoardPrefix  string `placeholder:"PREFIX" help:"The --prefix that the boards were written with."`

	Without      []string                   `placeholder:"ALERT" help:"An alert that is not wanted; may be repeated."`
	For          map[string]time.Duration   `placeholder:"ALERT=DURATION" help:"How long the condition of an alert holds before it fires; may be repeated."`
	KeepFiring   map[string]time.Duration   `placeholder:"ALERT=DURATION" help:"How long an alert goes on after its condition ended; may be repeated."`
	Threshold    map[string]float64         `placeholder:"ALERT=NUMBER" help:"Threshold of an alert; may be repeated."`
	Severity     map[string]alerts.Severity `placeholder:"ALERT=SEVERITY" help:"Severity of an alert: critical, warning or info; may be repeated."`
	Lookback     time.Duration              `placeholder:"DURATION" help:"How far gauges are looked back, at least three scrape intervals (2m)."`
	Window       time.Duration              `placeholder:"DURATION" help:"Over how long growth is judged (10m)."`
	BudgetPeriod time.Duration              `placeholder:"DURATION" help:"How long a wait budget is to last (720h)."`
	Interval     time.Duration              `placeholder:"DURATION" help:"How often rules are evaluated (30s)."`

	Namespace string            `placeholder:"NAME" help:"Kubernetes namespace of the PrometheusRule."`
	RuleLabel map[string]string `placeholder:"KEY=VALUE" help:"Label of the PrometheusRule, such as release=prometheus; may be repeated."`

	PagerDutyURL           string            `name:"pagerduty-url" placeholder:"URL" help:"Events API v2, if not PagerDuty's own: a proxy or a test."`
	RoutingKeyFile         string            `placeholder:"FILE" help:"File with PagerDuty's integration key, on Alertmanager's machine."`
	OwnerKeyFile           map[string]string `placeholder:"OWNER=FILE" help:"File with the integration key of an owner's own service; may be repeated."`
	FallbackURLFile        string            `placeholder:"FILE" help:"File with the address of a webhook that is told when PagerDuty does not take a page."`
	Datasource             string            `placeholder:"UID" help:"Data source that Grafana's own rules ask (prometheus)."`
	GrafanaKeyFile         string            `placeholder:"FILE" help:"File with PagerDuty's integration key, on Grafana's machine."`
	GrafanaFallbackURLFile string            `placeholder:"FILE" help:"As --fallback-url-file, on Grafana's machine."`

	GroupWait      time.Duration `placeholder:"DURATION" help:"How long the first page waits for more of its group (30s)."`
	GroupInterval  time.Duration `placeholder:"DURATION" help:"How long the next page of a group waits (5m)."`
	RepeatInterval time.Duration `placeholder:"DURATION" help:"After how long a page that is still true is sent again (4h)."`
}

// Run writes the rules and the Alertmanager configuration, or lists the alerts.
func (c *alertsCommand) Run(stdout io.Writer) error {
	if c.List {
		return listAlerts(stdout)
	}
	if c.Out == "" {
		return usageError{fmt.Errorf("missing flags: --out=DIR (see weir alerts --help)")}
	}
	files, err := alerts.Files(alerts.Config{
		Selector:               c.Selector,
		RunbookURL:             c.RunbookURL,
		DashboardURL:           c.DashboardURL,
		MetricPrefix:           c.MetricPrefix,
		BoardPrefix:            c.BoardPrefix,
		Without:                c.Without,
		For:                    c.For,
		KeepFiring:             c.KeepFiring,
		Thresholds:             c.Threshold,
		Severities:             c.Severity,
		Lookback:               c.Lookback,
		Window:                 c.Window,
		BudgetPeriod:           c.BudgetPeriod,
		Interval:               c.Interval,
		RuleNamespace:          c.Namespace,
		RuleLabels:             c.RuleLabel,
		PagerDutyURL:           c.PagerDutyURL,
		RoutingKeyFile:         c.RoutingKeyFile,
		OwnerKeyFiles:          c.OwnerKeyFile,
		FallbackURLFile:        c.FallbackURLFile,
		Datasource:             c.Datasource,
		GrafanaKeyFile:         c.GrafanaKeyFile,
		GrafanaFallbackURLFile: c.GrafanaFallbackURLFile,
		GroupWait:              c.GroupWait,
		GroupInterval:          c.GroupInterval,
		RepeatInterval:         c.RepeatInterval,
	})
	if err != nil {
		return usageError{err}
	}
	if err := writeFiles(c.Out, files); err != nil {
		return fmt.Errorf("cannot write the alerts: %w", err)
	}
	return report(stdout, c.Out, files)
}

func listAlerts(stdout io.Writer) error {
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ALERT\tSEVERITY\tFOR\tKEEP FIRING\tTHRESHOLD")
	for _, a := range alerts.Table() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.Name, a.Severity, short(a.For), short(a.KeepFiring), threshold(a))
	}
	return w.Flush()
}

func threshold(a alerts.Alert) string {
	switch {
	case a.Unit != "":
		return fmt.Sprintf("%v %s", a.Threshold, a.Unit)
	case a.Program != "":
		return "set in the program"
	}
	return "-"
}

// short writes a duration without the zero parts that time.Duration adds.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	return s
}
