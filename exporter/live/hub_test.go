package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/instrument"
)

// TestUpdatesAddUp has a program do random things, now and then with a gap, and
// wants who follows the updates to know what somebody knows who has just come.
func TestUpdatesAddUp(t *testing.T) {
	for seed := range uint64(2) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			r := newRegistry()
			h := newHub(r)
			f, update, body := h.latest(0)
			following := decode(t, body)
			if update {
				t.Fatal("the first reading came as an update")
			}
			program := newRandomProgram(r, random)
			updates := 0
			for range 150 {
				program.step()
				time.Sleep(time.Second + time.Duration(random.IntN(100))*time.Millisecond)
				if random.IntN(50) == 0 {
					time.Sleep(12 * time.Second) // the process was stopped
				}
				f, update, body = h.latest(f.n)
				if update {
					updates++
					following.Apply(decode(t, body))
				} else {
					following = decode(t, body)
				}
				_, _, all := h.latest(0)
				want := decode(t, all)
				for _, body := range [][]byte{body, all} {
					if again := marshal(decode(t, body)); !bytes.Equal(body, again) {
						t.Fatalf("encoding/json would have written\n%s\nand not\n%s", again, body)
					}
				}
				want.Program, following.Program = nil, nil
				if !bytes.Equal(marshal(following), marshal(want)) {
					got, want := firstDifference(indent(t, following), indent(t, want))
					t.Fatalf("seed %d, slot %d: the updates lead to\n%s\nand not to\n%s", seed, following.Slot, got, want)
				}
			}
			if updates != 150 {
				t.Errorf("%d of 150 readings were told as updates", updates)
			}
		})
	}
}

func indent(t *testing.T, s Snapshot) string {
	t.Helper()
	b, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// firstDifference returns the lines around the first one in which two texts differ.
func firstDifference(a, b string) (aroundA, aroundB string) {
	linesA, linesB := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(linesA), len(linesB)) {
		if linesA[i] != linesB[i] {
			around := func(lines []string) string { return strings.Join(lines[max(i-5, 0):min(i+5, len(lines))], "\n") }
			return around(linesA), around(linesB)
		}
	}
	return "as much", fmt.Sprint(len(linesB)-len(linesA), " lines more")
}

// randomProgram makes and uses objects of all kinds.
type randomProgram struct {
	*rand.Rand
	r          *instrument.Registry
	channels   []*instrument.Chan[int]
	semaphores []*instrument.Semaphore
}

func newRandomProgram(r *instrument.Registry, random *rand.Rand) *randomProgram {
	p := &randomProgram{Rand: random, r: r}
	forever = append(forever, p)
	return p
}

func (p *randomProgram) step() {
	with := instrument.WithRegistry(p.r)
	if p.IntN(20) == 0 {
		p.channels = append(p.channels, instrument.NewChan[int](fmt.Sprint("channel", p.IntN(6)), p.IntN(100), with))
		p.semaphores = append(p.semaphores, instrument.NewSemaphore(fmt.Sprint("semaphore", p.IntN(6)), int64(p.IntN(100)), with))
		instrument.NewTaskMeter(fmt.Sprint("pool", p.IntN(5)), p.IntN(3), with).Do(func() {})
	}
	for _, c := range p.channels {
		for range p.IntN(3) {
			c.TrySend(1)
		}
		if p.IntN(3) == 0 {
			c.TryRecv()
		}
	}
	for _, s := range p.semaphores {
		s.TryAcquire(int64(p.IntN(10)))
	}
}

// TestOneReadingASecond: a hundred readers cost what one does.
func TestOneReadingASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := Handler(newRegistry()).(*handler)
		started := time.Now()
		var readers []*reader
		for range 100 {
			x := follow(h)
			readers = append(readers, x)
			if e := readEvent(t, x.in); e.name != "snapshot" {
				t.Errorf("a stream begins with %q", e.name)
			}
			time.Sleep(17 * time.Millisecond) // they come at any time
		}
		for range 30 {
			get(h, Path+"snapshot")
			for _, x := range readers {
				if e := readEvent(t, x.in); e.name != "update" {
					t.Errorf("a stream goes on with %q", e.name)
				}
			}
		}
		if n, most := h.hub.frame.n, uint64(time.Since(started)/interval)+1; n > most || n < 30 {
			t.Errorf("%d readings, want 30 to %d", n, most)
		}
		for _, x := range readers {
			x.leave()
		}
	})
}

