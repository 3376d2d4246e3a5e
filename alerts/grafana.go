package alerts

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// grafanaFile is what Grafana's file provisioning reads for alerting. It has no
// notification policies: those of a file replace the whole tree that is there.
type grafanaFile struct {
	APIVersion    int            `yaml:"apiVersion"`
	ContactPoints []contactPoint `yaml:"contactPoints"`
	Groups        []grafanaGroup `yaml:"groups,omitempty"`
}

type contactPoint struct {
	OrgID     int               `yaml:"orgId"`
	Name      string            `yaml:"name"`
	Receivers []grafanaReceiver `yaml:"receivers"`
}

type grafanaReceiver struct {
	UID                   string `yaml:"uid"`
	Type                  string `yaml:"type"`
	Settings              any    `yaml:"settings"`
	DisableResolveMessage bool   `yaml:"disableResolveMessage"`
}

type grafanaPagerDuty struct {
	IntegrationKey string            `yaml:"integrationKey"`
	URL            string            `yaml:"url,omitempty"`
	Severity       string            `yaml:"severity"`
	Class          string            `yaml:"class"`
	Component      string            `yaml:"component"`
	Group          string            `yaml:"group"`
	Summary        string            `yaml:"summary"`
	Source         string            `yaml:"source"`
	Client         string            `yaml:"client"`
	ClientURL      string            `yaml:"client_url"`
	Details        map[string]string `yaml:"details"`
}

type grafanaWebhook struct {
	URL        string `yaml:"url"`
	HTTPMethod string `yaml:"httpMethod"`
}

type grafanaGroup struct {
	OrgID    int           `yaml:"orgId"`
	Name     string        `yaml:"name"`
	Folder   string        `yaml:"folder"`
	Interval string        `yaml:"interval"`
	Rules    []grafanaRule `yaml:"rules"`
}

type grafanaRule struct {
	UID           string         `yaml:"uid"`
	Title         string         `yaml:"title"`
	Condition     string         `yaml:"condition"`
	Data          []grafanaQuery `yaml:"data"`
	NoDataState   string         `yaml:"noDataState"`
	ExecErrState  string         `yaml:"execErrState"`
	For           string         `yaml:"for"`
	KeepFiringFor string         `yaml:"keepFiringFor,omitempty"`
	Annotations   annotations    `yaml:"annotations"`
	Labels        labels         `yaml:"labels"`
	IsPaused      bool           `yaml:"isPaused"`

	Notification *notification `yaml:"notification_settings,omitempty"`
}

type grafanaQuery struct {
	RefID         string    `yaml:"refId"`
	Range         timeRange `yaml:"relativeTimeRange"`
	DatasourceUID string    `yaml:"datasourceUid"`
	Model         any       `yaml:"model"`
}

// timeRange is in seconds before now.
type timeRange struct {
	From int `yaml:"from"`
	To   int `yaml:"to"`
}

type promQLModel struct {
	RefID   string `yaml:"refId"`
	Expr    string `yaml:"expr"`
	Instant bool   `yaml:"instant"`
	Range   bool   `yaml:"range"`
}

type thresholdModel struct {
	RefID      string               `yaml:"refId"`
	Type       string               `yaml:"type"`
	Expression string               `yaml:"expression"`
	Conditions []thresholdCondition `yaml:"conditions"`
}

type thresholdCondition struct {
	Evaluator evaluator `yaml:"evaluator"`
}

type evaluator struct {
	Type   string `yaml:"type"`
	Params []int  `yaml:"params,flow"`
}

// notification is where one rule's alerts go, whatever the policies say.
type notification struct {
	Receiver       string   `yaml:"receiver"`
	GroupBy        []string `yaml:"group_by,flow"`
	GroupWait      string   `yaml:"group_wait"`
	GroupInterval  string   `yaml:"group_interval"`
	RepeatInterval string   `yaml:"repeat_interval"`
}

const grafanaOrg = 1

