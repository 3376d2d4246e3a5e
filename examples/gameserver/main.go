// Command gameserver is the incident that weir exists for: simulated players send
// moves to a game loop, and the queue between them grows without anybody noticing
// (-mode leaky), is too small (bounded-128), or stands behind a semaphore (fixed).
// Other modes have other mistakes in them, -experiment compares them all.
//
// What is measured, and so what there is to copy into a program of your own,
// stands in inbox.go (the queue and its permits) and newGame in game.go (logins
// and the pool that writes scores). The rest is the game.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/weir-go/weir/exporter"
	"github.com/weir-go/weir/instrument"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends a shutdown that hangs
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program. It returns the exit code: 2 when it was asked for
// nonsense, 1 when it could not do what it was asked for.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	cfg, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		usage(stdout)
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "gameserver: %v (see -h)\n", err)
		return 2
	}
	switch err = cfg.fits(); {
	case err != nil:
	case cfg.experiment:
		err = experiment(ctx, cfg, stdout, stderr)
	case cfg.compare > 0:
		err = compare(ctx, cfg, stdout, stderr)
	case cfg.json:
		err = playForParent(ctx, cfg, stdin, stdout)
	default:
		err = serve(ctx, cfg, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "gameserver:", err)
		return 1
	}
	return 0
}

// serve plays the game with /metrics beside it. No player is let in before the
// address is bound, so that a wrong address costs nothing.
func serve(ctx context.Context, cfg config, stdout io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	registry := instrument.NewRegistry()
	listening := make(chan net.Addr, 1)
	served := make(chan error, 1)
	go func() {
		defer cancel() // a game nobody can watch is not what was asked for
		served <- exporter.Serve(ctx, cfg.addr, exporter.WithRegistry(registry),
			exporter.OnListen(func(addr net.Addr) { listening <- addr }))
	}()
	select {
	case err := <-served:
		return err
	case addr := <-listening:
		announce(stdout, cfg, addr)
	}
	each := lines(stdout)
	if cfg.soak > 0 {
		each = newSoak(stdout, registry).look
	}
	r, err := play(ctx, cfg, registry, each)
	summary(stdout, r)
	cancel()
	return errors.Join(err, <-served)
}
