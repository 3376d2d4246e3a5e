package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	// incidentFactor compresses the time of the example's library: its load stays
	// what it is, so its windows must not get shorter than the rounds of the game.
	incidentFactor = 10
	// namedWithin is how long the queue that leaks may go unnamed.
	namedWithin = 2 * time.Minute
	leakyQueue  = "player-moves"
)

// game is a run of the example.
type game struct {
	mode string
	cmd  *exec.Cmd
	url  string
}

// startGame starts the example and waits until it says where its metrics are.
func startGame(ctx context.Context, exe, mode string) (*game, error) {
	g := &game{mode: mode, cmd: exec.CommandContext(ctx, exe, "-mode", mode, "-addr", "127.0.0.1:0")}
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if g.url = metricsAt.FindString(lines.Text()); g.url != "" {
			go func() { _, _ = io.Copy(io.Discard, out) }() // or it would wait for a reader
			return g, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("%s: the example says not where its metrics are", mode), g.cmd.Wait())
}

var metricsAt = regexp.MustCompile(`http://127\.0\.0\.1:\d+/metrics`)

// suspects reads the metrics once, as a scraper does, and returns the suspects and
// where the queue was made.
func (g *game) suspects(ctx context.Context) (found []string, site string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url, nil)
	if err != nil {
		return nil, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "weir_leak_suspects{") && !strings.HasSuffix(line, " 0"):
			found = append(found, strings.TrimPrefix(line, "weir_leak_suspects"))
		case strings.HasPrefix(line, "weir_instrument_info{") && strings.Contains(line, `name="`+leakyQueue+`"`):
			site = siteLabel.FindString(line)
		}
	}
	return found, site, lines.Err()
}

var siteLabel = regexp.MustCompile(`site="[^"]*"`)

// watchGame reads the metrics once a second for d, or until stop says so.
func (g *game) watchGame(ctx context.Context, d time.Duration, stop func(suspects []string, site string, at time.Duration) bool) error {
	began := time.Now()
	scrapes := time.NewTicker(time.Second)
	defer scrapes.Stop()
	for time.Since(began) < d {
		<-scrapes.C
		found, site, err := g.suspects(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", g.mode, err)
		}
		if stop(found, site, time.Since(began)) {
			return nil
		}
	}
	return nil
}

// scoreIncident has the example leak until its queue is named, and the mended one
// play beside it.
func scoreIncident(cfg config, dir string, out io.Writer) error {
	if cfg.incident == 0 {
		return nil
	}
	overlay, err := compressed(dir, incidentFactor, nil)
	if err != nil {
		return err
	}
	exe := filepath.Join(dir, "gameserver")
	workspace, err := filepath.Abs(filepath.Join("..", "go.work"))
	if err != nil {
		return err
	}
	// The example is built as from a clone, in the workspace.
	if err := goCommandIn([]string{"GOWORK=" + workspace}, filepath.Join("..", "examples"), "build", overlay, "-o", exe, "./gameserver"); err != nil {
		return err
	}
	fmt.Fprintln(out, "The incident: a game server whose queue leaks, and the mended one.")
	fmt.Fprintln(out)
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(out, format, args...)
	}
	var failed [2]error
	var both sync.WaitGroup
	both.Go(func() { failed[0] = leakyIsNamed(exe, say) })
	both.Go(func() { failed[1] = fixedIsNot(exe, cfg.incident, say) })
	both.Wait()
	return errors.Join(failed[:]...)
}

// withGame runs the example while f runs.
func withGame(exe, mode string, f func(context.Context, *game) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	g, err := startGame(ctx, exe, mode)
	if err == nil {
		err = f(ctx, g)
	}
	cancel() // kills this one child
	if g != nil {
		_ = g.cmd.Wait() // was killed
	}
	return err
}

func leakyIsNamed(exe string, say func(string, ...any)) error {
	return withGame(exe, "leaky", func(ctx context.Context, g *game) error {
		named := false
		err := g.watchGame(ctx, namedWithin, func(found []string, site string, at time.Duration) bool {
			for _, x := range found {
				if strings.Contains(x, `name="`+leakyQueue+`"`) && strings.Contains(site, "inbox.go:") {
					say("leaky: named after %v of time compressed by %d: %s, made at %s\n", at.Round(time.Second), incidentFactor, x, site)
					named = true
				}
			}
			return named
		})
		if err == nil && !named {
			return fmt.Errorf("the queue that leaks was not named within %v", namedWithin)
		}
		return err
	})
}

func fixedIsNot(exe string, d time.Duration, say func(string, ...any)) error {
	return withGame(exe, "fixed", func(ctx context.Context, g *game) error {
		var wrong []string
		err := g.watchGame(ctx, d, func(found []string, _ string, _ time.Duration) bool {
			wrong = found
			return len(found) > 0
		})
		if err == nil && len(wrong) > 0 {
			return fmt.Errorf("the mended game is suspected: %v", wrong)
		}
		if err == nil {
			say("fixed: nobody suspected in %v of time compressed by %d\n", d, incidentFactor)
		}
		return err
	})
}
