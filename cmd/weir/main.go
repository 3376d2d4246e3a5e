// Command weir shows what a running program's channels, semaphores and pools do, and
// writes the dashboards and the alerts of weir with a team's own settings:
//
//	weir top URL
//	weir dashboards -o DIR
//	weir alerts -o DIR
//
// It exits with 2 when it is called wrongly, and with 1 when it could not do what
// it was asked for; then nothing has been written.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/weir-go/weir/dashboards"
)

type cli struct {
	Top        topCommand        `cmd:"" help:"Watch a running program in the terminal."`
	Dashboards dashboardsCommand `cmd:"" help:"Write the Grafana dashboards."`
	Alerts     alertsCommand     `cmd:"" help:"Write the rules for Prometheus, Kubernetes and Grafana, and the Alertmanager configuration."`
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// usageError is an error of the caller's.
type usageError struct{ error }

func run(args []string, stdout, stderr io.Writer) int {
	code, err := execute(args, stdout)
	if err == nil {
		return code
	}
	fmt.Fprintln(stderr, "weir:", strings.ReplaceAll(err.Error(), "\n", "; "))
	if errors.As(err, new(usageError)) {
		return 2
	}
	return 1
}

// execute parses the arguments and runs the command. Where only help was asked
// for, it is done when kong says so.
func execute(args []string, stdout io.Writer) (code int, err error) {
	var c cli
	helped := false
	parser, err := kong.New(&c, kong.Name("weir"), kong.BindTo(stdout, (*io.Writer)(nil)),
		kong.Description("What weir measures in Go programs: watched live, and dashboards and alerts for it."),
		kong.Writers(stdout, stdout), kong.Exit(func(int) { helped = true }),
		kong.Vars{"boards_path": dashboards.DefaultPath},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}))
	if err != nil {
		return 1, err
	}
	parsed, err := parser.Parse(args)
	if helped {
		return 0, nil
	}
	if err != nil {
		return 2, usageError{fmt.Errorf("%w (see weir --help)", err)}
	}
	return 0, parsed.Run()
}
