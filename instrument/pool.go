package instrument

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
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
	m       *poolMember
	name    string
	onPanic func(v any, stack []byte)

	queue      chan poolTask
	closing    chan struct{} // closed by the first Shutdown
	drained    chan struct{} // closed when the last worker has ended
	submitting atomic.Int64
	closed     atomic.Bool
	closeQueue sync.Once

	mu      sync.Mutex   // guards changes of the next two
	target  atomic.Int64 // workers there should be
	running atomic.Int64 // workers there are
	idle    atomic.Int64 // those that wait for a task, or are about to
}

type poolTask struct {
	run func()
	at  int64
}

// NewPool starts so many workers behind a queue for so many waiting tasks, and
// measures both under name. An empty name measures nothing. Fewer than 1 worker
// is taken as 1 and a negative queue as 0, where Submit hands over to a worker
// that is free; each with one line in the log.
func NewPool(name string, workers, queue int, opts ...PoolOption) *Pool {
	var cfg poolConfig
	for _, o := range opts {
		if o != nil {
			o.applyPool(&cfg)
		}
	}
	r := registryOr(cfg.registry)
	name = sanitize(name)
	if workers < 1 || queue < 0 {
		r.tell(slog.LevelWarn, "weir: pool size clamped", "name", name, "workers", workers, "queue", queue,
			"clamped_workers", max(workers, 1), "clamped_queue", max(queue, 0))
		workers, queue = max(workers, 1), max(queue, 0)
	}
	s := &poolState{
		name: name, onPanic: cfg.onPanic,
		queue: make(chan poolTask, queue), closing: make(chan struct{}), drained: make(chan struct{}),
	}
	s.m = registerPool(r, name, queue, cfg)
	s.resize(workers)
	p := &Pool{s}
	if !bubbled(now()) { // in there a dropped pool is a deadlock, which synctest reports
		runtime.AddCleanup(p, (*poolState).dropped, s)
	}
	return p
}

// Submit hands over a task, and waits while the queue is full. It returns
// ErrPoolClosed, ErrNilTask, or ctx.Err() when ctx is done first; the task then
// does not run. A nil ctx is never done. It allocates nothing, and reads the
// clock once: the task's wait begins here.
func (p *Pool) Submit(ctx context.Context, task func()) error {
	done, err := doneOf(ctx)
	if err != nil {
		return err
	}
	err = p.s.submit(task, func(t poolTask) error {
		select {
		case p.s.queue <- t:
			return nil
		case <-done:
			return ctx.Err()
		case <-p.s.closing:
			return ErrPoolClosed
		}
	})
	runtime.KeepAlive(p)
	return err
}

// TrySubmit hands over a task if the queue has room, or a worker is free. It
// returns ErrPoolFull, which is counted as rejected, ErrPoolClosed or ErrNilTask;
// the task then does not run.
func (p *Pool) TrySubmit(task func()) error {
	err := p.s.submit(task, func(poolTask) error { return ErrPoolFull })
	if errors.Is(err, ErrPoolFull) && p.s.m != nil {
		p.s.m.rejected.Add(1)
	}
	runtime.KeepAlive(p)
	return err
}

// submit puts a task into the queue; full says what to do where it is full.
func (s *poolState) submit(task func(), full func(poolTask) error) error {
	if task == nil {
		return ErrNilTask
	}
	s.submitting.Add(1)
	defer s.submitted()
	if s.closed.Load() {
		return ErrPoolClosed
	}
	t := poolTask{run: task}
	if s.m != nil {
		t.at = now()
		s.m.submitted.Add(1) // before it can be started: the depth is never negative
	}
	select {
	case s.queue <- t:
		return nil
	default:
	}
	err := full(t)
	if err != nil && s.m != nil {
		s.m.withdrawn.Add(1)
	}
	return err
}

