package instrument

import (
	"context"
	"reflect"
	"runtime/debug"
	"runtime/pprof"
	"time"
)

// poolWorker is one worker of a Pool. What others read of it stands in its slot;
// what stands here is its own, so that an empty task touches one cache line that
// others look at, and that seldom.
type poolWorker struct {
	s       *poolState
	slot    *taskSlot
	limited bool // somebody may ask which function a task is

	inTask  bool
	orderly bool   // it ended because it was told to
	taken   uint64 // tasks it has taken

	// A stretch is from when it had to wait for a task to when it has to again.
	// Within one the clock is read after each task, or where they are fast after
	// up to 32: time busy stays exact, and tells of a slow one among them.
	busy  int64         // of the stretches before
	began int64         // this stretch; 0 between two
	at    int64         // when the clock was last read
	batch uint64        // tasks that ended since
	quota uint64        // tasks that may until it is read again
	row   int           // fast batches in a row
	mean  time.Duration // of the tasks in the last fast one
	timed uint64        // taken, when a wait was last observed
}

// startWorker starts a worker. The caller holds s.mu and has seen that the last
// worker has not ended.
func (s *poolState) startWorker() {
	s.running.Add(1)
	w := &poolWorker{s: s, slot: s.m.addSlot(), quota: never}
	w.limited = s.m.series != nil && s.m.series.cfg.taskLimit > 0
	go w.work()
}

// work is a worker's life. It ends when the queue is closed and drained, when
// there are too many workers, or with a task that panicked or called
// runtime.Goexit; then another takes its place.
func (w *poolWorker) work() {
	if w.s.m.series != nil {
		pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("weir_pool", w.s.name)))
	}
	defer w.end()
	if w.s.onPanic == nil {
		w.serve()
	} else {
		for w.serveContained() {
		}
	}
	w.orderly = true
}

// end counts a task that panicked without recovering it, so that the crash and
// its stack are the program's own. It costs the tasks that do not nothing: it is
// deferred once for a worker.
func (w *poolWorker) end() {
	if w.inTask {
		w.failed()
	}
	if !w.orderly {
		w.s.replace(w)
	}
}

func (w *poolWorker) failed() {
	w.inTask = false
	w.slot.panicked.Store(w.slot.panicked.Load() + 1)
	w.batch++
}

// serveContained is serve that hands a task's panic to the handler, and reports
// whether there was one. A panic in the handler itself is the program's.
func (w *poolWorker) serveContained() (again bool) {
	defer func() {
		if v := recover(); v != nil {
			w.failed()
			w.s.onPanic(v, debug.Stack())
			w.lap(w.taken + 1)
			again = true
		}
	}()
	w.serve()
	return false
}

// serve runs tasks until the worker is to end.
func (w *poolWorker) serve() {
	s := w.s
	for !s.heed.Load() || !s.tooMany(w) {
		var t poolTask
		var ok bool
		select {
		case t, ok = <-s.queue:
		default:
			t, ok = w.await()
		}
		if !ok {
			s.leave(w)
			return
		}
		switch {
		case t.run != nil:
			w.do(t)
		case t.at == wakeUp.at:
			s.woken(0)
		}
	}
}

// await waits for a task, or for a reason to look whether workers are too many. The
// worker counts as idle before it looks once more itself: either it sees that, or
// wake sees it idle.
func (w *poolWorker) await() (t poolTask, ok bool) {
	s := w.s
	w.pause()
	s.idle.Add(1)
	if s.running.Load() > s.target.Load() {
		return s.back()
	}
	if t, ok = <-s.queue; t.at == wakeUp.at {
		s.woken(1)
		return poolTask{}, true
	}
	s.idle.Add(-1)
	return t, ok
}

// back ends that a worker is idle before it waits. A wake-up that it may have been
// sent by then is taken along: nobody else may come for it.
func (s *poolState) back() (t poolTask, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle.Add(-1)
	select {
	case t, ok = <-s.queue:
		return t, ok
	default:
		return poolTask{}, true
	}
}

func (w *poolWorker) do(t poolTask) {
	if w.began == 0 {
		w.resume()
	}
	w.taken++
	w.slot.taken.Store(w.taken)
	if w.s.heed.Load() && len(w.s.queue) == 0 {
		w.s.settle()
	}
	if t.at != 0 {
		w.waited(t.at)
	}
	if w.limited {
		w.slot.entry.Store(entryOf(t.run))
	}
	w.inTask = true
	t.run()
	w.inTask = false
	if w.batch++; w.batch >= w.quota {
		w.lap(w.taken + 1)
	}
}

// resume begins a stretch. Its first task is timed alone: what those before the
// pause were like says little of it.
func (w *poolWorker) resume() {
	if w.s.m.series == nil {
		return
	}
	t := now()
	w.began, w.at, w.quota = t, t, 1
	w.slot.begin(t, w.taken+1)
	w.slot.work.Store(w.busy - t)
}

// pause ends a stretch, if there is one.
func (w *poolWorker) pause() {
	if w.began == 0 {
		return
	}
	w.lap(0)
	w.busy += int64(since(w.at, w.began))
	w.began = 0
	w.slot.work.Store(w.busy)
}

// lap reads the clock, unless it was read since the last task ended, and observes
// the tasks that ended since it was read last. Task number next is what begins
// now.
func (w *poolWorker) lap(next uint64) {
	if w.batch == 0 || w.began == 0 {
		return
	}
	t := now()
	w.observe(since(t, w.at))
	w.at, w.batch, w.quota = t, 0, 1<<paceOf(w.row)
	w.slot.begin(t, next)
}

// observe counts the run times of the batch, which took d. Where that is too long
// for fast tasks, one of them was slow: it is rarer that all became slow at once.
func (w *poolWorker) observe(d time.Duration) {
	run := &w.s.m.series.run
	n := time.Duration(w.batch)
	if d <= n*fastTask {
		w.row++
		w.mean = d / n
		run.observeAll(d, w.batch)
		return
	}
	w.row = 0
	if n > 1 {
		run.observe(w.mean, w.batch-1)
	}
	run.observe(d-w.mean*(n-1), 1)
}

// waited observes the wait of the task that begins, for all that this worker took
// since it last did.
func (w *poolWorker) waited(at int64) {
	w.lap(w.taken)
	w.s.m.series.wait.observe(since(w.at, at), w.taken-w.timed)
	w.timed = w.taken
}

// tooMany takes the worker off the count if there are too many.
func (s *poolState) tooMany(w *poolWorker) bool {
	if s.running.Load() <= s.target.Load() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running.Load() <= s.target.Load() {
		return false
	}
	s.drop(w)
	s.setHeed()
	return true
}

// drop takes a worker off the count. The caller holds s.mu.
func (s *poolState) drop(w *poolWorker) {
	w.pause()
	s.m.dropSlot(w.slot)
	s.running.Add(-1)
}

// leave ends a worker that found the queue closed and drained.
func (s *poolState) leave(w *poolWorker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(w)
	if s.running.Load() == 0 {
		close(s.drained)
		s.m.endedOnce()
	}
}

// replace starts a worker for one that was lost. Should there be nothing left to
// do, it ends at once.
func (s *poolState) replace(w *poolWorker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(w)
	s.startWorker()
}

// entryOf returns where a function's code begins, from which its name can be had
// later without keeping the function, or what it captured, alive.
func entryOf[F any](f F) uintptr { return reflect.ValueOf(f).Pointer() }
