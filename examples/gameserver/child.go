package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/weir-go/weir/instrument"
)

// childGrace is how long a child may take to end when it was told to.
const childGrace = 30 * time.Second

// message is a line of what -json prints: a sample each second, the result last.
type message struct {
	Sample *sample `json:",omitempty"`
	Result *result `json:",omitempty"`
}

// playForParent is -json. It ends when standard input does, so that no game goes on
// when the program that wanted it is gone.
func playForParent(ctx context.Context, cfg config, stdin io.Reader, stdout io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	quiet := instrument.NewRegistry(instrument.WithLogger(slog.New(slog.DiscardHandler))) // the result has the suspects
	out := json.NewEncoder(stdout)
	r, err := play(ctx, cfg, quiet, func(_ *game, s sample) error { return out.Encode(message{Sample: &s}) })
	return errors.Join(err, out.Encode(message{Result: &r}))
}

// args are the command line that makes a child play as cfg says.
func (c config) args() []string {
	return []string{"-json", "-mode", c.mode.name, "-transport", c.transport.name, "-players", fmt.Sprint(c.players),
		"-every", c.every.String(), "-capacity", fmt.Sprint(c.capacity), "-duration", c.duration.String(), "-seed", fmt.Sprint(c.seed)}
}

// playInChild plays in a process of its own, so that its memory and goroutines are
// not those of the game before. Each is called for every second. When ctx is done
// the child ends early, and the result is that of what it played.
func playInChild(ctx context.Context, cfg config, env []string, each func(sample)) (result, error) {
	exe, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	cmd := exec.CommandContext(ctx, exe, cfg.args()...)
	cmd.Env = env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return result{}, err
	}
	cmd.Cancel, cmd.WaitDelay = stdin.Close, childGrace
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return result{}, err
	}
	if err := cmd.Start(); err != nil {
		return result{}, err
	}
	r, err := readMessages(stdout, each)
	_, _ = io.Copy(io.Discard, stdout) // what follows a line that is not understood; or the child would wait
	if exit := cmd.Wait(); exit != nil && (ctx.Err() == nil || r == nil) {
		return result{}, fmt.Errorf("-mode %s: %w: %s", cfg.mode.name, exit, strings.TrimSpace(stderr.String()))
	}
	if r == nil {
		return result{}, fmt.Errorf("-mode %s ended without a result: %w", cfg.mode.name, err)
	}
	return *r, nil
}

// readMessages returns the result, once it comes.
func readMessages(from io.Reader, each func(sample)) (*result, error) {
	lines := json.NewDecoder(from)
	for {
		var m message
		if err := lines.Decode(&m); err != nil {
			return nil, err
		}
		if m.Sample != nil {
			each(*m.Sample)
		}
		if m.Result != nil {
			return m.Result, nil
		}
	}
}
