package instrument

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// defaultMaxNames is how many names of a kind a registry has before the rest
// share the name "_overflow".
const defaultMaxNames = 1000

// Registry knows what is measured. It holds the measured objects weakly: being
// registered keeps nothing alive. A Registry is safe for concurrent use.
type Registry struct {
	maxNames int
	logger   *slog.Logger
	disabled bool
	start    time.Time
	identity bool // channels are tracked by their own pointers

	channels   directory[*chanSeries]
	semaphores directory[*semaphoreSeries]
	pools      directory[*poolSeries]
	watch      poolWatch

	overflow  atomic.Uint64
	conflicts atomic.Uint64
	faults    atomic.Uint64

	reading   sync.Mutex // one reading at a time; guards what follows
	readAt    int64
	lookedAt  int64 // when weak pointers were last dereferenced
	suspected bool  // something that a proof could decide about
	suspects  suspectLog

	goroutines goroutineScan
	proof      leakProof

	sampler sampler
}

// RegistryOption configures a Registry.
type RegistryOption func(*Registry)

// WithMaxNames caps the names of each kind, 1,000 unless set. What comes after
// counts under the name "_overflow" and in weir_series_overflow_total. Less
// than 1 is taken as 1.
func WithMaxNames(n int) RegistryOption {
	return func(r *Registry) { r.maxNames = max(n, 1) }
}

// WithLeakProof lets the runtime's goroutineleak profile decide about suspicions,
// where the runtime has it (Go 1.26 with GOEXPERIMENT=goroutineleakprofile, Go 1.27
// always; weir_build_info says so). What it finds is proven: no other goroutine and
// no global can ever wake it.
//
// A proof costs about a garbage collection, and can stop the program for hundreds
// of milliseconds where thousands of goroutines wait for each other. So it is taken
// only while something else is suspected, at most every ten minutes (twenty times
// the interval of WithLeakInterval), at most a thousandth of the time, and not for
// the first time with more than 20,000 goroutines or 4 GB of heap.
func WithLeakProof() RegistryOption {
	return func(r *Registry) { r.proof.wanted = true }
}

// WithLeakInterval sets how often goroutines are looked at: 30 seconds unless set.
// Ten windows of four looks in which nothing but growth was seen make a suspect.
// Where a look takes more than a thousandth of d, there are fewer. Zero is the
// default, and a negative interval looks never.
func WithLeakInterval(d time.Duration) RegistryOption {
	return func(r *Registry) { r.goroutines.every = d }
}

// WithLogger sets where suspects are logged, once each when they begin and when
// they end, and constructor arguments that had to be clamped; slog.Default()
// unless set.
func WithLogger(l *slog.Logger) RegistryOption {
	return func(r *Registry) { r.logger = l }
}

// NewRegistry returns an empty registry. It starts no goroutine. Most programs
// need only Default; tests and programs that export parts separately make their
// own.
//
// With WEIR_DISABLE=1 in the environment nothing that is made with the registry
// is measured.
func NewRegistry(opts ...RegistryOption) *Registry {
	r := &Registry{
		maxNames: defaultMaxNames,
		disabled: os.Getenv("WEIR_DISABLE") == "1",
		start:    time.Now(),
		identity: identityWorks(),
	}
	for _, o := range opts {
		if o != nil {
			o(r)
		}
	}
	return r
}

var defaultRegistry = sync.OnceValue(func() *Registry { return NewRegistry() })

// Default returns the registry that is used where none is given.
func Default() *Registry { return defaultRegistry() }

func registryOr(r *Registry) *Registry {
	if r == nil {
		return Default()
	}
	return r
}

// log returns the logger. slog.Default is asked each time: programs set it
// after their imports have run.
func (r *Registry) log() *slog.Logger {
	if r.logger == nil {
		return slog.Default()
	}
	return r.logger
}

// tell logs, and contains a panic of the handler: it would end the program from a
// goroutine that is not the user's, or come out of a constructor.
func (r *Registry) tell(level slog.Level, msg string, args ...any) {
	defer func() {
		if recover() != nil {
			r.faults.Add(1)
		}
	}()
	r.log().Log(context.Background(), level, msg, args...)
}

// conflict counts how many of the given findings are true.
func (r *Registry) conflict(found ...bool) {
	for _, f := range found {
		if f {
			r.conflicts.Add(1)
		}
	}
}

