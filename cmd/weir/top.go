package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/weir-go/weir/cmd/weir/top"
)

type topCommand struct {
	Address  string   `arg:"" name:"url" help:"Where the program serves its live page: localhost:8080, or a whole address."`
	Once     bool     `help:"Print what there is, and end."`
	JSON     bool     `name:"json" help:"Print documents, one a line, for a script."`
	Sort     string   `placeholder:"COLUMN" help:"What to sort by: trouble (the most urgent first), name, fill, level, in, out, refused, p50, p99, oldest."`
	Kind     string   `placeholder:"KIND" enum:",channel,semaphore,pool" default:"" help:"Show channels, semaphores or pools only."`
	Filter   string   `placeholder:"WORDS" help:"Show what has these words in its name, owner, type or place."`
	Header   []string `sep:"none" placeholder:"NAME:VALUE" help:"Header for each request, such as Authorization; may be repeated."`
	Insecure bool     `help:"Do not check the server's certificate."`
}

// Run shows a running program.
func (c *topCommand) Run(stdout io.Writer) error {
	// SIGHUP also where nohup had it ignored: there is nothing to show without a terminal.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := top.Run(ctx, top.Config{
		Address: c.Address, Header: c.Header, Insecure: c.Insecure, Once: c.Once, JSON: c.JSON,
		Sort: c.Sort, Kind: c.Kind, Filter: c.Filter,
	}, os.Stdin, stdout)
	if errors.As(err, new(top.UsageError)) {
		return usageError{err}
	}
	return err
}