// Grafana puts environment variables in where a dollar sign stands, in some fields
// and in some versions. So there is none in this file but those of $__file, and the
// templates do without variables. All alerts of a group are of one rule here, because
// titles are unique, so they share their severity.
const (
	grafanaFirst    = `(index (or .Alerts.Firing .Alerts) 0)`
	grafanaSummary  = `{{ or ` + grafanaFirst + `.Annotations.summary .CommonLabels.alertname "weir alert" }}{{ if gt (len .Alerts.Firing) 1 }} ({{ len .Alerts.Firing }} alerts){{ end }}`
	grafanaSource   = `{{ with ` + grafanaFirst + ` }}{{ or .Labels.pod .Labels.instance .Labels.job "weir" }}{{ end }}`
	grafanaBoard    = `{{ or ` + grafanaFirst + `.Annotations.dashboard_url .ExternalURL }}`
	grafanaRunbook  = `{{ or ` + grafanaFirst + `.Annotations.runbook_url .ExternalURL }}`
	grafanaText     = `{{ or ` + grafanaFirst + `.Annotations.description "none" }}`
	grafanaOwner    = `{{ or ` + grafanaFirst + `.Labels.owner "not set" }}`
	grafanaProcess  = `{{ range .Alerts }}{{ or .Labels.pod .Labels.instance "unknown" }} {{ .Status }} {{ end }}`
	grafanaExprData = "__expr__"
)

func grafana(s settings) grafanaFile {
	file := grafanaFile{APIVersion: 1, ContactPoints: []contactPoint{
		{grafanaOrg, pager, []grafanaReceiver{{UID: pager, Type: "pagerduty", Settings: s.grafanaPagerDuty()}}},
		{grafanaOrg, secondWay, []grafanaReceiver{{UID: secondWay, Type: "webhook", Settings: grafanaWebhook{fromFile(s.GrafanaFallbackURLFile), "POST"}}}},
	}}
	q := query{settings: s, notifier: "grafana_alerting_notifications_failed_total"}
	group := grafanaGroup{OrgID: grafanaOrg, Name: "weir", Folder: "weir", Interval: duration(roundUp(s.Interval, grafanaTick))}
	for _, a := range s.rows() {
		group.Rules = append(group.Rules, s.grafanaRule(a, q))
	}
	if len(group.Rules) > 0 {
		file.Groups = append(file.Groups, group)
	}
	return file
}

// grafanaTick is what Grafana's intervals are multiples of.
const grafanaTick = 10 * time.Second

func roundUp(d, to time.Duration) time.Duration { return (d + to - 1) / to * to }

// fromFile has Grafana put in the content of a file.
func fromFile(path string) string { return "$__file{" + path + "}" }

func (s settings) grafanaPagerDuty() grafanaPagerDuty {
	return grafanaPagerDuty{
		IntegrationKey: fromFile(s.GrafanaKeyFile),
		URL:            s.PagerDutyURL,
		Severity:       `{{ or .CommonLabels.severity "critical" }}`,
		Class:          `{{ or .CommonLabels.alertname "weir alert" }}`,
		Component:      `{{ or .CommonLabels.name .CommonLabels.job "unknown" }}`,
		Group:          `{{ or .CommonLabels.job "unknown" }}`,
		Summary:        grafanaSummary,
		Source:         grafanaSource,
		Client:         "weir",
		ClientURL:      grafanaBoard,
		Details: map[string]string{
			"description":  grafanaText,
			"dashboard":    grafanaBoard, // it has no links of its own
			"runbook":      grafanaRunbook,
			"instances":    grafanaProcess,
			"owner":        grafanaOwner,
			"firing":       `{{ .Alerts.Firing | len }} of {{ len .Alerts }}`,
			"resolved":     `{{ .Alerts.Resolved | len }} of {{ len .Alerts }}`,
			"num_firing":   `{{ .Alerts.Firing | len }}`,
			"num_resolved": `{{ .Alerts.Resolved | len }}`,
		},
	}
}

