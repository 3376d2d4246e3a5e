package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// toolFlags builds Prometheus without its service discoveries, which are most of
// its dependencies.
const toolFlags = "-tags=remove_all_sd"

var tools sync.Map // name -> func() (string, error)

// tool returns the path of a server or tool that go.mod names. The go command
// builds it the first time, which takes minutes, and keeps it in its cache.
func tool(t *testing.T, name string) string {
	t.Helper()
	find, _ := tools.LoadOrStore(name, sync.OnceValues(func() (string, error) {
		cmd := exec.Command("go", "tool", "-n", name)
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS="+os.Getenv("GOFLAGS")+" "+toolFlags)
		return output(cmd)
	}))
	path, err := find.(func() (string, error))()
	if err != nil {
		t.Fatalf("go tool -n %s: %v", name, err)
	}
	return path
}

// output runs a command and returns what it prints, trimmed. Its error has what
// the command said.
func output(cmd *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = errors.Join(err, errors.New(strings.TrimSpace(string(out)+stderr.String())))
	}
	return strings.TrimSpace(string(out)), err
}

// program builds one of weir's own programs, through the workspace, as a user of
// a clone does.
func program(t *testing.T, pkg string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-o", bin, "./"+pkg)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GOWORK=") // whatever this module is tested with
	if _, err := output(cmd); err != nil {
		t.Fatalf("go build ./%s: %v", pkg, err)
	}
	return bin
}

// ownProgram builds a program of this module.
func ownProgram(t *testing.T, name string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", "build", "-o", bin, "./"+name)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if _, err := output(cmd); err != nil {
		t.Fatalf("go build ./%s: %v", name, err)
	}
	return bin
}
