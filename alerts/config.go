package alerts

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/weir-go/weir/internal/prefix"
	"github.com/weir-go/weir/internal/selector"
)

const (
	// DefaultRunbookURL is where the runbooks stand.
	DefaultRunbookURL = "https://github.com/weir-go/weir/blob/main/alerts/runbooks"
	// DefaultDashboardURL is Grafana's own default address.
	DefaultDashboardURL = "http://localhost:3000"
	// DefaultRoutingKeyFile is where Alertmanager looks for PagerDuty's key.
	DefaultRoutingKeyFile = "/etc/alertmanager/pagerduty-routing-key"
	// DefaultFallbackURLFile is where Alertmanager looks for the address that is
	// told of pages that PagerDuty did not take.
	DefaultFallbackURLFile = "/etc/alertmanager/fallback-webhook-url"

	// DefaultDatasource is the uid of the Prometheus that Grafana asks.
	DefaultDatasource = "prometheus"
	// DefaultGrafanaKeyFile is where Grafana looks for PagerDuty's key.
	DefaultGrafanaKeyFile = "/etc/grafana/pagerduty-integration-key"
	// DefaultGrafanaFallbackURLFile is where Grafana looks for the address that is
	// told of pages that PagerDuty did not take.
	DefaultGrafanaFallbackURLFile = "/etc/grafana/fallback-webhook-url"
)

// Config is what a team may set. The zero Config makes the files in [Dist].
type Config struct {
	// Selector is label matchers, in PromQL, that every series must pass:
	// `team="game"`. Empty adds none.
	Selector string
	// RunbookURL is the address that runbook links begin with, in front of
	// /NAME.md. Empty means DefaultRunbookURL.
	RunbookURL string
	// DashboardURL is the address of Grafana. Empty means DefaultDashboardURL.
	DashboardURL string
	// MetricPrefix is what a collector puts before the names of metrics, such as
	// "game_" where weir_channel_depth arrives as game_weir_channel_depth. Empty
	// means that they arrive as they are exported.
	MetricPrefix string
	// BoardPrefix is the Prefix that the boards were made with: dashboard links
	// lead to those.
	BoardPrefix string

	// Without are alerts that are not wanted.
	Without []string
	// For and KeepFiring replace the durations of the alerts they name.
	For, KeepFiring map[string]time.Duration
	// Thresholds replaces the thresholds of the alerts they name, in the unit
	// that Table gives.
	Thresholds map[string]float64
	// Severities replaces the severities of the alerts they name.
	Severities map[string]Severity

	// Lookback is how far gauges are looked back, so that neither a missed
	// scrape nor an odd one matters: at least three scrape intervals. What has
	// to last must have lasted for it before For begins. Zero means 2 minutes.
	Lookback time.Duration
	// Window is over how long growth is judged; counters are looked at over half
	// of it, which must be at least two scrape intervals. Zero means 10 minutes.
	Window time.Duration
	// BudgetPeriod is the time for which a wait budget is to last; the windows of
	// its alert grow with it, from 5 minutes to 3 days. Zero means 30 days.
	BudgetPeriod time.Duration
	// Interval is how often rules are evaluated. Zero means 30 seconds.
	Interval time.Duration

	// RuleNamespace is the namespace of the PrometheusRule; empty leaves it to
	// whoever applies it. RuleLabels are labels that it needs to be selected by.
	RuleNamespace string
	RuleLabels    map[string]string

	// PagerDutyURL replaces the address of the Events API v2, for a proxy or
	// a test. Empty means PagerDuty's own.
	PagerDutyURL string
	// RoutingKeyFile is the file, on Alertmanager's machine, that holds the
	// integration key. Empty means DefaultRoutingKeyFile. The key itself is
	// never written: the files are to be committed.
	RoutingKeyFile string
	// OwnerKeyFiles is such a file for each owner (see WithOwner in instrument)
	// whose alerts go to a service of their own. All others go to that of
	// RoutingKeyFile.
	OwnerKeyFiles map[string]string
	// FallbackURLFile is the file, on Alertmanager's machine, that holds the
	// address of a webhook which is told when PagerDuty does not take a page.
	// Empty means DefaultFallbackURLFile.
	FallbackURLFile string
	// Datasource is the uid of the data source that Grafana's own rules ask.
	// Empty means DefaultDatasource.
	Datasource string
	// GrafanaKeyFile and GrafanaFallbackURLFile are what RoutingKeyFile and
	// FallbackURLFile are, on Grafana's machine. Empty means DefaultGrafanaKeyFile
	// and DefaultGrafanaFallbackURLFile.
	GrafanaKeyFile, GrafanaFallbackURLFile string
	// GroupWait, GroupInterval and RepeatInterval are Alertmanager's. Zero
	// means 30 seconds, 5 minutes and 4 hours.
	GroupWait, GroupInterval, RepeatInterval time.Duration
}

// settings is a Config that was found sound, with the defaults filled in.
type settings struct {
	Config
	selector []string
}