// submitted ends a submission. The last one after Shutdown closes the queue,
// which can be done only when nobody sends any more.
func (s *poolState) submitted() {
	if s.submitting.Add(-1) == 0 && s.closed.Load() {
		s.closeQueue.Do(func() { close(s.queue) })
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
	s.submitting.Add(1) // wake may send
	defer s.submitted()
	if s.closed.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.target.Store(int64(workers))
	for s.running.Load() < int64(workers) {
		s.startWorker()
	}
	// Idle workers must wake up to see that they are too many. Those in a task
	// see it at its end; a wake-up for them would take a place in the queue.
	for range min(s.running.Load()-int64(workers), s.idle.Load()) {
		select {
		case s.queue <- poolTask{}:
		default:
			go s.wake() // no queue, and the idle one does not receive yet
		}
	}
}

// wake makes one idle worker look whether it is too many.
func (s *poolState) wake() {
	s.submitting.Add(1)
	defer s.submitted()
	if s.closed.Load() {
		return
	}
	select {
	case s.queue <- poolTask{}:
	case <-s.closing:
	}
}

// startWorker starts a worker. The caller holds s.mu and has seen that the last
// worker has not ended.
func (s *poolState) startWorker() {
	s.running.Add(1)
	go s.work(s.m.addSlot())
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
	s.submitting.Add(1)
	if !s.closed.Swap(true) {
		close(s.closing)
	}
	s.submitted()
}

// dropped runs when nobody has the Pool any more.
func (s *poolState) dropped() {
	s.shut()
	if s.m != nil {
		s.m.endedOnce() // the other time is the last worker's end
	}
}

// Stats returns the numbers of this pool alone; its histograms are those of its
// name. It is the zero PoolStats where nothing is measured.
func (p *Pool) Stats() PoolStats {
	defer runtime.KeepAlive(p)
	if p.s.m == nil {
		return PoolStats{}
	}
	return p.s.m.series.readOne(p.s.m)
}

// work is a worker's life. It ends when the queue is closed and drained, when
// there are too many workers, or with a task that called runtime.Goexit; then
// another takes its place.
func (s *poolState) work(slot *taskSlot) {
	if s.m != nil {
		pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("weir_pool", s.name)))
	}
	lost := true
	defer func() {
		if lost {
			s.replace(slot)
		}
	}()
	s.serve(slot)
	lost = false
}

func (s *poolState) serve(slot *taskSlot) {
	for end := int64(0); !s.tooMany(slot); {
		t, start, ok := s.next(end)
		if !ok {
			s.leave(slot)
			return
		}
		if end = 0; t.run != nil {
			end = s.run(t, slot, start)
		}
	}
}

// next takes a task. A busy worker, whose next task is there already, starts it
// when the last one ended and reads no clock.
func (s *poolState) next(end int64) (t poolTask, start int64, ok bool) {
	select {
	case t, ok = <-s.queue:
		start = end
	default:
		t, ok = s.idleNext()
	}
	if start == 0 && s.m != nil {
		start = now()
	}
	return t, start, ok
}

// idleNext waits for a task. It counts as idle before it looks once more whether
// workers are too many: either it sees that, or resize sees it idle and wakes it.
func (s *poolState) idleNext() (t poolTask, ok bool) {
	s.idle.Add(1)
	defer s.idle.Add(-1)
	if s.running.Load() > s.target.Load() {
		return poolTask{}, true
	}
	t, ok = <-s.queue
	return t, ok
}

// run runs a task and returns when it ended. A panic is counted without being
// recovered, so that the crash and its stack are the program's own, unless there
// is a handler.
func (s *poolState) run(t poolTask, slot *taskSlot, start int64) (end int64) {
	panicked := true
	if s.m != nil {
		s.m.begin(slot, t, start)
		defer func() { end = s.m.end(slot, start, panicked) }()
	}
	if s.onPanic != nil {
		defer s.contain()
	}
	t.run()
	panicked = false
	return 0
}

// contain hands a task's panic to the handler. One in the handler itself is the
// program's.
func (s *poolState) contain() {
	if v := recover(); v != nil {
		s.onPanic(v, debug.Stack())
	}
}

// tooMany takes the worker off the count if there are too many. The count is
// looked at without the lock first, because each task passes here.
func (s *poolState) tooMany(slot *taskSlot) bool {
	if s.running.Load() <= s.target.Load() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running.Load() <= s.target.Load() {
		return false
	}
	s.m.dropSlot(slot)
	s.running.Add(-1)
	return true
}

// leave ends a worker that found the queue closed and drained.
func (s *poolState) leave(slot *taskSlot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m.dropSlot(slot)
	if s.running.Add(-1) == 0 {
		close(s.drained)
		if s.m != nil {
			s.m.endedOnce()
		}
	}
}

// replace starts a worker for one that was lost. Should there be nothing left to
// do, it ends at once.
func (s *poolState) replace(slot *taskSlot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m.dropSlot(slot)
	s.running.Add(-1)
	s.startWorker()
}

// entryOf returns where a function's code begins, from which its name can be had
// later without keeping the function, or what it captured, alive.
func entryOf(f func()) uintptr { return reflect.ValueOf(f).Pointer() }
