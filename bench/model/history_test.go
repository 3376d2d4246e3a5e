package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/weir-go/weir/instrument"
)

// outcome is what an operation returned.
type outcome struct {
	facts [maxChannels]fact
	about [maxChannels]bool // which facts there are
	// canceled: the context ended it.
	canceled bool
	stats    *instrument.ChanStats
	wrong    string // what no channel returns
}

func (out *outcome) tell(on int, k factKind, v int) {
	out.facts[on], out.about[on] = fact{k, v}, true
}

// is reports whether the operation told that of a channel.
func (out *outcome) is(on int, k factKind) bool { return out.about[on] && out.facts[on].kind == k }

// entry is an operation in a history. Moments are numbered: no two are the same.
type entry struct {
	op
	client    int
	call, ret int64 // ret is 0 until it returns
	outcome
}

func (e *entry) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%4d-%-4d goroutine %d: %v:", e.call, e.ret, e.client, e.op)
	for i, is := range e.about {
		if is {
			fmt.Fprintf(&s, " %s %d,", factNames[e.facts[i].kind], e.facts[i].v)
		}
	}
	if e.canceled {
		s.WriteString(" canceled")
	}
	if e.stats != nil {
		fmt.Fprintf(&s, " sent %d, received %d, depth %d", e.stats.Sent, e.stats.Received, e.stats.Depth)
	}
	if e.ret == 0 {
		s.WriteString(" waits")
	}
	return s.String() + e.wrong
}

var factNames = [...]string{
	"sent", "received", "passed", "full", "empty", "neither", "nothing", "drained", "send panics", "closed", "close panics", "length",
}

func (out *outcome) received(on, v int, ok bool) {
	switch {
	case ok:
		out.tell(on, received, v)
	case v != 0:
		out.wrong = fmt.Sprintf("message %d of a closed channel", v)
	default:
		out.tell(on, drained, 0)
	}
}

func (out *outcome) ended(err error) {
	out.canceled = errors.Is(err, context.Canceled)
	if !out.canceled {
		out.wrong = fmt.Sprintf("error %v", err)
	}
}

// entries returns the operations in the order of their calls.
func (m *machine) entries() []*entry {
	all := slices.Concat(m.logs...)
	slices.SortFunc(all, func(a, b *entry) int { return int(a.call - b.call) })
	return all
}

func (m *machine) String() string {
	var s strings.Builder
	for _, e := range m.entries() {
		fmt.Fprintln(&s, e)
	}
	return s.String()
}

// waiting returns the operations that have not returned.
func (m *machine) waiting() []*entry {
	return slices.DeleteFunc(m.entries(), func(e *entry) bool { return e.ret != 0 })
}
