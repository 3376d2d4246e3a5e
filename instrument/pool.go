package instrument

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
)

var (
	// ErrPoolClosed is returned for tasks that come after Shutdown.
	ErrPoolClosed = errors.New("weir: pool is shut down")
	// ErrPoolFull is returned by TrySubmit when the queue has no room.
	ErrPoolFull = errors.New("weir: pool queue is full")
	// ErrNilTask is returned for a task that is nil.
	ErrNilTask = errors.New("weir: task is nil")
)

// Pool runs tasks on a fixed number of goroutines behind a bounded queue, and
// measures both. All methods are safe for concurrent use.
//
// A Pool that is dropped without Shutdown finishes what was submitted, ends its
// workers, and keeps its counters.
type Pool struct{ s *poolState }

// poolState is what the workers hold. They do not hold the Pool, so that one
// that nobody has any more can be collected while they wait.
type poolState struct {
	m       *poolMember // counts also where nothing is measured: Shutdown needs it
	name    string
	onPanic func(v any, stack []byte)

	queue   chan poolTask
	closing chan struct{} // closed by the first Shutdown
	drained chan struct{} // closed when the last worker has ended

	// heed tells workers, who look at it for each task, that they may be too many
	// or that the pool is shut down.
	heed atomic.Bool
	_    [64]byte // what follows changes more often

	mu          sync.Mutex // guards changes of what follows
	target      atomic.Int64
	running     atomic.Int64 // workers there are; target is how many there should be
	waking      bool         // a wake-up is under way
	queueClosed bool
	idle        atomic.Int64 // workers that wait for a task, or are about to
}

type poolTask struct {
	run func() // nil in a wake-up, and where there is none
	at  int64  // when it was submitted; 0 where that was not timed
}

// wakeUp has a worker look whether there are too many.
var wakeUp = poolTask{at: -1}

// NewPool starts so many workers behind a queue for so many waiting tasks, and
// measures both under name. An empty name measures nothing. Fewer than 1 worker
// is taken as 1 and a negative queue as 0, where Submit hands over to a worker
// that is free; each with one line in the log.
func NewPool(name string, workers, queue int, opts ...PoolOption) *Pool {
	cfg := poolOptions(opts)
	r := registryOr(cfg.registry)
	name = sanitize(name)
	if workers < 1 || queue < 0 {
		r.tell(slog.LevelWarn, "weir: pool size clamped", "name", name, "workers", workers, "queue", queue,
			"clamped_workers", max(workers, 1), "clamped_queue", max(queue, 0))
		workers, queue = max(workers, 1), max(queue, 0)
	}
	s := &poolState{
		m: newPoolMember(queue), name: name, onPanic: cfg.onPanic,
		queue: make(chan poolTask, queue), closing: make(chan struct{}), drained: make(chan struct{}),
	}
	if series := joinPools(r, name, true, cfg); series != nil {
		s.m.series = series
		series.add(s.m)
	} else {
		s.m.pace.stop()
	}
	s.resize(workers)
	p := &Pool{s}
	if !bubbled(now()) { // in there a dropped pool is a deadlock, which synctest reports
		runtime.AddCleanup(p, (*poolState).dropped, s)
	}
	return p
}

// Submit hands over a task, and waits while the queue is full. It returns
// ErrPoolClosed, ErrNilTask, or ctx.Err() when ctx is done first; the task then
// does not run. A nil ctx is never done. It allocates nothing. The task's wait
// begins here: the clock is read for each task, or where they come faster than
// one in a microsecond for up to 1 in 32.
func (p *Pool) Submit(ctx context.Context, task func()) error {
	if ctx != nil {
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	s := p.s
	t, err := s.enter(task)
	if err != nil {
		return err
	}
	select {
	case s.queue <- t:
	default:
		err = s.enqueue(ctx, t)
	}
	runtime.KeepAlive(p)
	return err
}

// TrySubmit hands over a task if the queue has room, or a worker is free. It
// returns ErrPoolFull, which is counted as rejected, ErrPoolClosed or ErrNilTask;
// the task then does not run. It allocates nothing and reads the clock as Submit
// does.
func (p *Pool) TrySubmit(task func()) error {
	s := p.s
	t, err := s.enter(task)
	if err != nil {
		return err
	}
	select {
	case s.queue <- t:
	default:
		s.m.rejected.Add(1)
		s.withdraw()
		err = ErrPoolFull
	}
	runtime.KeepAlive(p)
	return err
}

// enter counts a submission. Who entered sends its task or withdraws: until then
// the queue is not closed. One counter serves for that and for the depth, because
// each costs as much as all else that is done here.
func (s *poolState) enter(task func()) (poolTask, error) {
	if task == nil {
		return poolTask{}, ErrNilTask
	}
	n := s.m.entered.Add(1)
	if n&poolShut != 0 {
		s.withdraw()
		return poolTask{}, ErrPoolClosed
	}
	t := poolTask{run: task}
	if s.m.pace.due(n) {
		t.at = s.m.pace.stamp()
	}
	return t, nil
}

// enqueue waits for room in the queue.
func (s *poolState) enqueue(ctx context.Context, t poolTask) error {
	var done <-chan struct{}
	if ctx != nil {
		done = ctx.Done()
	}
	select {
	case s.queue <- t:
		return nil
	case <-done:
		s.withdraw()
		return ctx.Err()
	case <-s.closing:
		s.withdraw()
		return ErrPoolClosed
	}
}

// withdraw ends a submission whose task does not come.
func (s *poolState) withdraw() {
	s.m.withdrawn.Add(1)
	switch {
	case s.m.entered.Load()&poolShut != 0:
		s.settle()
	case s.heed.Load() && s.idle.Load() > 0:
		s.mu.Lock()
		s.wake() // it was left to who would take the task
		s.mu.Unlock()
	}
}

// settle closes the queue of a pool that is shut down if nothing can come any
// more. Whoever ends a submission or takes a task after the Shutdown calls it; what
// ended before, the Shutdown itself sees.
func (s *poolState) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queueClosed || s.waking {
		return
	}
	if pending, shut := s.m.pending(); shut && pending == 0 {
		s.queueClosed = true
		close(s.queue)
	}
}

