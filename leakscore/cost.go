package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/weir-go/weir/leakscore/watch"
)

const (
	costGoroutines = 10_000
	// mostCost is how much of a core the first two tiers may take, in percent.
	mostCost = 0.1
)

// costs are the programs whose cost is measured, and what their goroutines wait for.
var costs = []struct{ kind, about string }{
	{"native", "one channel that nobody wrapped"},
	{"one", "one Chan"},
	{"own", "a Chan each"},
	{"looked at", "a Chan each, received natively"},
}

// scoreCost prints what detection costs. The programs run side by side, and before
// all others: they do nothing else.
func scoreCost(cfg config, dir string, out io.Writer) error {
	if cfg.cost == 0 {
		return nil
	}
	exe := filepath.Join(dir, "cost")
	if err := goCommand(".", "build", "-o", exe, "./cost"); err != nil {
		return err
	}
	all, failed := make([]watch.Cost, len(costs)), make([]error, len(costs))
	each(len(costs), len(costs), func(i int) { all[i], failed[i] = costOf(exe, costs[i].kind, cfg.cost) })
	fmt.Fprintf(out, "Cost of tiers 1 and 2 in %v of a program of %d goroutines, in percent of a core, and of one proof.\n\n", cfg.cost, costGoroutines)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "all wait for\tmeasured\tnobody reads\tread every %v\tproof\t\n", watch.ReadEvery)
	for i, c := range all {
		fmt.Fprintf(table, "%s\t%d\t%.4f\t%.3f\t%v\t\n", costs[i].about, c.Members, c.Unread, c.Read, c.Proof.Round(time.Millisecond))
		if c.Read > mostCost {
			failed = append(failed, fmt.Errorf("%s: detection takes %.3f%% of a core, above %v%%", costs[i].about, c.Read, mostCost))
		}
	}
	_ = table.Flush()
	fmt.Fprintf(out, "\nmust: at most %v while it is read\n\n", mostCost)
	return errors.Join(failed...)
}

func costOf(exe, kind string, d time.Duration) (c watch.Cost, err error) {
	out, err := runChild(nil, nil, exe, kind, strconv.Itoa(costGoroutines), d.String())
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal([]byte(out), &c)
}