func (c Config) check() (settings, error) {
	s := settings{Config: c.withDefaults()}
	matchers, err := selector.Parse(c.Selector)
	for _, m := range matchers {
		s.selector = append(s.selector, m.String())
	}
	err = cmp.Or(err, // the first one: a line that can be acted on
		checkURL("runbook address", s.RunbookURL), checkURL("dashboard address", s.DashboardURL),
		prefix.CheckMetric(s.MetricPrefix), prefix.CheckBoard(s.BoardPrefix),
		checkURL("PagerDuty address", cmp.Or(s.PagerDutyURL, "https://events.pagerduty.com")),
		checkNames("without", s.Without), checkKeys("for", s.For), checkKeys("keep-firing", s.KeepFiring),
		checkKeys("threshold", s.Thresholds), checkKeys("severity", s.Severities),
		checkDurations(s.For), checkDurations(s.KeepFiring), checkThresholds(s.Thresholds), checkSeverities(s.Severities),
		checkOwners(s.OwnerKeyFiles), s.checkTimes(), s.checkPrometheusRule(), s.checkGrafana())
	return s, err
}

func (c Config) withDefaults() Config {
	c.RunbookURL = strings.TrimRight(cmp.Or(c.RunbookURL, DefaultRunbookURL), "/")
	c.DashboardURL = strings.TrimRight(cmp.Or(c.DashboardURL, DefaultDashboardURL), "/")
	c.RoutingKeyFile = cmp.Or(c.RoutingKeyFile, DefaultRoutingKeyFile)
	c.FallbackURLFile = cmp.Or(c.FallbackURLFile, DefaultFallbackURLFile)
	c.Lookback = cmp.Or(c.Lookback, 2*time.Minute)
	c.Window = cmp.Or(c.Window, 10*time.Minute)
	c.BudgetPeriod = cmp.Or(c.BudgetPeriod, defaultBudgetPeriod)
	c.Interval = cmp.Or(c.Interval, 30*time.Second)
	c.GroupWait = cmp.Or(c.GroupWait, 30*time.Second)
	c.GroupInterval = cmp.Or(c.GroupInterval, 5*time.Minute)
	c.RepeatInterval = cmp.Or(c.RepeatInterval, 4*time.Hour)
	return c.withGrafanaDefaults()
}

// shipped reports whether an alert is wanted.
func (c Config) shipped(name string) bool { return !slices.Contains(c.Without, name) }

func checkURL(what, address string) error {
	u, err := url.Parse(address)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == "" && u.Fragment == "" &&
		!strings.ContainsAny(address, " {}") { // braces would be a template in the rules
		return nil
	}
	return fmt.Errorf("%s %q is not one: give one like https://example.com/weir", what, address)
}

func checkKeys[V any](option string, byName map[string]V) error {
	return checkNames(option, slices.Sorted(maps.Keys(byName)))
}

// checkNames reports names that are in no row of the table.
func checkNames(option string, asked []string) error {
	known := names()
	for _, name := range asked {
		if !slices.Contains(known, name) {
			return fmt.Errorf("%s: there is no alert %q: the alerts are %s", option, name, strings.Join(known, ", "))
		}
	}
	return nil
}

func checkDurations(byName map[string]time.Duration) error {
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if d := byName[name]; d < 0 || d%time.Millisecond != 0 {
			return fmt.Errorf("%s: duration %v: give whole milliseconds, not less than 0", name, d)
		}
	}
	return nil
}

func checkThresholds(byName map[string]float64) error {
	for _, a := range Table() {
		v, ok := byName[a.Name]
		most, limit := 1e15, ""
		if strings.HasPrefix(a.Unit, "share") {
			most = cmp.Or(a.most, 1)
			limit = fmt.Sprintf(" and at most %.3g", most)
		}
		switch {
		case !ok:
		case a.Unit == "" && a.Program != "":
			return fmt.Errorf("threshold: %s has none to set here: the program sets it", a.Name)
		case a.Unit == "":
			return fmt.Errorf("threshold: %s has none", a.Name)
		case !(v > 0) || v > most:
			return fmt.Errorf("threshold: %s=%v: give a number above 0%s, in %s", a.Name, v, limit, a.Unit)
		}
	}
	return nil
}

func checkSeverities(byName map[string]Severity) error {
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if s := byName[name]; !slices.Contains(severities, s) {
			return fmt.Errorf("severity: %s=%s: give critical, warning or info", name, s)
		}
	}
	return nil
}

// plainOwner is what a team's name has to be to become part of a receiver's.
var plainOwner = regexp.MustCompile(`^[\w.@/+ -]{1,128}$`)

func checkOwners(files map[string]string) error {
	for _, owner := range slices.Sorted(maps.Keys(files)) {
		switch {
		case !plainOwner.MatchString(owner):
			return fmt.Errorf("owner %q: give letters, digits, spaces and any of . _ @ / + -", owner)
		case files[owner] == "":
			return fmt.Errorf("owner %q: give the file that holds the key of its service", owner)
		}
	}
	return nil
}

func (s settings) checkTimes() error {
	for _, x := range []struct {
		name string
		d    time.Duration
		min  time.Duration
	}{
		{"lookback", s.Lookback, time.Second}, {"window", s.Window, 2 * time.Second}, {"interval", s.Interval, time.Second},
		{"budget period", s.BudgetPeriod, time.Hour},
		{"group wait", s.GroupWait, time.Millisecond}, {"group interval", s.GroupInterval, time.Second},
		{"repeat interval", s.RepeatInterval, time.Second},
	} {
		if x.d < x.min || x.d%time.Millisecond != 0 {
			return fmt.Errorf("%s %v: give whole milliseconds, at least %v", x.name, x.d, x.min)
		}
	}
	return nil
}
