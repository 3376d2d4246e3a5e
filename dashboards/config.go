package dashboards

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/weir-go/weir/internal/selector"
)

// DefaultRunbookURL is where the runbooks of weir's alerts stand.
const DefaultRunbookURL = "https://github.com/weir-go/weir/blob/main/alerts/runbooks"

// Config is what a team may set. The zero Config makes the boards in [Dist].
type Config struct {
	// Datasource is the uid of the Prometheus data source that is selected
	// when a board is opened; readers can still choose another. Empty means
	// Grafana's default one.
	Datasource string

	// Selector is label matchers, in PromQL, that every query gets beside
	// those of the board's variables: `team="game", env!~"dev.*"`. Alerts are
	// matched by it only as far as they carry the label. Empty adds none.
	Selector string

	// RunbookURL is the address that the links to runbooks begin with,
	// without a slash at its end. Empty means DefaultRunbookURL.
	RunbookURL string
}

// settings is a Config that was found sound.
type settings struct {
	datasource string
	selector   []selector.Matcher
	runbooks   string
}

func (c Config) check() (settings, error) {
	matchers, selectorErr := selector.Parse(c.Selector)
	runbooks := strings.TrimRight(cmp.Or(c.RunbookURL, DefaultRunbookURL), "/")
	err := errors.Join(checkDatasource(c.Datasource), selectorErr, checkRunbookURL(runbooks))
	if err != nil {
		err = fmt.Errorf("dashboards: %w", err)
	}
	return settings{datasource: c.Datasource, selector: matchers, runbooks: runbooks}, err
}

var datasourceUID = regexp.MustCompile(`^[a-zA-Z0-9_-]{0,40}$`)

func checkDatasource(uid string) error {
	if datasourceUID.MatchString(uid) {
		return nil
	}
	return fmt.Errorf("data source %q is not the uid of one: a uid has at most 40 letters, digits, - and _; it stands in the address of the data source's page in Grafana", uid)
}

func checkRunbookURL(address string) error {
	u, err := url.Parse(address)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == "" && u.Fragment == "" {
		return nil
	}
	return fmt.Errorf("runbook address %q is not one that a page's name can follow: give one like https://wiki.example.com/runbooks", address)
}
