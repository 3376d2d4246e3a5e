package alerts

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// alertmanagerFile is an Alertmanager configuration.
type alertmanagerFile struct {
	Route        route         `yaml:"route"`
	InhibitRules []inhibitRule `yaml:"inhibit_rules,omitempty"`
	Receivers    []receiver    `yaml:"receivers"`
}

type route struct {
	Receiver       string   `yaml:"receiver"`
	GroupBy        []string `yaml:"group_by,omitempty,flow"`
	GroupWait      string   `yaml:"group_wait,omitempty"`
	GroupInterval  string   `yaml:"group_interval,omitempty"`
	RepeatInterval string   `yaml:"repeat_interval,omitempty"`
	Matchers       []string `yaml:"matchers,omitempty"`
	Routes         []route  `yaml:"routes,omitempty"`
}

type inhibitRule struct {
	SourceMatchers []string `yaml:"source_matchers"`
	TargetMatchers []string `yaml:"target_matchers"`
	Equal          []string `yaml:"equal,flow"`
}

type receiver struct {
	Name      string      `yaml:"name"`
	PagerDuty []pagerDuty `yaml:"pagerduty_configs,omitempty"`
	Webhook   []webhook   `yaml:"webhook_configs,omitempty"`
}

// webhook takes its address from a file, because those of chat programs hold a
// secret.
type webhook struct {
	URLFile      string `yaml:"url_file"`
	SendResolved bool   `yaml:"send_resolved"`
}

// pagerDuty speaks the Events API v2: it has a routing key, never a service key,
// which would switch to version 1.
type pagerDuty struct {
	URL            string `yaml:"url,omitempty"`
	RoutingKeyFile string `yaml:"routing_key_file"`
	SendResolved   bool   `yaml:"send_resolved"`
	Description    string `yaml:"description"`
	Severity       string `yaml:"severity"`
	Source         string `yaml:"source"`
	Class          string `yaml:"class"`
	Component      string `yaml:"component"`
	Group          string `yaml:"group"`
	Client         string `yaml:"client"`
	ClientURL      string `yaml:"client_url"`
	Links          []link `yaml:"links"`
	Details        detail `yaml:"details"`
}

type link struct {
	Href string `yaml:"href"`
	Text string `yaml:"text"`
}

// detail replaces Alertmanager's default details, which are the whole group's
// text four times.
type detail struct {
	Description string `yaml:"description"`
	Instances   string `yaml:"instances"`
	Owner       string `yaml:"owner"`
	Firing      string `yaml:"firing"`
	NumFiring   string `yaml:"num_firing"`
	NumResolved string `yaml:"num_resolved"`
	Resolved    string `yaml:"resolved"`
}

// The templates below see a group of alerts. What the alerts of a group do not
// all share is empty in .CommonLabels and .CommonAnnotations, and PagerDuty
// refuses an event without severity, summary or source: so each of these is
// worked out from the alerts, and has something to fall back on. What has ended
// says nothing while something else goes on. The values of details are read as
// YAML after the template, where "a: b" is a map, so text in them has no colon
// before a space. (Quotes would stand in the page.) An owner that is a number, or
// begins with #, stays text behind a word.
const (
	current       = `(or .Alerts.Firing .Alerts)`
	worstSeverity = `{{ $worst := "info" }}{{ range ` + current + ` }}` +
		`{{ if eq .Labels.severity "critical" }}{{ $worst = "critical" }}` +
		`{{ else if and (eq .Labels.severity "warning") (ne $worst "critical") }}{{ $worst = "warning" }}{{ end }}` +
		`{{ end }}{{ $worst }}`
	// The summary is that of the worst alert. Where there are several, how many.
	worstSummary = `{{ $summary := "" }}{{ $worst := "" }}{{ range ` + current + ` }}` +
		`{{ if or (not $summary) (and (eq .Labels.severity "critical") (ne $worst "critical")) }}` +
		`{{ $summary = or .Annotations.summary $summary }}{{ $worst = .Labels.severity }}{{ end }}{{ end }}` +
		`{{ or $summary .GroupLabels.alertname "weir alert" }}` +
		`{{ if gt (len .Alerts.Firing) 1 }} ({{ len .Alerts.Firing }} alerts){{ end }}`
	firstSource = `{{ $source := "" }}{{ range ` + current + ` }}{{ if not $source }}{{ $source = or .Labels.pod .Labels.instance .Labels.job }}{{ end }}{{ end }}` +
		`{{ or $source .ExternalURL "weir" }}`
	firstDescription = `{{ $text := "" }}{{ range ` + current + ` }}{{ if not $text }}{{ $text = .Annotations.description }}{{ end }}{{ end }}{{ reReplaceAll ": " ", " $text }}`
	firstDashboard   = `{{ $url := "" }}{{ range ` + current + ` }}{{ if not $url }}{{ $url = .Annotations.dashboard_url }}{{ end }}{{ end }}{{ or $url .ExternalURL }}`
	firstRunbook     = `{{ $url := "" }}{{ range ` + current + ` }}{{ if not $url }}{{ $url = .Annotations.runbook_url }}{{ end }}{{ end }}{{ or $url .ExternalURL }}`
	firstOwner       = `{{ $owner := "" }}{{ range ` + current + ` }}{{ if not $owner }}{{ $owner = .Labels.owner }}{{ end }}{{ end }}{{ with $owner }}team {{ reReplaceAll ": " ", " . }}{{ else }}not set{{ end }}`
	allInstances     = `{{ range $i, $a := .Alerts }}{{ if $i }}, {{ end }}{{ or $a.Labels.pod $a.Labels.instance "unknown" }} {{ $a.Status }}{{ end }}`
)

