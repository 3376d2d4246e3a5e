package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// x/sync's own tests of errgroup, as the module cache has them, hold for Group with
// only the constructor changed. They are laid over this module's files, not copied
// into them: see the folder errgroup.
func TestErrgroupsOwnTests(t *testing.T) {
	dir := output(t, "go", "list", "-f", "{{.Dir}}", "golang.org/x/sync/errgroup")
	const made = `instrument.NewGroup("errgroup")`
	for name, constructor := range map[string]string{"measured": made, "disabled": made, "zero": "new(instrument.Group)"} {
		t.Run(name, func(t *testing.T) {
			if name == "disabled" {
				t.Setenv("WEIR_DISABLE", "1")
			}
			change := strings.NewReplacer(
				`"golang.org/x/sync/errgroup"`, `"github.com/weir-go/weir/instrument"`,
				"new(errgroup.Group)", constructor,
				"&errgroup.Group{}", constructor,
				"errgroup.WithContext(ctx)", `instrument.GroupWithContext(ctx, "errgroup")`,
				"errgroup.WithContext(context.Background())", `instrument.GroupWithContext(context.Background(), "errgroup")`,
			)
			overlay := overlayTests(t, dir, change)
			out := output(t, "go", "test", "-race", "-v", "-count=1", "-overlay", overlay, "./errgroup")
			for _, test := range []string{"TestZeroGroup", "TestWithContext", "TestTryGo", "TestGoLimit", "TestCancelCause", "ExampleGroup_parallel"} {
				if !strings.Contains(out, "--- PASS: "+test+" ") {
					t.Errorf("%s did not pass:\n%s", test, out)
				}
			}
		})
	}
}

// overlayTests changes the tests in dir and lays them over the folder errgroup. It
// returns the overlay's file.
func overlayTests(t *testing.T, dir string, change *strings.Replacer) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%s has the tests %q (%v)", dir, files, err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	var overlay struct{ Replace map[string]string }
	overlay.Replace = make(map[string]string)
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		changed := change.Replace(string(text))
		if strings.Contains(changed, "errgroup.Group") || strings.Contains(changed, "errgroup.With") {
			t.Errorf("%s uses errgroup still", f)
		}
		to := filepath.Join(temp, filepath.Base(f))
		write(t, to, []byte(changed))
		overlay.Replace[filepath.Join(here, "errgroup", filepath.Base(f))] = to
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(temp, "overlay.json")
	write(t, file, text)
	return file
}

func write(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// output runs a command of the go tool that tests this module.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return strings.TrimSpace(string(out))
}
