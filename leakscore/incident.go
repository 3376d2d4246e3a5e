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

// The example shortens the thresholds by an option, as a program would; nothing is
// compressed. But ten minutes say little of goroutines, which are suspected after
// twenty at the earliest: so the mended game plays in compressed time as well.
const (
	// incidentFactor is how much: the load stays what it is, so the windows must
	// not get shorter than the rounds of the game.
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
	exe, fast, err := buildGame(dir)
	if err != nil {
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
	var failed [3]error
	var all sync.WaitGroup
	all.Go(func() { failed[0] = leakyIsNamed(exe, say) })
	all.Go(func() { failed[1] = fixedIsNot(exe, cfg.incident, "", say) })
	all.Go(func() {
		failed[2] = fixedIsNot(fast, cfg.incident, fmt.Sprintf(" of time compressed by %d", incidentFactor), say)
	})
	all.Wait()
	return errors.Join(failed[:]...)
}

// buildGame builds the example as from a clone, in the workspace: as it is, and in
// compressed time.
func buildGame(dir string) (exe, fast string, err error) {
	overlay, err := compressed(dir, incidentFactor, nil)
	if err != nil {
		return "", "", err
	}
	workspace, err := filepath.Abs(filepath.Join("..", "go.work"))
	if err != nil {
		return "", "", err
	}
	exe, fast = filepath.Join(dir, "gameserver"), filepath.Join(dir, "gameserver-fast")
	build := func(args ...string) error {
		args = append([]string{"build"}, args...)
		return goCommandIn([]string{"GOWORK=" + workspace}, filepath.Join("..", "examples"), append(args, "./gameserver")...)
	}
	return exe, fast, errors.Join(build("-o", exe), build(overlay, "-o", fast))
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
					say("leaky: named after %v: %s, made at %s\n", at.Round(time.Second), x, site)
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

func fixedIsNot(exe string, d time.Duration, of string, say func(string, ...any)) error {
	return withGame(exe, "fixed", func(ctx context.Context, g *game) error {
		var wrong []string
		err := g.watchGame(ctx, d, func(found []string, _ string, _ time.Duration) bool {
			wrong = found
			return len(found) > 0
		})
		if err == nil && len(wrong) > 0 {
			return fmt.Errorf("the mended game is suspected, within %v%s: %v", d, of, wrong)
		}
		if err == nil {
			say("fixed: nobody suspected in %v%s\n", d, of)
		}
		return err
	})
}
