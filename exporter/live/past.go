package live

import (
	"math"
	"time"

	"github.com/weir-go/weir/instrument"
)

// minute is how many slots the last minute has.
const minute = int64(time.Minute / SlotLength)

// past is what is remembered of one object while somebody looks: about 4 KB.
type past struct {
	slot   int64 // of the last reading
	points [SlotCount]point
	marks  [minute + 1]mark

	// What the distributions were at the beginning of the current window of 30 s
	// and of the one before, so that a quantile is of the last 30 to 60 seconds.
	window       int64
	waits, other [2]instrument.Histogram
}

// point is what was seen in a slot.
type point struct {
	slot                     int64  // 0: nothing
	low, high                Number // of the levels seen
	level, floor, peak       Number
	in, out, refused         float32
	waitP50, waitP99, oldest float32
}

// mark is what the counters were at the first reading in a slot.
type mark struct {
	slot int64
	at   time.Time
	counters
}

// counters are the numbers of an object that only grow.
type counters struct {
	in, out      uint64
	full, gaveUp uint64 // refused at once, and after a wait
	closed       uint64 // sends on a closed channel
	waits, late  uint64 // measured against the target, and over it
	panics       uint64
	fullTime     time.Duration
}

func (c *counters) refused() uint64 { return c.full + c.gaveUp + c.closed }

// at returns what was seen in a slot.
func (p *past) at(slot int64) *point {
	if x := &p.points[slot%SlotCount]; x.slot == slot && slot > 0 {
		return x
	}
	return nil
}

func (p *past) markAt(slot int64) *mark {
	if slot <= 0 {
		return nil
	}
	if x := &p.marks[slot%int64(len(p.marks))]; x.slot == slot {
		return x
	}
	return nil
}

// note takes a reading into account.
func (p *past) note(m moment, level Number, c counters) {
	x := &p.points[m.slot%SlotCount]
	if x.slot != m.slot {
		*x = point{slot: m.slot, low: level, high: level}
	}
	if x.high = max(x.high, level); !x.low.Known() || level.Known() && level < x.low {
		x.low = level
	}
	if p.markAt(m.slot) == nil {
		p.marks[m.slot%int64(len(p.marks))] = mark{m.slot, m.at, c}
	}
	p.slot = m.slot
}

// recent returns what the counters were 5 to 10 seconds ago, or as long ago as
// readings go back that far; nil if there was none but this one.
func (p *past) recent(at time.Time) *mark {
	for slot := p.slot - 1; slot > p.slot-minute; slot-- {
		if m := p.markAt(slot); m != nil {
			return m
		}
	}
	return older(p.markAt(p.slot), at)
}

// aMinuteAgo returns what the counters were a minute ago, or at the first reading
// since.
func (p *past) aMinuteAgo(at time.Time) *mark {
	for slot := p.slot - minute; slot <= p.slot; slot++ {
		if m := p.markAt(slot); m != nil {
			return older(m, at)
		}
	}
	return nil
}

func older(m *mark, at time.Time) *mark {
	if m == nil || !m.at.Before(at) {
		return nil
	}
	return m
}

// rotate begins a new window where one has ended, with what the distributions are
// at its beginning.
func (p *past) rotate(slot int64, waits, other instrument.Histogram) {
	const slots = int64(30 * time.Second / SlotLength)
	window := slot / slots
	switch {
	case window == p.window || p.slot == 0:
	case window == p.window+1:
		p.waits = [2]instrument.Histogram{waits, p.waits[0]}
		p.other = [2]instrument.Histogram{other, p.other[0]}
	default: // nobody looked meanwhile
		p.waits = [2]instrument.Histogram{waits, waits}
		p.other = [2]instrument.Histogram{other, other}
	}
	p.window = window
}

// span is what was observed between two readings of a histogram.
type span struct{ now, before instrument.Histogram }

func (p *past) waited(now instrument.Histogram) span { return span{now, p.waits[1]} }
func (p *past) took(now instrument.Histogram) span   { return span{now, p.other[1]} }

// in returns how many observations of the span are in now.Buckets[k].
func (s *span) in(k int) uint64 {
	n := s.now.Buckets[k]
	if i := s.now.Start + k - s.before.Start; i >= 0 && i < len(s.before.Buckets) {
		n -= min(s.before.Buckets[i], n)
	}
	return n
}

func (s *span) zero() uint64 { return s.now.Zero - min(s.before.Zero, s.now.Zero) }

func (s *span) count() uint64 {
	n := s.zero()
	for k := range s.now.Buckets {
		n += s.in(k)
	}
	return n
}

