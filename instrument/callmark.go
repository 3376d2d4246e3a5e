package instrument

import (
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
)

// callMark tells the calls of a function apart, so that the stack, a look at which
// costs more than all else that is noted of a Permit, is looked at once for each call
// in the program and not each time that it is made.
//
// It is a func literal in the body of the function that is called. Where the compiler
// inlines that body, it makes of the literal a func of that one call. This is not
// promised, so it is tried out once: marksDiffer. Where the body is not inlined in
// the function that calls (the call goes through an interface, a func value, or the
// method of a struct around a Semaphore), calls have a mark in common; the stack
// shows that, and is looked at each time.
type callMark func()

const (
	// maxMarks bounds the calls that are remembered. For those that come later the
	// stack is looked at each time.
	maxMarks   = 1024
	markProbes = 8
)

// marked is what a mark stands for.
type marked struct {
	code uintptr // of the mark
	pc   uintptr // of the call; 0 where calls have the mark in common
}

// marks is a hash table with open addressing, in which nothing is ever replaced.
var marks [maxMarks]atomic.Pointer[marked]

// markSlot is where the i-th probe looks for a mark; see slotOf.
func markSlot(code uintptr, i int) *atomic.Pointer[marked] {
	return &marks[(int(uint64(code)*0x9E3779B97F4A7C15>>54)+i)%maxMarks]
}

// caller returns the program counter of the call with this mark. The function that
// has the mark is skip frames above caller, and its call in the frame above that.
func (c callMark) caller(skip int) uintptr {
	code := reflect.ValueOf(c).Pointer()
	for i := range markProbes {
		m := markSlot(code, i).Load()
		if m == nil {
			return learn(code, i, skip+1)
		}
		if m.code == code {
			if m.pc != 0 {
				return m.pc
			}
			break
		}
	}
	return callerOf(skip + 1)
}

// learn is caller for a mark that is new, and remembers what it finds.
func learn(code uintptr, probe, skip int) uintptr {
	var pcs [2]uintptr
	runtime.Callers(skip+1, pcs[:])
	m := &marked{code: code}
	if frameOf(pcs[0]) == frameOf(pcs[1]) && marksDiffer() {
		m.pc = pcs[1]
	}
	for ; probe < markProbes; probe++ {
		slot := markSlot(code, probe)
		if slot.CompareAndSwap(nil, m) || slot.Load().code == code {
			break
		}
	}
	return pcs[1]
}

// frameOf returns the entry of the function that has pc on the stack: one that was
// inlined there has the entry of what it was inlined in.
func frameOf(pc uintptr) uintptr {
	if f := runtime.FuncForPC(pc - 1); f != nil {
		return f.Entry()
	}
	return 0
}

// marksDiffer tells whether a func literal that is inlined twice becomes two.
var marksDiffer = sync.OnceValue(func() bool {
	one, other := newMark(), newMark()
	return reflect.ValueOf(one).Pointer() != reflect.ValueOf(other).Pointer()
})

func newMark() callMark { return func() {} }
