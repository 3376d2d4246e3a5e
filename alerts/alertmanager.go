package alerts

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
// worked out from the alerts, and has something to fall back on. The values of
// details are read as YAML after the template, where "a: b" is a map, so text in
// them has no colon before a space. (Quotes would stand in the page.) An owner
// that is a number, or begins with #, stays text behind a word.
const (
	worstSeverity = `{{ $worst := "info" }}{{ range .Alerts }}` +
		`{{ if eq .Labels.severity "critical" }}{{ $worst = "critical" }}` +
		`{{ else if and (eq .Labels.severity "warning") (ne $worst "critical") }}{{ $worst = "warning" }}{{ end }}` +
		`{{ end }}{{ $worst }}`
	firstSummary = `{{ $summary := "" }}{{ range .Alerts }}{{ if not $summary }}{{ $summary = .Annotations.summary }}{{ end }}{{ end }}` +
		`{{ or $summary .GroupLabels.alertname "weir alert" }}` +
		`{{ if gt (len .Alerts.Firing) 1 }} ({{ len .Alerts.Firing }} instances){{ end }}`
	firstSource = `{{ $source := "" }}{{ range .Alerts }}{{ if not $source }}{{ $source = or .Labels.pod .Labels.instance .Labels.job }}{{ end }}{{ end }}` +
		`{{ or $source .ExternalURL "weir" }}`
	firstDescription = `{{ $text := "" }}{{ range .Alerts }}{{ if not $text }}{{ $text = .Annotations.description }}{{ end }}{{ end }}{{ reReplaceAll ": " ", " $text }}`
	firstDashboard   = `{{ $url := "" }}{{ range .Alerts }}{{ if not $url }}{{ $url = .Annotations.dashboard_url }}{{ end }}{{ end }}{{ or $url .ExternalURL }}`
	firstRunbook     = `{{ $url := "" }}{{ range .Alerts }}{{ if not $url }}{{ $url = .Annotations.runbook_url }}{{ end }}{{ end }}{{ or $url .ExternalURL }}`
	firstOwner       = `{{ $owner := "" }}{{ range .Alerts }}{{ if not $owner }}{{ $owner = .Labels.owner }}{{ end }}{{ end }}{{ with $owner }}team {{ reReplaceAll ": " ", " . }}{{ else }}not set{{ end }}`
	allInstances     = `{{ range $i, $a := .Alerts }}{{ if $i }}, {{ end }}{{ or $a.Labels.pod $a.Labels.instance "unknown" }} {{ $a.Status }}{{ end }}`
)

// groupBy is what makes one incident: the alert and the object it is about, on
// all its instances.
var groupBy = []string{"alertname", "cluster", "namespace", "job", "name"}

func alertmanager(s settings) alertmanagerFile {
	return alertmanagerFile{
		Route: route{
			Receiver: "nobody",
			// All that weir needs stands on its own route: whoever moves that to a
			// configuration of their own must not inherit another grouping.
			Routes: []route{{
				Receiver:       "weir-pagerduty",
				GroupBy:        groupBy,
				GroupWait:      duration(s.GroupWait),
				GroupInterval:  duration(s.GroupInterval),
				RepeatInterval: duration(s.RepeatInterval),
				Matchers:       []string{`alertname=~"Weir.*"`, `severity=~"critical|warning"`},
			}},
		},
		// A channel that is stalled is full and refuses as well: one page is enough.
		InhibitRules: []inhibitRule{{
			SourceMatchers: []string{`alertname="WeirChannelStalled"`},
			TargetMatchers: []string{`alertname=~"WeirChannelFillingUp|WeirChannelRejecting"`},
			Equal:          []string{"cluster", "namespace", "job", "instance", "name"},
		}},
		Receivers: []receiver{{Name: "nobody"}, {Name: "weir-pagerduty", PagerDuty: []pagerDuty{s.pagerDuty()}}},
	}
}

func (s settings) pagerDuty() pagerDuty {
	return pagerDuty{
		URL:            s.PagerDutyURL,
		RoutingKeyFile: s.RoutingKeyFile,
		SendResolved:   true,
		Description:    firstSummary,
		Severity:       worstSeverity,
		Source:         firstSource,
		Class:          `{{ or .GroupLabels.alertname "weir alert" }}`,
		Component:      `{{ or .GroupLabels.name "unknown" }}`,
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
