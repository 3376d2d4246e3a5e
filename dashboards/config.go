package dashboards

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/weir-go/weir/internal/prefix"
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

	// MetricPrefix is what a collector puts before the names of metrics, such as
	// "game_" where weir_channel_depth arrives as game_weir_channel_depth. Empty
	// means that they arrive as they are exported.
	MetricPrefix string

	// Prefix is put before the uid and the title of every board and before the
	// tag, with a hyphen, so that several sets can be in one Grafana: "game"
	// makes game-weir-overview. Alerts lead to them by their own BoardPrefix.
	Prefix string

	// RunbookURL is the address that the links to runbooks begin with,
	// without a slash at its end. Empty means DefaultRunbookURL.
	RunbookURL string

	// Format is what Files makes: JSON to import unless set.
	Format Format

	// Folder is the folder in Grafana that Provisioning and ConfigMaps put the
	// boards into. Empty means "weir".
	Folder string

	// Path is where Grafana finds the boards of Provisioning, on its own machine.
	// Empty means DefaultPath.
	Path string

	// Namespace is the Kubernetes namespace of ConfigMaps. Empty leaves it to
	// whoever applies them.
	Namespace string
}

// DefaultPath is where the boards are when the files of Provisioning were put
// into the folder from which Grafana reads its providers of dashboards.
const DefaultPath = "/etc/grafana/provisioning/dashboards/weir"

// Format is a way to bring boards into Grafana.
type Format string

// The formats.
const (
	Classic      Format = ""             // JSON in the classic schema, which every supported Grafana imports
	V2           Format = "v2"           // resources in schema v2, for the API of Grafana 13 and later
	Provisioning Format = "provisioning" // classic JSON, and the file that has Grafana read it from its disk
	ConfigMaps   Format = "configmap"    // for Kubernetes: the sidecar of Grafana's Helm chart finds them by a label
)

// settings is a Config that was found sound.
type settings struct {
	datasource   string
	selector     []selector.Matcher
	metricPrefix string
	prefix       string // of uids and the tag, with its hyphen
	titlePrefix  string
	runbooks     string
}

func (c Config) check() (settings, error) {
	matchers, selectorErr := selector.Parse(c.Selector)
	s := settings{datasource: c.Datasource, selector: matchers, metricPrefix: c.MetricPrefix,
		runbooks: strings.TrimRight(cmp.Or(c.RunbookURL, DefaultRunbookURL), "/")}
	if c.Prefix != "" {
		s.prefix, s.titlePrefix = prefix.OfBoard(c.Prefix), c.Prefix+" / "
	}
	err := errors.Join(
		checkPattern(datasourceUID, c.Datasource, "data source %q is not the uid of one: a uid has at most 40 letters, digits, - and _; it stands in the address of the data source's page in Grafana"),
		selectorErr,
		prefix.CheckMetric(c.MetricPrefix),
		prefix.CheckBoard(c.Prefix),
		checkRunbookURL(s.runbooks),
		c.checkFormat(),
		checkPattern(plainText, c.Folder, "folder %q is not the title of a folder: it has no / and no line breaks"),
		checkPattern(onePath, c.Path, "path %q is not one of a folder on Grafana's machine: it has no line breaks"),
		checkPattern(namespace, c.Namespace, "namespace %q is not one of Kubernetes: it has at most 63 lower-case letters, digits and -, and begins and ends with a letter or digit"))
	if err != nil {
		err = fmt.Errorf("dashboards: %w", err)
	}
	return s, err
}

var (
	datasourceUID = regexp.MustCompile(`^[a-zA-Z0-9_-]{0,40}$`)
	plainText     = regexp.MustCompile(`^[^/[:cntrl:]]*$`)
	onePath       = regexp.MustCompile(`^[^[:cntrl:]]*$`)
	namespace     = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$`)
)

func checkPattern(pattern *regexp.Regexp, value, wrong string) error {
	if pattern.MatchString(value) {
		return nil
	}
	return fmt.Errorf(wrong, value)
}

func (c Config) checkFormat() error {
	switch c.Format {
	case Classic, V2, Provisioning, ConfigMaps:
		return nil
	}
	return fmt.Errorf("format %q is none: give %q, %q or %q, or nothing for JSON to import", c.Format, V2, Provisioning, ConfigMaps)
}

func checkRunbookURL(address string) error {
	u, err := url.Parse(address)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == "" && u.Fragment == "" {
		return nil
	}
	return fmt.Errorf("runbook address %q is not one that a page's name can follow: give one like https://wiki.example.com/runbooks", address)
}