// lookEvery is the least time between two passes over the weak pointers: a
// dereference marks what it touches, and a reader that comes more often would
// hide leaks from the runtime's profile.
const lookEvery = time.Second

// Snapshot reads everything that is registered. It costs about 0.15 µs for each
// channel, 0.3 where it is looked at, and 1 µs for each name, and blocks no send,
// receive, acquire or submit beyond the copying of one object's few integers. A nil
// Registry is Default.
//
// The depth of a native channel that somebody else can reach (Watch, WrapChan,
// or after Chan.C and Chan.Raw) is looked at no more than once a second:
// readings within the same second repeat it, together with the sends and
// receives that belong to it. Chan.Stats always looks.
//
// Reading is what keeps detection going: from the first one on the registry is
// sampled every second, until three minutes after the last. Where it has so many
// objects that this takes a quarter of a millisecond or more it is sampled less
// often, but every seven seconds at least.
func (r *Registry) Snapshot() Snapshot {
	r = registryOr(r)
	if !r.disabled {
		r.sampler.wake(r)
	}
	return r.read()
}

// sample reads, unless somebody else does so as often, and looks for leaks in ways
// that no reading is to wait for.
func (r *Registry) sample() {
	began := now()
	if at, _ := r.lastReading(); at == 0 || apart(began, at) >= sampleEvery*9/10 {
		r.read()
		r.sampler.note(since(now(), began))
	}
	if r.goroutines.due(now()) {
		r.goroutines.scan()
	}
	_, suspected := r.lastReading()
	if r.proof.due(now(), suspected, r.goroutines.interval()) {
		r.proof.run(time.Now())
	}
}

// lastReading returns when it was, and whether it found something that a proof could
// decide about.
func (r *Registry) lastReading() (at int64, suspected bool) {
	r.reading.Lock()
	defer r.reading.Unlock()
	return r.readAt, r.suspected
}

// read takes a snapshot and logs what it found to begin or end.
func (r *Registry) read() Snapshot {
	r.askPools()
	s, events := r.readLocked()
	r.logSuspects(events)
	return s
}

func (r *Registry) readLocked() (Snapshot, []suspectEvent) {
	r.reading.Lock()
	defer r.reading.Unlock()
	t, wall := now(), time.Now()
	may := noLooks
	if looking.TryRLock() {
		defer looking.RUnlock()
		may = firstLook
		if r.lookedAt == 0 || apart(t, r.lookedAt) >= lookEvery {
			may = allLooks
			r.lookedAt = t
		}
	}
	s := Snapshot{Time: wall}
	channels := r.channels.list(t)
	s.Channels = slices.Grow(s.Channels, len(channels))
	for _, series := range channels {
		s.Channels = append(s.Channels, series.read(t, may))
	}
	semaphores := r.semaphores.list(t)
	s.Semaphores = slices.Grow(s.Semaphores, len(semaphores))
	for _, series := range semaphores {
		s.Semaphores = append(s.Semaphores, series.read(t, may))
	}
	pools := r.pools.list(t)
	s.Pools = slices.Grow(s.Pools, len(pools))
	for _, series := range pools {
		s.Pools = append(s.Pools, series.read(t))
	}
	s.Suspects = slices.Concat(findSuspects(&s, t), r.goroutines.suspects(t, wall), r.proof.suspects())
	events := r.suspects.update(s.Suspects)
	r.readAt = t
	r.suspected = slices.ContainsFunc(s.Suspects, func(x Suspect) bool { return x.Evidence != Proven })
	s.Self = r.self(now() - t)
	return s, events
}

func (r *Registry) self(took int64) SelfStats {
	identity := "channel"
	if !r.identity {
		identity = "wrapper"
	}
	return SelfStats{
		Version:            version(),
		Start:              r.start,
		Identity:           identity,
		LeakProof:          r.proof.state(),
		Disabled:           r.disabled,
		SeriesOverflow:     r.overflow.Load(),
		ConflictingOptions: r.conflicts.Load(),
		CollectFaults:      r.faults.Load(),
		SnapshotDuration:   time.Duration(took),
		suspects:           r.suspects.classes(),
		lookInterval:       r.goroutines.gap(),
	}
}
