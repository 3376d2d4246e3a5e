package alerts

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/weir-go/weir/internal/selector"
)

const (
	// DefaultRunbookURL is where the runbooks stand.
	DefaultRunbookURL = "https://github.com/weir-go/weir/blob/main/alerts/runbooks"
	// DefaultDashboardURL is Grafana's own default address.
	DefaultDashboardURL = "http://localhost:3000"
	// DefaultRoutingKeyFile is where Alertmanager looks for PagerDuty's key.
	DefaultRoutingKeyFile = "/etc/alertmanager/pagerduty-routing-key"
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

	// For and KeepFiring replace the durations of the alerts they name.
	For, KeepFiring map[string]time.Duration
	// Thresholds replaces the thresholds of the alerts they name, in the unit
	// that Table gives.
	Thresholds map[string]float64

	// Lookback is how far gauges are looked back, so that neither a missed
	// scrape nor an odd one matters: at least three scrape intervals. What has
	// to last must have lasted for it before For begins. Zero means 2 minutes.
	Lookback time.Duration
	// Window is over how long growth is judged; refusals are counted over half
	// of it, which must be at least two scrape intervals. Zero means 10 minutes.
	Window time.Duration
	// Interval is how often rules are evaluated. Zero means 30 seconds.
	Interval time.Duration

	// PagerDutyURL replaces the address of the Events API v2, for a proxy or
	// a test. Empty means PagerDuty's own.
	PagerDutyURL string
	// RoutingKeyFile is the file, on Alertmanager's machine, that holds the
	// integration key. Empty means DefaultRoutingKeyFile. The key itself is
	// never written: the files are to be committed.
	RoutingKeyFile string
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
		checkURL("PagerDuty address", cmp.Or(s.PagerDutyURL, "https://events.pagerduty.com")),
		checkNames("for", s.For), checkNames("keep-firing", s.KeepFiring), checkNames("threshold", s.Thresholds),
		checkDurations(s.For), checkDurations(s.KeepFiring), checkThresholds(s.Thresholds), s.checkTimes())
	return s, err
}

func (c Config) withDefaults() Config {
	c.RunbookURL = strings.TrimRight(cmp.Or(c.RunbookURL, DefaultRunbookURL), "/")
	c.DashboardURL = strings.TrimRight(cmp.Or(c.DashboardURL, DefaultDashboardURL), "/")
	c.RoutingKeyFile = cmp.Or(c.RoutingKeyFile, DefaultRoutingKeyFile)
	c.Lookback = cmp.Or(c.Lookback, 2*time.Minute)
	c.Window = cmp.Or(c.Window, 10*time.Minute)
	c.Interval = cmp.Or(c.Interval, 30*time.Second)
	c.GroupWait = cmp.Or(c.GroupWait, 30*time.Second)
	c.GroupInterval = cmp.Or(c.GroupInterval, 5*time.Minute)
	c.RepeatInterval = cmp.Or(c.RepeatInterval, 4*time.Hour)
	return c
}

func checkURL(what, address string) error {
	u, err := url.Parse(address)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == "" && u.Fragment == "" &&
		!strings.ContainsAny(address, " {}") { // braces would be a template in the rules
		return nil
	}
	return fmt.Errorf("%s %q is not one: give one like https://example.com/weir", what, address)
}

// checkNames reports names that are in no row of the table.
func checkNames[V any](option string, byName map[string]V) error {
	var known []string
	for _, a := range Table() {
		known = append(known, a.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
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
		switch {
		case !ok:
		case a.Unit == "":
			return fmt.Errorf("threshold: %s has none to set here: the program sets it", a.Name)
		case !(v > 0) || v > 1e15 || (strings.HasPrefix(a.Unit, "share") && v > 1):
			return fmt.Errorf("threshold: %s=%v: give a number above 0, in %s", a.Name, v, a.Unit)
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
		{"group wait", s.GroupWait, time.Millisecond}, {"group interval", s.GroupInterval, time.Second},
		{"repeat interval", s.RepeatInterval, time.Second},
	} {
		if x.d < x.min || x.d%time.Millisecond != 0 {
			return fmt.Errorf("%s %v: give whole milliseconds, at least %v", x.name, x.d, x.min)
		}
	}
	return nil
}
