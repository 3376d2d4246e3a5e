package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-go/weir/alerts"
	"github.com/weir-go/weir/dashboards"
)

// call runs the command and returns its exit code and output.
func call(args ...string) (code int, stdout, stderr string) {
	var out, err strings.Builder
	code = run(args, &out, &err)
	return code, out.String(), err.String()
}

// TestShipped holds that the command without settings writes what is shipped.
func TestShipped(t *testing.T) {
	for command, shipped := range map[string]interface {
		ReadFile(string) ([]byte, error)
	}{"dashboards": dashboards.Dist, "alerts": alerts.Dist} {
		dir := filepath.Join(t.TempDir(), "new", "folder")
		code, stdout, stderr := call(command, "-o", dir)
		if code != 0 || stderr != "" {
			t.Fatalf("%s: exit %d, %s", command, code, stderr)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) < 2 {
			t.Fatalf("%s wrote %v (%v), want all that is shipped", command, entries, err)
		}
		for _, e := range entries {
			got, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			want, err := shipped.ReadFile("dist/" + e.Name())
			if err != nil || string(got) != string(want) {
				t.Errorf("%s differs from what is shipped (%v)", e.Name(), err)
			}
			if !strings.Contains(stdout, filepath.Join(dir, e.Name())+"\n") {
				t.Errorf("%s is not reported in %q", e.Name(), stdout)
			}
		}
	}
}

func TestSettings(t *testing.T) {
	dir := t.TempDir()
	code, _, stderr := call("alerts", "-o", dir, "--selector", `team="game"`, "--for", "WeirTaskStuck=5s",
		"--threshold", "WeirQueueGrowing=7", "--lookback", "6s", "--pagerduty-url", "http://127.0.0.1:9/v2/enqueue",
		"--without", "WeirSeriesOverflow", "--severity", "WeirChannelStalled=info", "--budget-period", "168h",
		"--owner-key-file", "realtime=/run/realtime", "--fallback-url-file", "/run/webhook", "--rule-label", "release=kps", "--namespace", "mon",
		"--datasource", "prom-eu", "--grafana-key-file", "/run/grafana-key", "--metric-prefix", "game_", "--board-prefix", "game")
	if code != 0 {
		t.Fatal(stderr)
	}
	for file, wants := range map[string][]string{
		alerts.RulesFile:          {`team="game"`, "for: 5s", ") > 7\n", "[6s]", "ratio_rate14m", "severity: info\n", "game_weir_pool_tasks_total", "/d/game-weir-pool?"},
		alerts.GrafanaFile:        {"datasourceUid: prom-eu", "$__file{/run/grafana-key}", "keepFiringFor", "14m]"},
		alerts.PrometheusRuleFile: {"release: kps", "namespace: mon", "for: 5s"},
		alerts.AlertmanagerFile:   {`owner="realtime"`, "routing_key_file: /run/realtime", "url_file: /run/webhook"},
	} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s has no %q", file, want)
			}
		}
		if strings.Contains(string(text), "WeirSeriesOverflow") {
			t.Errorf("%s has an alert that is not wanted", file)
		}
	}
	code, _, stderr = call("dashboards", "-o", dir, "--datasource", "prom-eu", "--selector", `team="game"`)
	board, err := os.ReadFile(filepath.Join(dir, "weir-channel.json"))
	if code != 0 || err != nil || !strings.Contains(string(board), "prom-eu") || !strings.Contains(string(board), `team=\"game\"`) {
		t.Errorf("exit %d, %s, %v: the settings are not in the board", code, stderr, err)
	}
}

// TestFormats holds what is written for each way to bring the boards into Grafana.
func TestFormats(t *testing.T) {
	for format, want := range map[string]struct{ file, has string }{
		"v2":           {"game-weir-pool.json", `"apiVersion": "dashboard.grafana.app/v2"`},
		"provisioning": {"weir/game-weir-pool.json", `"uid": "game-weir-pool"`},
		"configmap":    {"game-weir-pool.yaml", "namespace: monitoring"},
	} {
		dir := t.TempDir()
		code, stdout, stderr := call("dashboards", "-o", dir, "--format", format, "--prefix", "game", "--metric-prefix", "game_",
			"--namespace", "monitoring", "--folder", "Backlogs", "--path", "/srv/boards")
		path := filepath.Join(dir, want.file)
		board, err := os.ReadFile(path)
		if code != 0 || err != nil || !strings.Contains(stdout, path+"\n") {
			t.Fatalf("%s: exit %d, %q, %q, %v", format, code, stdout, stderr, err)
		}
		if text := string(board); !strings.Contains(text, want.has) || !strings.Contains(text, "game_weir_pool_workers{") {
			t.Errorf("%s: %s has no %q, or not the prefix", format, want.file, want.has)
		}
		provider, err := os.ReadFile(filepath.Join(dir, "weir.yaml"))
		if made := err == nil; made != (format == "provisioning") || made && !strings.Contains(string(provider), "/srv/boards") {
			t.Errorf("%s: the provider is %q (%v)", format, provider, err)
		}
	}
}

