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
)

const (
	headerEvery = 20 // lines
	lineFormat  = "%6s  %8s  %10s  %12s  %10s  %10s  %10s\n"
)

// announce says what is about to happen and what to look at.
func announce(w io.Writer, cfg config, addr net.Addr) {
	fmt.Fprintf(w, "mode %s: %s\n", cfg.mode.name, cfg.mode.about)
	fmt.Fprintf(w, "%s players, %s moves a second in bursts of %d; the game loop handles %s\n", count(int64(cfg.players)),
		count(int64(cfg.players)*int64(time.Second/round)), burstSize, count(movesPerFrame*int64(time.Second/frameTime)))
	fmt.Fprintf(w, "metrics: http://%s/metrics\n", addr)
	fmt.Fprintf(w, "watch: %s\n\n", cfg.mode.watch)
}

// play runs the game with one line a second, and sums it up.
func play(ctx context.Context, g *game, w io.Writer) {
	started := time.Now()
	var game sync.WaitGroup
	game.Go(func() { g.run(ctx) })

	var first liveHeap
	seconds := time.NewTicker(time.Second)
	defer seconds.Stop()
	for n := 0; ; n++ {
		select {
		case <-seconds.C:
			if n == 0 {
				first = readLiveHeap()
			}
			if n%headerEvery == 0 {
				fmt.Fprintf(w, lineFormat, "time", "players", "depth", "permits free", "refused", "timed out", "heap")
			}
			g.line(w, time.Since(started))
			continue
		case <-ctx.Done():
		}
		break
	}
	last := readLiveHeap() // before the game clears its inbox
	game.Wait()
	g.summary(w, time.Since(started), first, last)
}

func (g *game) line(w io.Writer, running time.Duration) {
	free := "-"
	if n, ok := g.inbox.permitsFree(); ok {
		free = count(n)
	}
	fmt.Fprintf(w, lineFormat, running.Round(time.Second), count(g.online.Load()), count(int64(g.inbox.depth())),
		free, count(g.tally.refused.Load()), count(g.tally.timedOut.Load()), megabytes(heapBytes()))
}

func (g *game) summary(w io.Writer, ran time.Duration, first, last liveHeap) {
	t := &g.tally
	fmt.Fprintf(w, "\n%s for %v\n", g.cfg.mode.name, ran.Round(100*time.Millisecond))
	fmt.Fprintf(w, "  sent      %s = %s accepted + %s refused + %s timed out\n", count(t.sent.Load()),
		count(t.accepted.Load()), count(t.refused.Load()), count(t.timedOut.Load()))
	fmt.Fprintf(w, "  accepted  %s = %s handled + %s left in the queue, %s of these from players who were gone\n",
		count(t.accepted.Load()), count(t.handled.Load()), count(t.unhandled.Load()), count(t.orphaned.Load()))
	wait := g.inbox.stats().Wait
	fmt.Fprintf(w, "  waited    %s at the median, %s at the 99th percentile, from sent to handled\n",
		seconds(wait.Quantile(0.5)), seconds(wait.Quantile(0.99)))
	fmt.Fprintf(w, "  heap      %s in use after a collection%s\n", megabytes(last.bytes), last.growthSince(first))
}

// liveHeap is what a collection left. The heap in the lines includes garbage, as
// the process's memory does; a rate worked out from that would depend on when the
// collector last ran.
type liveHeap struct {
	at    time.Time
	bytes uint64
}

func readLiveHeap() liveHeap {
	runtime.GC()
	return liveHeap{time.Now(), heapBytes()}
}

func (h liveHeap) growthSince(first liveHeap) string {
	elapsed := h.at.Sub(first.at)
	if first.at.IsZero() || elapsed < time.Second {
		return ""
	}
	rate := (float64(h.bytes) - float64(first.bytes)) / elapsed.Seconds()
	return fmt.Sprintf(", %+.2f MB/s since the first line", rate/1e6)
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
