package instrument

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

// TaskMeter measures the tasks of a pool that is not weir's: ants, pond, conc,
// workerpool, or a loop written by hand. It has no queue to see; what the pool
// itself tells, WatchPool can add under another name. The zero TaskMeter measures
// nothing. All methods are safe for concurrent use.
type TaskMeter struct {
	m       *taskMember // nil where nothing is measured
	onPanic func(v any, stack []byte)
	wrapped atomic.Uint64 // for the pace
}

// NewTaskMeter makes a TaskMeter that measures under name; an empty name measures
// nothing. Workers is how many tasks the pool runs at once; fewer than 1 means that
// this is not known or not limited, and weir_pool_workers is absent then. It starts
// nothing.
func NewTaskMeter(name string, workers int, opts ...PoolOption) *TaskMeter {
	cfg := poolOptions(opts)
	tm := &TaskMeter{onPanic: cfg.onPanic}
	s := joinPools(registryOr(cfg.registry), sanitize(name), false, cfg)
	if s == nil {
		return tm
	}
	tm.m = newTaskMember(s)
	tm.m.objects.Store(1)
	tm.m.workers.Store(int64(workers))
	s.add(tm.m)
	// Functions that it wrapped hold the TaskMeter: after its end none can run.
	runtime.AddCleanup(tm, func(m *taskMember) { m.series.retire(m) }, tm.m)
	return tm
}

// Wrap returns a function that runs task and measures it, for the pool to run. Its
// wait is from Wrap to its first run. Wrap of nil is nil, for the pool to refuse. It
// costs a task about 150 ns and one allocation, or two where its wait is timed:
// each, or where they come faster than one in a microsecond up to 1 in 32.
//
// A panic is counted without being recovered, so that it comes to the pool as the
// task's own; with a handler it does not come to the pool.
func (tm *TaskMeter) Wrap(task func()) func() {
	if task == nil || (tm.m == nil && tm.onPanic == nil) {
		return task
	}
	if tm.m != nil {
		if at := tm.m.submitted(tm.wrapped.Add(1)); at != untimed {
			return tm.wrapTimed(task, at)
		}
	}
	return func() { tm.run(task, untimed) }
}

func (tm *TaskMeter) wrapTimed(task func(), at int64) func() {
	first := new(atomic.Int64)
	first.Store(at)
	return func() { tm.run(task, first.Swap(0)) }
}

// Do runs task and measures it, as Wrap does; it has no wait.
func (tm *TaskMeter) Do(task func()) { tm.run(task, 0) }

func (tm *TaskMeter) run(task func(), at int64) {
	var x startedTask
	if tm.m != nil {
		var entry uintptr
		if tm.m.limited {
			entry = entryOf(task)
		}
		x = tm.m.board.begin(now(), entry, at)
		defer tm.m.board.end(&x)
	}
	if tm.onPanic != nil {
		defer tm.contain()
	}
	task()
	x.outcome = taskOK
	runtime.KeepAlive(tm)
}

func (tm *TaskMeter) contain() {
	if v := recover(); v != nil {
		tm.onPanic(v, debug.Stack())
	}
}

// Rejected counts a task that the pool refused.
func (tm *TaskMeter) Rejected() {
	if tm.m != nil {
		tm.m.rejected.Add(1)
	}
}

// Stats returns the numbers of this TaskMeter alone; its histograms are those of
// its name. It is the zero PoolStats where nothing is measured.
func (tm *TaskMeter) Stats() PoolStats {
	defer runtime.KeepAlive(tm)
	if tm.m == nil {
		return PoolStats{}
	}
	return tm.m.series.readOne(tm.m)
}
