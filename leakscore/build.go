package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/weir-go/weir/leakscore/compress"
	"github.com/weir-go/weir/leakscore/gotree"
	"github.com/weir-go/weir/leakscore/rewrite"
)

// rewrittenMain runs the case that the command line names under watch.
const rewrittenMain = `package main

import "github.com/weir-go/weir/leakscore/watch"

func main() { watch.Main(cmds) }
`

// suite is the GoKer suite, built twice.
type suite struct {
	cases     []gotree.Case
	made      map[string]int // places that make a channel, by file
	native    string         // executable of the programs as they are
	rewritten string         // and on weir's channels
}

// buildSuite builds the cases into dir. The rewritten files exist there alone: an
// overlay makes the go command believe that they stand in this module.
func buildSuite(dir string, opts rewrite.Options) (*suite, error) {
	tree, err := gotree.Find()
	if err != nil {
		return nil, err
	}
	cases, err := tree.Cases()
	if err != nil {
		return nil, err
	}
	s := &suite{cases: cases, native: filepath.Join(dir, "native"), rewritten: filepath.Join(dir, "rewritten")}
	names := []string{"main.go"}
	for _, c := range cases {
		names = append(names, c.File)
	}
	result, err := rewrite.Package(tree.Dir, names, opts)
	if err != nil {
		return nil, err
	}
	s.made = result.Made
	files := map[string][]byte{filepath.Join(rewrittenFolder, "leakscore_main.go"): []byte(rewrittenMain)}
	for name, text := range result.Files {
		files[filepath.Join(rewrittenFolder, name)] = text
	}
	overlay, err := compressed(dir, factor, files)
	if err != nil {
		return nil, err
	}
	if err := goCommand(".", "build", overlay, "-o", s.rewritten, "./"+rewrittenFolder); err != nil {
		return nil, err
	}
	return s, goCommand(tree.Dir, "build", "-o", s.native, ".")
}

// rewrittenFolder is where the go command sees the rewritten programs. There is
// no such folder.
const rewrittenFolder = "rewritten"

// compressed writes an overlay into dir, in which instrument runs faster and there
// are some more files, and returns the flag that has the go command use it.
func compressed(dir string, factor int, more map[string][]byte) (flag string, err error) {
	files, err := compress.Package(filepath.Join("..", "instrument"), factor)
	if err != nil {
		return "", err
	}
	maps.Copy(files, more)
	replace := make(map[string]string)
	for name, text := range files {
		name, err = filepath.Abs(name)
		if err != nil {
			return "", err
		}
		at := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(at, text, 0o600); err != nil {
			return "", err
		}
		replace[name] = at
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	at := filepath.Join(dir, "overlay.json")
	return "-overlay=" + at, os.WriteFile(at, text, 0o600)
}

func goCommand(dir string, args ...string) error { return goCommandIn(nil, dir, args...) }

// goCommandIn runs the go command with more in its environment.
func goCommandIn(env []string, dir string, args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
