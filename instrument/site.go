package instrument

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
)

const (
	// maxSites is how many places a name remembers.
	maxSites = 16
	// sitedMembers is how many members of a name are asked where they were
	// made: a lookup costs more than all the rest of a constructor.
	sitedMembers = 64
)

// callerOf returns the program counter of the call skip frames above its own
// caller.
func callerOf(skip int) uintptr {
	var pcs [1]uintptr
	runtime.Callers(skip+2, pcs[:])
	return pcs[0]
}

// siteOf renders a program counter as "pkg.Func file.go:41": enough to find
// the line, and never an absolute path, which would tell of the build machine
// and change with it.
func siteOf(pc uintptr) string {
	if pc == 0 {
		return ""
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	return formatSite(frame.Function, frame.File, frame.Line)
}

// siteOfFunc is siteOf for the entry of a function.
func siteOfFunc(entry uintptr) string {
	f := runtime.FuncForPC(entry)
	if f == nil {
		return ""
	}
	file, line := f.FileLine(entry)
	return formatSite(f.Name(), file, line)
}

// siteOfFrame is siteOf for a call on a stack. A range over an iterator of ours is
// inlined with our lines under the caller's name; then it is the caller's first line.
func siteOfFrame(f runtime.Frame) string {
	if path.Dir(f.File) == ownFolder() && !strings.HasPrefix(f.Function, modulePath+"/instrument.") {
		if fn := runtime.FuncForPC(f.Entry); fn != nil {
			f.File, f.Line = fn.FileLine(f.Entry)
		}
	}
	return formatSite(f.Function, f.File, f.Line)
}

// ownFolder is where the compiler found this package.
var ownFolder = sync.OnceValue(func() string {
	_, file, _, _ := runtime.Caller(0)
	return path.Dir(file)
})

func formatSite(function, file string, line int) string {
	if function == "" {
		return ""
	}
	function = strings.ReplaceAll(path.Base(function), "[...]", "")
	return fmt.Sprintf("%s %s:%d", function, path.Base(file), line)
}

// siteList is the places that made the members of a name, the first one first.
type siteList struct {
	mu       sync.Mutex
	asked    int
	pcs      []uintptr
	rendered []string // of pcs, as far as somebody asked
}

// note records the caller skip frames above its own caller.
func (l *siteList) note(skip int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked >= sitedMembers || len(l.pcs) >= maxSites {
		return
	}
	l.asked++
	pc := callerOf(skip + 1)
	for _, known := range l.pcs {
		if known == pc {
			return
		}
	}
	l.pcs = append(l.pcs, pc)
}

func (l *siteList) strings() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, pc := range l.pcs[len(l.rendered):] {
		l.rendered = append(l.rendered, siteOf(pc))
	}
	return slices.Clone(l.rendered)
}
