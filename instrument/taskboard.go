package instrument

import (
	"sync"
	"time"
	"unsafe"
)

// taskOutcome is how a task ended. It is a panic, or runtime.Goexit, until
// something else is known.
type taskOutcome uint8

const (
	taskPanicked taskOutcome = iota
	taskOK
	taskFailed
)

// untimed stands for the time of submission of a task that was not timed, but was
// submitted: those that are stand for it. 0 is a task that nobody submitted.
const untimed = -1

// runningTask is a task that runs on a goroutine that is not ours to keep a slot
// for. It keeps neither the goroutine nor the task alive.
type runningTask struct {
	start int64
	entry uintptr // of its function, with WithTaskLimit
	over  bool    // known to be over the limit
}

// taskBoard is the tasks that run under a name, and counts those that ended. It
// is in parts, each with a lock that is held for some ten nanoseconds.
type taskBoard struct {
	wait, run *histogram // of the name
	shards    [taskShards]taskShard
}

const taskShards = 8

// maxSpareTasks bounds what a shard keeps for reuse.
const maxSpareTasks = 64

type taskShard struct {
	mu       sync.Mutex
	running  list[runningTask] // the oldest first
	spare    list[runningTask]
	young    *node[runningTask] // the first that is not known to be over the limit
	over     int                // how many are
	startSum uint64             // of those that run; it wraps, and so does what is taken from it
	ended    poolTotals

	// fast are run times that were not observed yet: many short ones together
	// cost one look for their bucket.
	fast    uint64
	fastSum time.Duration

	submitted uint64 // tasks that began and had been submitted
	timed     uint64 // of those, when a wait was last observed
	_         [64]byte
}

// shardOfStack chooses a shard by the stack one runs on: a worker finds the same one
// again, and a new goroutine that of one that ended on the same processor, whose
// stack it has. A number to count on would be shared by all of them.
func shardOfStack() int {
	var here byte
	return int(uint64(uintptr(unsafe.Pointer(&here))>>11) * 0x9E3779B97F4A7C15 >> 61)
}

// startedTask is a task between begin and end.
type startedTask struct {
	shard   *taskShard
	node    *node[runningTask]
	outcome taskOutcome
}

// begin notes that a task starts at t, which was submitted at.
func (b *taskBoard) begin(t int64, entry uintptr, at int64) startedTask {
	s := &b.shards[shardOfStack()]
	var weight uint64
	s.mu.Lock()
	n := s.add(t, entry)
	if at != 0 {
		s.submitted++
	}
	if at > 0 {
		weight, s.timed = s.submitted-s.timed, s.submitted
	}
	s.mu.Unlock()
	if at > 0 {
		b.wait.observe(since(t, at), weight)
	}
	return startedTask{shard: s, node: n}
}

// end notes that x ended, and returns when. What it took is observed no later than
// it stops being one that runs, so that where nothing runs every run is counted.
func (b *taskBoard) end(x *startedTask) int64 {
	t, s := now(), x.shard
	d := since(t, x.node.value.start)
	fast := d <= fastTask
	if !fast {
		b.run.observe(d, 1)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(x.node)
	s.ended.busy += int64(d)
	switch x.outcome {
	case taskOK:
		s.ended.ok++
	case taskFailed:
		s.ended.failed++
	default:
		s.ended.panicked++
	}
	if fast {
		if n, sum := s.together(d); n > 0 {
			b.run.observeAll(sum, n)
		}
	}
	return t
}

// together puts a short run time to the others, and returns them if they are to be
// observed. The caller holds s.mu.
func (s *taskShard) together(d time.Duration) (n uint64, sum time.Duration) {
	s.fast++
	s.fastSum += d
	if s.fast < 1<<maxPaceBits {
		return 0, 0
	}
	return s.takeFast()
}

func (s *taskShard) takeFast() (n uint64, sum time.Duration) {
	n, sum = s.fast, s.fastSum
	s.fast, s.fastSum = 0, 0
	return n, sum
}

// add lists a task that begins. The caller holds s.mu.
func (s *taskShard) add(t int64, entry uintptr) *node[runningTask] {
	n := s.spare.takeFirst()
	if n == nil {
		n = new(node[runningTask])
	}
	n.value = runningTask{start: t, entry: entry}
	s.running.add(n)
	s.startSum += uint64(t)
	if s.young == nil {
		s.young = n
	}
	return n
}

// remove takes a task off the list. The caller holds s.mu.
func (s *taskShard) remove(n *node[runningTask]) {
	if n.value.over {
		s.over--
	}
	if s.young == n {
		s.young = n.next
	}
	s.running.remove(n)
	s.startSum -= uint64(n.value.start)
	if s.spare.len < maxSpareTasks {
		s.spare.add(n)
	}
}

// age finds some tasks that got older than limit, and reports whether there may be
// more. The caller holds s.mu.
func (s *taskShard) age(t int64, limit time.Duration) (more bool) {
	for range agedAtOnce {
		n := s.young
		if n == nil || limit <= 0 || since(t, n.value.start) <= limit {
			return false
		}
		n.value.over = true
		s.over++
		s.young = n.next
	}
	return true
}

// addTo adds the tasks that run to the stats of their name, and returns the
// counters of those that ended, with the time that the others took so far.
func (b *taskBoard) addTo(p *PoolStats, t int64, limit time.Duration) (sum poolTotals) {
	p.HasBusy, p.HasTasks = true, true
	for i := range b.shards {
		sum.add(b.shards[i].addTo(p, t, limit))
	}
	return sum
}

func (s *taskShard) addTo(p *PoolStats, t int64, limit time.Duration) (sum poolTotals) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.age(t, limit) { // between two portions others may pass
		s.mu.Unlock()
		s.mu.Lock()
	}
	sum = s.ended
	sum.busy += int64(uint64(s.running.len)*uint64(t) - s.startSum)
	p.Busy += s.running.len
	p.TasksOverLimit += s.over
	if first := s.running.first; first != nil {
		if age := since(t, first.value.start); age > p.OldestTask {
			p.OldestTask, p.oldestEntry = age, 0
			if first.value.over {
				p.oldestEntry = first.value.entry
			}
		}
	}
	return sum
}

// flush observes the run times that were not yet.
func (b *taskBoard) flush() {
	for i := range b.shards {
		s := &b.shards[i]
		s.mu.Lock()
		n, sum := s.takeFast()
		s.mu.Unlock()
		if n > 0 {
			b.run.observeAll(sum, n)
		}
	}
}