// grafanaRule asks in A what the Prometheus rule asks. What is found is above 0, and
// no answer is the healthy state.
func (s settings) grafanaRule(a Alert, q query) grafanaRule {
	r := s.rule(a, q)
	title := a.Name
	if len(rowsOf(a.Name)) > 1 {
		title += " " + string(a.row)
	}
	return grafanaRule{
		UID:       grafanaUID(title),
		Title:     title,
		Condition: "B",
		Data: []grafanaQuery{
			{"A", timeRange{From: 600}, s.Datasource, promQLModel{RefID: "A", Expr: r.Expr, Instant: true}},
			{"B", timeRange{From: 600}, grafanaExprData, thresholdModel{RefID: "B", Type: "threshold", Expression: "A", Conditions: []thresholdCondition{{evaluator{"gt", []int{0}}}}}},
		},
		NoDataState:   "OK",
		ExecErrState:  "Error",
		For:           duration(a.For),
		KeepFiringFor: r.KeepFiringFor,
		Annotations: annotations{
			Summary:     grafanaTemplate(r.Annotations.Summary),
			Description: grafanaTemplate(r.Annotations.Description),
			Runbook:     r.Annotations.Runbook,
			Dashboard:   grafanaTemplate(r.Annotations.Dashboard),
		},
		Labels:       r.Labels,
		Notification: s.notification(a),
	}
}

func rowsOf(name string) (rows []Alert) {
	for _, a := range Table() {
		if a.Name == name {
			rows = append(rows, a)
		}
	}
	return rows
}

// grafanaUID makes weir-channel-full of WeirChannelFull.
func grafanaUID(title string) string {
	var b strings.Builder
	for i, c := range title {
		switch {
		case c == ' ':
			b.WriteByte('-')
		case unicode.IsUpper(c) && i > 0:
			b.WriteByte('-')
			fallthrough
		default:
			b.WriteRune(unicode.ToLower(c))
		}
	}
	return b.String()
}

// grafanaTemplate writes a template of Prometheus as Grafana has it: there $value is
// a text about all queries.
func grafanaTemplate(text string) string {
	return strings.NewReplacer("$labels.", ".Labels.", "$value", ".Values.A.Value").Replace(text)
}

// notification returns where an alert goes. What wakes nobody is left to the
// policies that there are.
func (s settings) notification(a Alert) *notification {
	if a.Severity == Info {
		return nil
	}
	to := pager
	if a.about.unowned {
		to = secondWay
	}
	return &notification{
		Receiver:       to,
		GroupBy:        append([]string{"grafana_folder"}, groupBy...), // without it Grafana refuses the rest
		GroupWait:      duration(s.GroupWait),
		GroupInterval:  duration(s.GroupInterval),
		RepeatInterval: duration(s.RepeatInterval),
	}
}

var datasourceForm = regexp.MustCompile(`^[\w-]{1,40}$`)

func (s settings) checkGrafana() error {
	if !datasourceForm.MatchString(s.Datasource) {
		return fmt.Errorf("data source %q: give the uid of one, up to 40 letters, digits, - and _", s.Datasource)
	}
	for _, path := range []string{s.GrafanaKeyFile, s.GrafanaFallbackURLFile} {
		if strings.ContainsAny(path, "{}$\n") {
			return fmt.Errorf("file %q: Grafana cannot read names with braces or dollar signs", path)
		}
	}
	return nil
}

func (c Config) withGrafanaDefaults() Config {
	c.Datasource = cmp.Or(c.Datasource, DefaultDatasource)
	c.GrafanaKeyFile = cmp.Or(c.GrafanaKeyFile, DefaultGrafanaKeyFile)
	c.GrafanaFallbackURLFile = cmp.Or(c.GrafanaFallbackURLFile, DefaultGrafanaFallbackURLFile)
	return c
}