// TestSlowReader: who does not keep up holds nobody up, and gets the latest, whole.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := Handler(newRegistry())
		slow, fast := follow(h), follow(h)
		first := readEvent(t, slow.in)
		var last event
		for range 30 {
			last = readEvent(t, fast.in)
		}
		missed := readEvent(t, slow.in) // was under way all the time
		if missed.name != "update" || missed.Time.Sub(first.Time) != time.Second {
			t.Errorf("the event under way was an %s of %v", missed.name, missed.Time.Sub(first.Time))
		}
		if e := readEvent(t, slow.in); e.name != "snapshot" || e.Time.Before(last.Time) {
			t.Errorf("then came an %s, %v after the latest; want all of the latest", e.name, e.Time.Sub(last.Time))
		}
		slow.leave()
		fast.leave()
	})
}

// TestNobodyLooks: nothing is read for nobody, and after a while nothing is kept.
// That nothing runs, the bubble sees: it would not end.
func TestNobodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry()
		c := instrument.NewChan[int]("moves", 1, instrument.WithRegistry(r))
		h := Handler(r).(*handler)
		if time.Sleep(time.Hour); h.hub.frame != nil {
			t.Error("a reading was made before anybody asked")
		}
		x := follow(h)
		readEvent(t, x.in)
		readEvent(t, x.in)
		x.leave()
		n := h.hub.frame.n
		if time.Sleep(remember / 2); h.hub.frame.n != n {
			t.Errorf("%d readings were made for nobody", h.hub.frame.n-n)
		}
		if s := look(t, h.hub); len(s.Objects) != 1 || len(s.Objects[0].History.Level) < SlotCount/2 {
			t.Errorf("within %v the past is not forgotten: %+v", remember, s.Objects)
		}
		time.Sleep(remember + time.Second)
		synctest.Wait()
		if h.hub.frame != nil || h.hub.entries != nil || h.hub.last.Channels != nil || h.hub.top.Suspects != nil || h.streams.open != 0 {
			t.Errorf("after %v there is still %+v", remember, h.hub)
		}
		if s := look(t, h.hub); len(s.Objects) != 1 || len(s.Objects[0].History.Level) != 1 {
			t.Errorf("it does not begin anew: %+v", s.Objects)
		}
		c.Close()
		forever = append(forever, c)
	})
}

// TestGone: when a name is forgotten, who follows gets all that is left.
func TestGone(t *testing.T) {
	h := newHub(newRegistry())
	h.latest(0)
	readings := []struct {
		names []string
		gone  bool
	}{{[]string{"a", "b"}, false}, {[]string{"a"}, true}, {[]string{"a", "c"}, false}, {[]string{"b", "c"}, true}, {nil, true}, {nil, false}}
	for i, reading := range readings {
		h.last.Channels = nil
		for _, name := range reading.names {
			h.last.Channels = append(h.last.Channels, instrument.ChanStats{Info: instrument.Info{Name: name}})
		}
		f := &frame{n: uint64(i + 2)}
		h.take(moment{time.Now(), 1}, f)
		if f.gone != reading.gone || len(h.entries) != len(reading.names) || len(h.sorted) != len(reading.names) {
			t.Errorf("after %v: gone %v, entries %v", reading.names, f.gone, h.entries)
		}
		h.frame = f
		f.at = time.Now().Add(time.Hour) // no other reading meanwhile
		if _, update, _ := h.latest(f.n - 1); update == reading.gone {
			t.Errorf("after %v: told as an update: %v", reading.names, update)
		}
	}
}

// BenchmarkReading is what a reader costs in a second, but for the socket: a reading
// of 1,000 channels all of which have moved, and an update with all of them.
func BenchmarkReading(b *testing.B) {
	r := newRegistry()
	channels := make([]*instrument.Chan[int], 1000)
	for i := range channels {
		channels[i] = instrument.NewChan[int](fmt.Sprint("outbox-", i), 64, instrument.WithRegistry(r))
	}
	h := newHub(r)
	f, _, _ := h.latest(0)
	size := 0
	for b.Loop() {
		b.StopTimer()
		for _, c := range channels {
			c.Send(1)
			c.Recv()
		}
		b.StartTimer()
		f.at = time.Time{} // as if a second had passed
		next, _, body := h.latest(f.n)
		f, size = next, len(body)
	}
	b.ReportMetric(float64(size)/1000, "kB")
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(interval)*100, "%-of-a-core")
}
