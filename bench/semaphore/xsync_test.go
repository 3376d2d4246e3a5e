package semaphore

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

const (
	theirs = `"golang.org/x/sync/semaphore"`
	ours   = `"github.com/weir-go/weir/bench/semaphore"`
)

// TestXSync runs the tests and examples of x/sync's semaphore, as they stand in the
// module cache, on weir's: their import is replaced, and nothing else. Once more
// with weir disabled.
func TestXSync(t *testing.T) {
	dir := strings.TrimSpace(goTool(t, "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sync"))
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	overlay := map[string]string{}
	tests, examples := 0, 0
	for _, name := range []string{"semaphore_test.go", "semaphore_example_test.go"} {
		text, err := os.ReadFile(filepath.Join(dir, "semaphore", name))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), theirs); n != 1 {
			t.Fatalf("%s imports %s %d times", name, theirs, n)
		}
		tests += len(regexp.MustCompile(`(?m)^func Test`).FindAll(text, -1))
		examples += len(regexp.MustCompile(`(?m)^func Example`).FindAll(text, -1))
		copied := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(copied, []byte(strings.Replace(string(text), theirs, ours, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay[filepath.Join(here, "theirs_"+name)] = copied
	}
	file := writeOverlay(t, overlay)
	for _, disable := range []string{"0", "1"} {
		t.Setenv("WEIR_DISABLE", disable)
		out := goTool(t, "test", "-overlay", file, "-count=1", "-v", "-cpu=1,8", "-vet=off",
			"-race="+race(), "-skip=^Test(XSync|Same|Linear|NoPermit)", ".")
		passed := len(regexp.MustCompile(`(?m)^--- PASS: `).FindAllString(out, -1))
		if tests < 10 || examples < 1 || passed != 2*tests+examples {
			t.Errorf("WEIR_DISABLE=%s: %d passed of %d tests on one processor and on eight, and %d examples:\n%s", disable, passed, tests, examples, out)
		}
	}
	t.Logf("%d tests on one processor and on eight, and %d examples", tests, examples)
}

func writeOverlay(t *testing.T, files map[string]string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"Replace": files})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func goTool(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// race reports, as the go command wants it, whether this test has the race detector.
func race() string {
	info, _ := debug.ReadBuildInfo()
	if slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return "true"
	}
	return "false"
}
