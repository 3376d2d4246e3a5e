package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/weir-go/weir/exporter/live"
)

const (
	headerEvery = 20 // lines
	lineFormat  = "%8s  %8s  %10s  %12s  %10s  %10s  %10s\n"
)

// announce says what is about to happen and what to look at.
func announce(w io.Writer, cfg config, addr net.Addr) {
	fmt.Fprintf(w, "mode %s: %s\n", cfg.mode.name, cfg.mode.about)
	fmt.Fprintf(w, "%s players, %s moves a second in bursts of %d; the game loop handles %s\n", count(int64(cfg.players)),
		count(int64(cfg.players)*int64(time.Second/round)), burstSize, count(movesPerFrame*int64(time.Second/frameTime)))
	if at, ok := addr.(*net.TCPAddr); ok && at.IP.IsLoopback() { // where exporter.Serve has it
		fmt.Fprintf(w, "live: http://%s%s\n", addr, live.Path)
	}
	fmt.Fprintf(w, "metrics: http://%s/metrics\n", addr)
	fmt.Fprintf(w, "watch: %s\n\n", cfg.mode.watch)
}

// play runs the game with one line a second, and sums it up.
func play(ctx context.Context, g *game, w io.Writer) {
	started := time.Now()
	var running sync.WaitGroup
	running.Go(func() { g.run(ctx) })

	everySecond := time.NewTicker(time.Second)
	defer everySecond.Stop()
	for n := 0; waitTick(ctx, everySecond); n++ {
		if n%headerEvery == 0 {
			fmt.Fprintf(w, lineFormat, "time", "players", "depth", "permits free", "refused", "timed out", "heap")
		}
		g.line(w, time.Since(started))
	}
	running.Wait()
	ran := time.Since(started)
	full := liveHeap() // no player is left: what is there now, the inbox keeps
	g.close()
	g.summary(w, ran, full, liveHeap())
}

func waitTick(ctx context.Context, t *time.Ticker) bool {
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func (g *game) line(w io.Writer, ran time.Duration) {
	free := "-"
	if n, ok := g.inbox.permitsFree(); ok {
		free = count(n)
	}
	fmt.Fprintf(w, lineFormat, ran.Round(time.Second), count(g.online.Load()), count(int64(g.inbox.depth())),
		free, count(g.tally.refused.Load()), count(g.tally.timedOut.Load()), megabytes(heapBytes()))
}

func (g *game) summary(w io.Writer, ran time.Duration, full, empty uint64) {
	t := &g.tally
	fmt.Fprintf(w, "\n%s for %v\n", g.cfg.mode.name, ran.Round(100*time.Millisecond))
	fmt.Fprintf(w, "  sent      %s = %s accepted + %s refused + %s timed out\n", count(t.sent.Load()),
		count(t.accepted.Load()), count(t.refused.Load()), count(t.timedOut.Load()))
	fmt.Fprintf(w, "  accepted  %s = %s handled + %s left in the queue, %s of these from players long gone\n",
		count(t.accepted.Load()), count(t.handled.Load()), count(t.unhandled.Load()), count(t.orphaned.Load()))
	wait := g.inbox.stats().Wait
	fmt.Fprintf(w, "  waited    %s at the median, %s at the 99th percentile, from sent to handled\n",
		seconds(wait.Quantile(0.5)), seconds(wait.Quantile(0.99)))
	fmt.Fprintf(w, "  heap      %s in use with all players gone, %s with the queue emptied too: it kept %s\n",
		megabytes(full), megabytes(empty), megabytes(max(full, empty)-empty))
}

// liveHeap is the heap without garbage. The lines show it with garbage, as the
// process's memory has it.
func liveHeap() uint64 {
	runtime.GC()
	return heapBytes()
}

func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func megabytes(n uint64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

func seconds(s float64) string {
	if math.IsNaN(s) {
		return "-"
	}
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond).String()
}

// count writes a number with its thousands apart: 1,024.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	return sign + strings.Join(append([]string{digits}, groups...), ",")
}