// groupBy is what makes one incident: the alert and the object it is about, on
// all its instances.
var groupBy = []string{"alertname", "cluster", "namespace", "job", "kind", "name"}

// sameObject is where one alert mutes another: on one instance, so that the page
// of another instance that is less ill still comes.
var sameObject = []string{"cluster", "namespace", "job", "instance", "pod", "kind", "name"}

// The receivers.
const (
	nobody    = "nobody"
	pager     = "weir-pagerduty"
	secondWay = "weir-page-not-delivered"
)

func alertmanager(s settings) alertmanagerFile {
	return alertmanagerFile{
		// All that weir needs stands on its own routes: whoever moves them to a
		// configuration of their own must not inherit another grouping.
		Route:        route{Receiver: nobody, Routes: s.routes()},
		InhibitRules: s.inhibitRules(),
		Receivers:    append([]receiver{{Name: nobody}}, s.receivers()...),
	}
}

// snippet is what a configuration takes over that is there already.
type snippet struct {
	Routes       []route       `yaml:"routes"`
	InhibitRules []inhibitRule `yaml:"inhibit_rules,omitempty"`
	Receivers    []receiver    `yaml:"receivers"`
}

func alertmanagerSnippet(s settings) snippet {
	return snippet{s.routes(), s.inhibitRules(), s.receivers()}
}

// routes pages what is critical or a warning: the owner's own service, where it
// has one. That PagerDuty takes no pages must not be told to PagerDuty.
func (s settings) routes() []route {
	page := route{
		Receiver:       pager,
		GroupBy:        groupBy,
		GroupWait:      duration(s.GroupWait),
		GroupInterval:  duration(s.GroupInterval),
		RepeatInterval: duration(s.RepeatInterval),
		Matchers:       []string{`alertname=~"Weir.*"`, `severity=~"critical|warning"`},
	}
	for _, owner := range s.owners() {
		page.Routes = append(page.Routes, route{Receiver: pagerOf(owner), Matchers: []string{fmt.Sprintf("owner=%q", owner)}})
	}
	other := page
	other.Receiver, other.Matchers, other.Routes = secondWay, []string{`alertname="WeirPageNotDelivered"`}, nil
	return []route{other, page}
}

func (s settings) owners() []string { return slices.Sorted(maps.Keys(s.OwnerKeyFiles)) }

func pagerOf(owner string) string { return pager + " " + owner }

// inhibitRules leave one page where one cause has several alerts: the critical
// one, or of several warnings that which says most.
func (s settings) inhibitRules() []inhibitRule {
	rules := []inhibitRule{{
		SourceMatchers: []string{`alertname=~"Weir.*"`, `severity="critical"`, `name!=""`},
		TargetMatchers: []string{`alertname=~"Weir.*"`, `severity="warning"`},
		Equal:          sameObject,
	}}
	for _, a := range s.rows() {
		if muted := slices.DeleteFunc(a.Mutes, func(name string) bool { return !s.shipped(name) }); len(muted) > 0 {
			rules = append(rules, inhibitRule{
				SourceMatchers: []string{fmt.Sprintf("alertname=%q", a.Name)},
				TargetMatchers: []string{fmt.Sprintf("alertname=~%q", strings.Join(muted, "|"))},
				Equal:          sameObject,
			})
		}
	}
	return rules
}

func (s settings) receivers() []receiver {
	all := []receiver{
		{Name: pager, PagerDuty: []pagerDuty{s.pagerDuty(s.RoutingKeyFile)}},
		{Name: secondWay, Webhook: []webhook{{URLFile: s.FallbackURLFile, SendResolved: true}}},
	}
	for _, owner := range s.owners() {
		all = append(all, receiver{Name: pagerOf(owner), PagerDuty: []pagerDuty{s.pagerDuty(s.OwnerKeyFiles[owner])}})
	}
	return all
}

func (s settings) pagerDuty(keyFile string) pagerDuty {
	return pagerDuty{
		URL:            s.PagerDutyURL,
		RoutingKeyFile: keyFile,
		SendResolved:   true,
		Description:    worstSummary,
		Severity:       worstSeverity,
		Source:         firstSource,
		Class:          `{{ or .GroupLabels.alertname "weir alert" }}`,
		Component:      `{{ or .GroupLabels.name .GroupLabels.job "unknown" }}`,
		Group:          `{{ or .GroupLabels.job "unknown" }}`,
		Client:         "weir",
		ClientURL:      firstDashboard,
		Links:          []link{{firstDashboard, "Dashboard"}, {firstRunbook, "Runbook"}},
		Details: detail{
			Description: firstDescription,
			Instances:   allInstances,
			Owner:       firstOwner,
			// Alertmanager adds its own texts under these four names, the whole
			// group's labels twice among them, unless they are set.
			Firing:      `{{ .Alerts.Firing | len }} of {{ len .Alerts }}`,
			Resolved:    `{{ .Alerts.Resolved | len }} of {{ len .Alerts }}`,
			NumFiring:   `{{ .Alerts.Firing | len }}`,
			NumResolved: `{{ .Alerts.Resolved | len }}`,
		},
	}
}
