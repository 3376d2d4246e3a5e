package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/perf/benchmath"
)

const (
	disable = "WEIR_DISABLE="
	// What weir may cost: the interval of the throughput's ratio reaches below the
	// first, the median of the latency's is below the second.
	throughputMay = 1.03
	latencyMay    = 1.10
)

// pair is a run with weir, and one without, of the same load.
type pair struct{ weir, bare result }

// compare plays pairs, each the other way round than the one before. Under a load
// that both can carry, moves a second say nothing, so throughput is also taken per
// second of processor time: what the same machine could carry.
func compare(ctx context.Context, cfg config, stdout, stderr io.Writer) error {
	fmt.Fprintf(stdout, "mode %s, %s; %d pairs of %v, with weir and with WEIR_DISABLE=1\n\n", cfg.mode.name, load(cfg), cfg.compare, cfg.duration)
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, disable) })
	bareEnv := append(slices.Clone(env), disable+"1")
	ignore := func(sample) {}
	var pairs []pair
	for n := range cfg.compare {
		var p pair
		var failed [2]error
		runs := []func(){
			func() { p.weir, failed[0] = playInChild(ctx, cfg, env, ignore) },
			func() { p.bare, failed[1] = playInChild(ctx, cfg, bareEnv, ignore) },
		}
		if n%2 == 1 {
			slices.Reverse(runs)
		}
		for _, run := range runs {
			run()
		}
		if ctx.Err() != nil {
			fmt.Fprintf(stdout, "interrupted: what follows are the %d pairs before\n\n", n)
			break
		}
		if err := errors.Join(failed[:]...); err != nil {
			return err
		}
		pairs = append(pairs, p)
		fmt.Fprintf(stderr, "pair %2d: %s with weir\n         %s without\n", n+1, p.weir.speed(), p.bare.speed())
	}
	if len(pairs) == 0 {
		return nil
	}
	return judge(pairs, stdout)
}

func (r result) speed() string {
	return fmt.Sprintf("%s moves/s, %s ns of processor time a move, p99 %s", count(int64(r.throughput())), count(int64(r.cost())), short(r.P99))
}

func (r result) throughput() float64 { return float64(r.Handled) / r.Ran.Seconds() }

// cost is the processor time of a move in ns: players, game loop and all.
func (r result) cost() float64 { return float64(r.CPU.Nanoseconds()) / float64(max(r.Handled, 1)) }

// judge prints what the pairs say, and returns an error if weir costs too much.
func judge(pairs []pair, stdout io.Writer) error {
	out := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "\tmedian\t95% interval\tmust")
	row := func(what, format, must string, of func(pair) float64) benchmath.Summary {
		var values []float64
		for _, p := range pairs {
			values = append(values, of(p))
		}
		s := benchmath.AssumeNothing.Summary(benchmath.NewSample(values, &benchmath.DefaultThresholds), 0.95)
		fmt.Fprintf(out, "%s\t"+format+"\t["+format+", "+format+"]\t%s\n", what, s.Center, s.Lo, s.Hi, must)
		return s
	}
	row("moves/s, with weir", "%.0f", "", func(p pair) float64 { return p.weir.throughput() })
	row("moves/s, without ÷ with", "%.3f", "", func(p pair) float64 { return p.bare.throughput() / p.weir.throughput() })
	row("processor time a move, without, ns", "%.0f", "", func(p pair) float64 { return p.bare.cost() })
	row("what weir adds, ns", "%.0f", "", func(p pair) float64 { return p.weir.cost() - p.bare.cost() })
	throughput := row("moves per processor second, without ÷ with", "%.3f", "interval reaches 1.03", func(p pair) float64 { return p.weir.cost() / p.bare.cost() })
	latency := row("latency p99, with ÷ without", "%.3f", "median ≤ 1.10", func(p pair) float64 {
		return p.weir.P99.Seconds() / p.bare.P99.Seconds()
	})
	_ = out.Flush()
	switch {
	case throughput.Lo > throughputMay:
		return fmt.Errorf("with weir the same processor time carries fewer moves: %.3f to %.3f times", throughput.Lo, throughput.Hi)
	case latency.Center > latencyMay:
		return fmt.Errorf("with weir the latency's 99th percentile is %.3f times what it is without", latency.Center)
	}
	return nil
}
