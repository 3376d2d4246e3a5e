package instrument

import (
	"reflect"
	"runtime"
	"strings"
	"sync"
)

// callers is the return addresses of the two calls that led to a Permit, the inner
// one first: two, because AcquirePermit may or may not be inlined into the program.
type callers struct{ inner, outer uintptr }

// callersOfCaller returns the callers of its own caller. It takes most of the time
// of a tracked Permit. Following the frame pointers by hand would be ten times as
// fast, but a frame that is not what it seems would end the program.
//
//go:noinline
func callersOfCaller() callers {
	var pcs [2]uintptr
	runtime.Callers(3, pcs[:])
	return callers{pcs[0], pcs[1]}
}

// site returns the place in the program, past our own methods.
func (c callers) site() string {
	frames := runtime.CallersFrames([]uintptr{c.inner, c.outer})
	for {
		f, more := frames.Next()
		if !more || !strings.HasPrefix(f.Function, ownMethods()) {
			return formatSite(f.Function, f.File, f.Line)
		}
	}
}

// ownMethods is how the names of Semaphore's methods begin.
var ownMethods = sync.OnceValue(func() string {
	name := runtime.FuncForPC(reflect.ValueOf((*Semaphore).TryAcquire).Pointer()).Name()
	return strings.TrimSuffix(name, "TryAcquire")
})
