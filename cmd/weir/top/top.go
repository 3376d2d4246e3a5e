// Package top shows in a terminal what the live page of a program shows in a browser:
// it follows the same stream, or prints what there is once.
package top

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/term"

	"github.com/weir-go/weir/exporter/live"
)

// Config is what a person asks for.
type Config struct {
	Address  string
	Header   []string // "Name: value", for each request
	Insecure bool     // certificates are not checked
	Once     bool     // print what there is, and end
	JSON     bool     // print documents, one a line
	Sort     string   // "" is the most urgent first
	Kind     string   // "" is all
	Filter   string   // words that an object must have, in its name, kind, owner, type or sites
}

// UsageError is an error of the caller's.
type UsageError struct{ error }

// Unwrap implements what errors.Is looks for.
func (e UsageError) Unwrap() error { return e.error }

// Run shows what is asked for, until ctx is done or somebody has seen enough. The
// terminal is as it was when it returns.
func Run(ctx context.Context, cfg Config, stdin io.Reader, stdout io.Writer) error {
	by := order{by: cfg.Sort, kind: cfg.Kind, filter: cfg.Filter}
	if by.by == "" {
		by.by = byTrouble
	}
	if !slices.Contains(sorts(), by.by) {
		return UsageError{fmt.Errorf("--sort %s: want one of %s", by.by, strings.Join(sorts(), ", "))}
	}
	header, err := headerOf(cfg.Header)
	if err != nil {
		return UsageError{err}
	}
	c, err := newClient(cfg.Address, header, cfg.Insecure)
	if err != nil {
		return UsageError{err}
	}
	switch {
	case cfg.JSON:
		return printDocuments(ctx, c, by, cfg.Once, stdout)
	case cfg.Once:
		return printOnce(ctx, c, by, stdout)
	case !isTerminal(stdin) || !isTerminal(stdout):
		return UsageError{errors.New("weir top wants a terminal; without one there are --once and --json")}
	}
	return show(ctx, c, by, stdin, stdout)
}

func headerOf(lines []string) (http.Header, error) {
	h := make(http.Header)
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("--header %q: want \"Name: value\"", line)
		}
		h.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return h, nil
}

func isTerminal(x any) bool {
	f, ok := x.(*os.File)
	return ok && term.IsTerminal(f.Fd())
}

// errEnough ends a stream of which no more is wanted.
var errEnough = errors.New("seen enough")

// read follows a stream until got says that it is enough.
func read(ctx context.Context, c *client, got func(*live.Snapshot) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var now live.Snapshot
	err := c.follow(ctx, func(e event) {
		e.take(&now)
		if err := got(&now); err != nil {
			cancel(err)
		}
	})
	if errors.Is(err, errEnough) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// hasRates reports whether there were two readings: what moves has rates then.
func hasRates(s *live.Snapshot) bool {
	return len(s.Objects) == 0 || slices.ContainsFunc(s.Objects, func(o live.Object) bool { return o.In.Known() || o.Out.Known() })
}

// once passes the first snapshot that has rates, which is the first or the second;
// where nothing moves there are none.
func once(ctx context.Context, c *client, got func(*live.Snapshot) error) error {
	seen := 0
	return read(ctx, c, func(s *live.Snapshot) error {
		if seen++; seen == 1 && !hasRates(s) {
			return nil
		}
		return errors.Join(got(s), errEnough)
	})
}

func printDocuments(ctx context.Context, c *client, by order, single bool, w io.Writer) error {
	out := json.NewEncoder(w)
	write := func(s *live.Snapshot) error {
		picked := *s
		picked.Objects = []live.Object{}
		for _, o := range by.chosen(s.Objects) {
			picked.Objects = append(picked.Objects, *o)
		}
		return out.Encode(picked)
	}
	var failed error
	follow := read
	if single {
		follow = once
	}
	err := follow(ctx, c, func(s *live.Snapshot) error { failed = write(s); return failed })
	return errors.Join(failed, err)
}

// onceWidth is how wide a table is that nobody's terminal has a say in.
const onceWidth = 132

func printOnce(ctx context.Context, c *client, by order, w io.Writer) error {
	var text strings.Builder
	err := once(ctx, c, func(s *live.Snapshot) error {
		program, totals := about(s)
		fmt.Fprintf(&text, "%s\n%s\n", program, totals)
		for i := range s.Suspects {
			fmt.Fprintf(&text, "▲ %s\n", suspicion(s, &s.Suspects[i]))
		}
		shown, plain := shownAt(onceWidth), lipgloss.NewStyle()
		fmt.Fprintf(&text, "\n   %s\n", strings.TrimRight(by.head(shown), " "))
		for _, o := range by.chosen(s.Objects) {
			fmt.Fprintln(&text, strings.TrimRight(row(shown, o, " "+mark(o.Trouble)+" ", plain, plain), " "))
			for _, warning := range o.Warnings {
				fmt.Fprintf(&text, "    %s\n", clean(warning))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text.String())
	return err
}

// show runs the terminal view. What keeps it from beginning is an error; what comes
// later it shows, and tries again.
func show(ctx context.Context, c *client, by order, stdin io.Reader, stdout io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := c.check(ctx); err != nil {
		return err
	}
	m := newModel(ctx, c, by)
	// Every end is a quit: where tea itself takes a signal, or a context's end, it does
	// not wait for its reader before it closes what that reads.
	p := tea.NewProgram(m, tea.WithoutSignalHandler(), tea.WithInput(stdin), tea.WithOutput(stdout))
	defer context.AfterFunc(ctx, p.Quit)()
	m.send = p.Send
	_, err := p.Run()
	return err
}

// check reports what is wrong with a server, before the screen is taken.
func (c *client) check(ctx context.Context) error {
	return read(ctx, c, func(*live.Snapshot) error { return errEnough })
}
