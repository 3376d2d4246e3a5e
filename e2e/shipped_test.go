package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestShippedFiles has the tools of Prometheus and Alertmanager read what is
// shipped, and run the alerts' own test cases.
func TestShippedFiles(t *testing.T) {
	cases, err := filepath.Glob("../alerts/tests/*.yaml")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no test cases (%v)", err)
	}
	commands := [][]string{
		{"promtool", "check", "rules", "--lint=all", "--lint-fatal", "../alerts/dist/weir-rules.yaml"},
		{"amtool", "check-config", "../alerts/dist/alertmanager.yaml"},
	}
	for _, file := range cases {
		commands = append(commands, []string{"promtool", "test", "rules", file})
	}
	for _, c := range commands {
		t.Run(filepath.Base(c[len(c)-1]), func(t *testing.T) {
			t.Parallel()
			out, err := output(exec.Command(tool(t, c[0]), c[1:]...))
			if err != nil {
				t.Errorf("%v: %v", c, err)
			}
			t.Logf("%v\n%s", c, out)
		})
	}
}

// TestToolsRefuse shows that the checks above can fail.
func TestToolsRefuse(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	write(t, bad, "groups: [{name: g, rules: [{alert: A, expr: 'up +'}]}]\nroute: {receiver: nobody}\n")
	for _, c := range [][]string{
		{"promtool", "check", "rules", "--lint=all", "--lint-fatal", bad},
		{"amtool", "check-config", bad},
	} {
		if out, err := output(exec.Command(tool(t, c[0]), c[1:]...)); err == nil {
			t.Errorf("%v accepts nonsense: %s", c, out)
		}
	}
}