func TestHelpAndList(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"alerts", "--help"}, {"dashboards", "--help"}, {"alerts", "--list"}} {
		code, stdout, stderr := call(args...)
		if code != 0 || stderr != "" || len(stdout) < 200 {
			t.Errorf("%v: exit %d, %q, %q", args, code, stdout, stderr)
		}
	}
	_, stdout, _ := call("alerts", "--list")
	for _, a := range alerts.Table() {
		if !strings.Contains(stdout, a.Name) {
			t.Errorf("--list leaves out %s", a.Name)
		}
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args []string
		code int
		want string
	}{
		"no command":        {nil, 2, "expected one of"},
		"unknown command":   {[]string{"boards"}, 2, "boards"},
		"unknown flag":      {[]string{"alerts", "--nonsense"}, 2, "--nonsense"},
		"no folder":         {[]string{"alerts"}, 2, "--out"},
		"no folder either":  {[]string{"dashboards"}, 2, "--out"},
		"bad duration":      {[]string{"alerts", "-o", dir, "--for", "WeirTaskStuck=soon"}, 2, "soon"},
		"negative duration": {[]string{"alerts", "-o", dir, "--lookback=-1s"}, 2, "lookback -1s"},
		"unknown alert":     {[]string{"alerts", "-o", dir, "--for", "Weir=1s"}, 2, `no alert "Weir"`},
		"unknown severity":  {[]string{"alerts", "-o", dir, "--severity", "WeirTaskStuck=urgent"}, 2, "WeirTaskStuck=urgent: give critical, warning or info"},
		"no such alert":     {[]string{"alerts", "-o", dir, "--without", "WeirTask"}, 2, `no alert "WeirTask"`},
		"bad owner":         {[]string{"alerts", "-o", dir, "--owner-key-file", `a"b=/key`}, 2, "owner"},
		"bad label":         {[]string{"alerts", "-o", dir, "--rule-label", "release=a b"}, 2, "release=a b"},
		"bad source":        {[]string{"alerts", "-o", dir, "--datasource", "${DS}"}, 2, `data source "${DS}"`},
		"bad period":        {[]string{"alerts", "-o", dir, "--budget-period", "30d"}, 2, "30d"},
		"bad threshold":     {[]string{"alerts", "-o", dir, "--threshold", "WeirTaskStuck=many"}, 2, "many"},
		"bad selector":      {[]string{"dashboards", "-o", dir, "--selector", "{}"}, 2, "braces"},
		"bad address":       {[]string{"alerts", "-o", dir, "--dashboard-url", "grafana"}, 2, `"grafana"`},
		"bad format":        {[]string{"dashboards", "-o", dir, "--format", "yaml"}, 2, `format "yaml"`},
		"bad prefix":        {[]string{"dashboards", "-o", dir, "--prefix", "Game!"}, 2, `prefix "Game!"`},
		"bad metric prefix": {[]string{"dashboards", "-o", dir, "--metric-prefix", "a b"}, 2, `metric prefix "a b"`},
		"bad namespace":     {[]string{"dashboards", "-o", dir, "--format", "configmap", "--namespace", "A"}, 2, `namespace "A"`},
		"two at once":       {[]string{"dashboards", "-o", dir, "--datasource", "a b", "--runbook-url", "x"}, 2, `data source "a b"`},
		"unwritable":        {[]string{"alerts", "-o", filepath.Join(file, "sub")}, 1, "not a directory"},
		"a file":            {[]string{"dashboards", "-o", file}, 1, "not a directory"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := call(tt.args...)
			if code != tt.code || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != 1 || stdout != "" {
				t.Errorf("exit %d, %q, %q; want exit %d and one line with %q", code, stdout, stderr, tt.code, tt.want)
			}
		})
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("after errors there are %v (%v), want the one file that was there", entries, err)
	}
}

// TestAllOrNothing holds that a file that cannot take its place leaves nothing
// half-written behind.
func TestAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "b.json", "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := writeFiles(dir, map[string][]byte{"b.json": []byte("b"), "c.json": []byte("c")})
	if err == nil {
		t.Fatal("wrote over a folder")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "b.json" {
		t.Errorf("left behind: %v (%v)", entries, err)
	}
}