// Resize changes the number of workers; fewer than 1 is taken as 1. Workers that
// are too many end after the task they are in. It does not wait for them. After
// Shutdown it does nothing.
func (p *Pool) Resize(workers int) {
	p.s.resize(max(workers, 1))
	runtime.KeepAlive(p)
}

func (s *poolState) resize(workers int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m.entered.Load()&poolShut != 0 {
		return
	}
	s.target.Store(int64(workers))
	for s.running.Load() < int64(workers) {
		s.startWorker()
	}
	s.setHeed()
}

// setHeed says whether workers have anything to heed, and wakes one where there are
// too many. The caller holds s.mu.
func (s *poolState) setHeed() {
	s.heed.Store(s.running.Load() > s.target.Load() || s.m.entered.Load()&poolShut != 0)
	s.wake()
}

// wake makes an idle worker end where there are too many; it wakes the next one as
// it does. Those in a task see it at its end, and so does who was given one and
// counts as idle until it runs: a wake-up for them would take a place in the queue,
// for as long as all are in tasks. The caller holds s.mu.
func (s *poolState) wake() {
	if s.running.Load() <= s.target.Load() {
		return
	}
	pending, shut := s.m.pending() // before who is idle: it counts those who take one meanwhile
	if shut || s.waking || s.idle.Load() <= int64(pending) {
		return
	}
	s.waking = true
	select {
	case s.queue <- wakeUp: // not closed: that is done under the same lock
	default:
		go s.wakeLater() // no queue, and the idle one does not receive yet
	}
}

func (s *poolState) wakeLater() {
	select {
	case s.queue <- wakeUp:
	case <-s.closing:
		s.woken(0)
	}
}

// woken ends a wake-up, which was received by so many idle workers.
func (s *poolState) woken(idle int64) {
	s.mu.Lock()
	s.idle.Add(-idle)
	s.waking = false
	s.mu.Unlock()
	if s.m.entered.Load()&poolShut != 0 {
		s.settle() // it may have lain behind the last task
	}
}

// Shutdown refuses new tasks and waits until those that were accepted have run.
// It gives up when ctx is done, with an error that says what was left and wraps
// ctx.Err(); the tasks go on. A nil ctx is never done. It may be called again, to
// wait again.
func (p *Pool) Shutdown(ctx context.Context) error {
	s := p.s
	s.shut()
	var done <-chan struct{}
	if ctx != nil {
		done = ctx.Done()
	}
	defer runtime.KeepAlive(p)
	select {
	case <-s.drained:
		return nil
	default:
	}
	select {
	case <-s.drained:
		return nil
	case <-done:
		return fmt.Errorf("weir: pool %q not drained (workers running: %d, tasks queued: %d): %w",
			s.name, s.running.Load(), len(s.queue), ctx.Err())
	}
}

func (s *poolState) shut() {
	s.mu.Lock()
	if s.m.entered.Or(poolShut)&poolShut == 0 {
		s.heed.Store(true)
		close(s.closing)
	}
	s.mu.Unlock()
	s.settle()
}

// dropped runs when nobody has the Pool any more.
func (s *poolState) dropped() {
	s.shut()
	s.m.endedOnce() // the other time is the last worker's end
}

// Stats returns the numbers of this pool alone; its histograms are those of its
// name. It is the zero PoolStats where nothing is measured.
func (p *Pool) Stats() PoolStats {
	defer runtime.KeepAlive(p)
	if p.s.m.series == nil {
		return PoolStats{}
	}
	return p.s.m.series.readOne(p.s.m)
}
