package instrument

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// groupTask is a function of a Group from Go to its end. They are used again,
// because a go statement with arguments allocates, and that takes longer than all
// that is counted here.
type groupTask struct {
	run func() // the method work

	g       *Group
	f       func() error
	at      int64 // when it was submitted; see taskBoard.begin
	from    int64 // when the task ended whose place it got; 0 where it had to wait for none
	started startedTask
}

var groupTasks sync.Pool

// start runs f in a new goroutine.
func (g *Group) start(f func() error, at, from int64) {
	g.running.Add(1)
	t, ok := groupTasks.Get().(*groupTask)
	if !ok {
		t = new(groupTask)
		t.run = t.work
	}
	t.g, t.f, t.at, t.from = g, f, at, from
	go t.run()
}

func (t *groupTask) work() {
	defer t.end()
	if t.g.m != nil {
		t.begin()
	}
	if t.g.onPanic != nil {
		defer t.contain()
	}
	if err := t.f(); err != nil {
		t.started.outcome = taskFailed
		t.g.fail(err)
		return
	}
	t.started.outcome = taskOK
}

// begin notes the start. Where the task was given the place of one that ended, the
// end of that one is its start: the place was not free in between.
func (t *groupTask) begin() {
	tasks := t.g.m.tasks
	if t.from == 0 {
		t.from = now()
	}
	var entry uintptr
	if tasks.limited {
		entry = entryOf(t.f)
	}
	t.started = tasks.board.begin(t.from, entry, t.at)
}

// end ends the task, however f did, and gives its place back.
func (t *groupTask) end() {
	g, at := t.g, int64(0)
	if t.started.node != nil {
		at = g.m.tasks.board.end(&t.started)
	}
	t.g, t.f, t.started = nil, nil, startedTask{}
	groupTasks.Put(t)
	if g.slots != nil {
		g.slots.give(at)
	}
	g.running.Done()
}

// contain hands a panic to the handler. To call the group a success would make its
// user go on with half of a result.
func (t *groupTask) contain() {
	if v := recover(); v != nil {
		t.g.onPanic(v, debug.Stack())
		t.g.fail(fmt.Errorf("%w: %v", ErrTaskPanic, v))
	}
}