// quantile is that of n observations, as instrument.Histogram has it.
func (s *span) quantile(q float64, n uint64) Number {
	if n == 0 {
		return None
	}
	rank := max(uint64(math.Ceil(q*float64(n))), 1)
	seen := s.zero()
	if rank <= seen {
		return 0
	}
	for k := range s.now.Buckets {
		if seen += s.in(k); seen >= rank {
			return Number(s.now.UpperBound(k) * middle)
		}
	}
	return None
}

// middle is the geometric middle of a bucket, as a part of its upper bound.
var middle = math.Exp2(-0.5 / (1 << instrument.HistogramSchema))

// growth is by how much the level rose, and over how long.
type growth struct {
	by   Number
	over time.Duration
}

func (g growth) perSecond() float64 { return float64(g.by) / g.over.Seconds() }

const (
	// minGrowth is the least rise that is worth a word.
	minGrowth = 16
	// minRises is how often the level must have risen.
	minRises = 3
	// floorLag is how far back a floor looks.
	floorLag = time.Minute
)

// grew returns for how long the level has only risen, and by how much: the lowest
// level of each stretch of 15 seconds is above that of the one before, three times
// or more. Lowest, because a burst that drains is not growth. Where there is less to
// go by, stretches of 5 seconds do.
//
// A reading a second sees only some phases of a level that rises and falls within a
// second, and that may look like growth. But where it does grow the peak, which misses
// nothing, grows with it, and the floor is above where it began.
func (p *past) grew(now *Now) growth {
	for _, stretch := range []int64{3, 1} {
		from, g := p.rose(stretch)
		if g.by < minGrowth {
			continue
		}
		began := p.at(p.slot - int64(g.over/SlotLength))
		if now.Peak-began.peak >= g.by/2 && (g.over < floorLag || now.Floor >= from) {
			return g
		}
	}
	return growth{}
}

// rose returns by how much the level has only risen, stretch by stretch, and from
// where.
func (p *past) rose(stretch int64) (from Number, g growth) {
	lowest, _, ok := p.seen(p.slot, stretch)
	from = lowest
	rises := int64(0)
	for ok {
		var before Number
		if before, _, ok = p.seen(p.slot-(rises+1)*stretch, stretch); !ok || before >= from {
			break
		}
		from = before
		rises++
	}
	if rises < minRises {
		return 0, growth{}
	}
	return from, growth{lowest - from, time.Duration(rises*stretch) * SlotLength}
}

// seen returns the lowest and the highest level seen in some slots, the last one of
// which is given; ok is false where nobody looked in one of them.
func (p *past) seen(last, n int64) (low, high Number, ok bool) {
	for slot := last; slot > last-n; slot-- {
		x := p.at(slot)
		if x == nil || slot <= p.slot-SlotCount {
			return 0, 0, false
		}
		if high = max(high, x.high); !ok || x.low < low {
			low, ok = x.low, true
		}
	}
	return low, high, ok
}

// extremes returns the highest and the lowest level seen in the last minute, the
// latter once half of it has been seen.
func (p *past) extremes() (peak, floor Number) {
	n := minute
	for ; n > 1; n-- {
		if _, _, ok := p.seen(p.slot, n); ok {
			break
		}
	}
	low, high, _ := p.seen(p.slot, n)
	if n < minute/2 {
		low = 0
	}
	return high, low
}

// history returns the slots since the first in which something was seen, with gaps.
func (p *past) history(all bool) *History {
	first := p.slot
	for slot := p.slot; slot > p.slot-SlotCount && slot > 0; slot-- {
		if x := p.at(slot); x != nil && x.level.Known() {
			first = slot
		}
	}
	h := new(History)
	for slot := first; slot <= p.slot; slot++ {
		x := p.at(slot)
		if x == nil {
			x = &point{level: None, floor: None, peak: None, in: float32(None), out: float32(None), refused: float32(None),
				waitP50: float32(None), waitP99: float32(None), oldest: float32(None)}
		}
		h.Level, h.Floor, h.Peak = append(h.Level, x.level), append(h.Floor, x.floor), append(h.Peak, x.peak)
		if all {
			h.In, h.Out, h.Refused = append(h.In, Number(x.in)), append(h.Out, Number(x.out)), append(h.Refused, Number(x.refused))
			h.WaitP50, h.WaitP99 = append(h.WaitP50, Number(x.waitP50)), append(h.WaitP99, Number(x.waitP99))
			h.Oldest = append(h.Oldest, Number(x.oldest))
		}
	}
	return h
}
