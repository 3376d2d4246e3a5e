package live

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/instrument"
)

// near allows for what the buckets of a histogram and the time between two readings
// leave open.
func near(got Number, want float64) bool { return math.Abs(float64(got)-want) <= 0.15*want }

// TestChannelDetail has traffic change its pace, and wants what is recent.
func TestChannelDetail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry()
		h := newHub(r)
		with := instrument.WithRegistry(r)
		moves := instrument.NewChan[int]("moves", 100, with, instrument.WithWaitTarget(time.Minute))
		made := time.Now()
		forever = append(forever, moves)
		for i := range 15 {
			c := instrument.NewChan[int]("moves", 100, with)
			for range i {
				c.Send(1)
			}
			forever = append(forever, c)
		}
		look(t, h)
		moved := func(n int, wait time.Duration) {
			for range n {
				moves.Send(1)
				time.Sleep(wait)
				moves.Recv()
				look(t, h)
			}
		}
		moved(30, 5*time.Second)
		slow := detailOf(t, h, "channel", "moves")
		if !near(slow.In, 0.2) || !near(slow.Out, 0.2) || !near(slow.WaitP50, 5) || !near(slow.WaitP99, 5) || slow.Refused != 0 {
			t.Errorf("while it is slow: %+v", slow.Now)
		}
		moved(1500, 50*time.Millisecond)
		o := detailOf(t, h, "channel", "moves")
		if !near(o.In, 20) || !near(o.Out, 20) || !near(o.WaitP99, 0.05) {
			t.Errorf("once it is fast: %+v", o.Now)
		}
		if o.InTotal != 30+1500+14*15/2 || o.OutTotal != 1530 || o.RefusedTotal != 0 || o.Level != 14*15/2 || o.Limit != 1600 || o.Members != 16 || !near(o.Fill, 0.14) {
			t.Errorf("all in all: %+v", o.Now)
		}
		for name, values := range map[string][]Number{"level": o.History.Level, "floor": o.History.Floor, "peak": o.History.Peak, "in": o.History.In,
			"out": o.History.Out, "refused": o.History.Refused, "p50": o.History.WaitP50, "p99": o.History.WaitP99, "oldest": o.History.Oldest} {
			if want := 1 + int(time.Since(made)/SlotLength); len(values) != want || !values[len(values)-1].Known() {
				t.Errorf("of %s there are %d values, want %d: %v", name, len(values), want, values)
			}
		}
		if in := o.History.In; !near(in[20], 0.2) || !near(in[len(in)-1], 20) {
			t.Errorf("the history of the rate is %v", in)
		}
		d := o.Detail
		if len(d.Worst) != 10 || d.Worst[0].Level != 14 || d.Worst[9].Level != 5 || !near(d.Worst[0].Age, time.Since(made).Seconds()) || d.Worst[0].Limit != 100 {
			t.Errorf("the worst are %+v", d.Worst)
		}
		if d.Counters[0] != (Counter{"sent", o.InTotal}) || d.Counters[1] != (Counter{"received", 1530}) {
			t.Errorf("the counters are %+v", d.Counters)
		}
		if x := d.Times[0]; !near(x.P50, 0.05) || !near(x.P90, 0.05) || !near(x.P99, 0.05) || x.Max > 0.06 || x.Count < 600 || x.Count > 1200 || d.Times[1].Count != 0 || d.Times[1].P50.Known() {
			t.Errorf("the times are %+v", d.Times)
		}
		if o.After != 300 || len(o.Options) != 2 || o.Options[1] != "WithWaitTarget(1m0s)" || len(o.Sites) != 2 {
			t.Errorf("it was made as %+v", o.Made)
		}
	})
}

func TestSemaphoreAndPoolDetail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry()
		h := newHub(r)
		slots := instrument.NewSemaphore("slots", 4, instrument.WithRegistry(r), instrument.WithHoldLimit(time.Minute), instrument.WithReclaim())
		pool := instrument.NewPool("writers", 2, 8, instrument.WithRegistry(r), instrument.WithTaskLimit(time.Minute))
		look(t, h)
		held, _ := slots.TryAcquirePermit(1)
		for range 60 {
			p, _ := slots.TryAcquirePermit(2)
			if err := pool.Submit(t.Context(), func() { time.Sleep(500 * time.Millisecond) }); err != nil {
				t.Error(err)
			}
			time.Sleep(250 * time.Millisecond)
			slots.TryAcquire(4)
			time.Sleep(250 * time.Millisecond)
			p.Release()
			look(t, h)
		}
		o := detailOf(t, h, "semaphore", "slots")
		if o.Level != 1 || o.Peak != 3 || o.Fill != 0.25 || !near(o.In, 2) || o.Out != None || !near(o.Refused, 2) || !near(o.Oldest, 30) || o.Waiting != 0 {
			t.Errorf("the semaphore: %+v", o.Now)
		}
		if x := o.Detail.Times[1]; x.Name != "permits held" || x.Count != 60 || !near(x.P99, 0.5) || len(o.Detail.Worst) != 1 || o.After != 60 || len(o.Options) != 2 {
			t.Errorf("its details: %+v, %+v", o.Detail, o.Made)
		}
		o = detailOf(t, h, "pool", "writers")
		if o.Level != 0 && o.Level != 1 || o.Limit != 2 || o.Peak != 1 || o.Queue != 0 || o.QueueLimit != 8 || !near(o.In, 2) || !near(o.Out, 2) {
			t.Errorf("the pool: %+v", o.Now)
		}
		if x := o.Detail.Times[1]; x.Name != "tasks running" || !near(x.P50, 0.5) || x.Count < 59 || o.Detail.Counters[0].Total < 59 || len(o.Detail.Worst) != 1 {
			t.Errorf("its details: %+v", o.Detail)
		}
		held.Release()
		if err := pool.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		forever = append(forever, slots, pool)
	})
}
