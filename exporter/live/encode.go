package live

import (
	"encoding/json"
	"strconv"
)

// This file writes what encoding/json would write, for the part of a document that
// is large and new every second: reflection takes ten times as long. That the two
// agree is a test.

// encode writes the latest reading: what changed since the one before, or all of it.
// The caller holds h.mu.
func (h *hub) encode(update bool) []byte {
	top := h.top
	if !update {
		top.Program = h.program()
	}
	top.Objects = []Object{}
	head := marshal(top)
	b := append(make([]byte, 0, h.room), head[:len(head)-len("]}")]...) // objects are the last
	first := len(b)
	for _, e := range h.sorted {
		switch {
		case !update:
			b = e.append(b, true)
			b = e.past.history(false).append(b)
		case e.changed:
			b = e.append(b, e.renewed)
		default:
			continue
		}
		b = append(b, "},"...)
	}
	if len(b) > first {
		b = b[:len(b)-1]
	}
	h.room = len(b) + len(b)/8
	return append(b, "]}"...)
}

// marshal cannot fail: what is in a document is ours.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("weir: " + err.Error())
	}
	return b
}

// texts are the parts of an object that seldom change, as JSON.
type texts struct{ name, made, warnings []byte }

// append writes an object but for its history and its end.
func (e *entry) append(b []byte, made bool) []byte {
	if e.json.name == nil {
		e.json.name = marshal(e.name)
	}
	b = append(b, `{"kind":"`...)
	b = append(b, e.kind...)
	b = append(b, `","name":`...)
	b = append(b, e.json.name...)
	b = append(b, ',')
	if made {
		if e.json.made == nil {
			e.json.made = marshal(e.made)
		}
		b = append(b, e.json.made[1:len(e.json.made)-1]...)
		b = append(b, ',')
	}
	b = e.now.append(b)
	b = appendUint(b, `,"trouble":`, uint64(e.trouble))
	if e.json.warnings == nil {
		e.json.warnings = marshal(e.warnings)
	}
	b = append(b, `,"warnings":`...)
	return append(b, e.json.warnings...)
}

func (n *Now) append(b []byte) []byte {
	b = appendUint(b, `"members":`, uint64(n.Members))
	b = appendNumber(b, `,"level":`, n.Level)
	b = appendNumber(b, `,"limit":`, n.Limit)
	b = appendNumber(b, `,"peak":`, n.Peak)
	b = appendNumber(b, `,"floor":`, n.Floor)
	b = appendNumber(b, `,"fill":`, n.Fill)
	b = appendNumber(b, `,"queue":`, n.Queue)
	b = appendNumber(b, `,"queue_limit":`, n.QueueLimit)
	b = appendNumber(b, `,"bytes":`, n.Bytes)
	b = appendNumber(b, `,"in_per_second":`, n.In)
	b = appendNumber(b, `,"out_per_second":`, n.Out)
	b = appendNumber(b, `,"refused_per_second":`, n.Refused)
	b = appendUint(b, `,"in_total":`, n.InTotal)
	b = appendUint(b, `,"out_total":`, n.OutTotal)
	b = appendUint(b, `,"refused_total":`, n.RefusedTotal)
	b = appendNumber(b, `,"waiting":`, n.Waiting)
	b = appendNumber(b, `,"wait_p50_seconds":`, n.WaitP50)
	b = appendNumber(b, `,"wait_p99_seconds":`, n.WaitP99)
	return appendNumber(b, `,"oldest_seconds":`, n.Oldest)
}

func (h *History) append(b []byte) []byte {
	b = appendNumbers(b, `,"history":{"level":[`, h.Level)
	b = appendNumbers(b, `],"floor":[`, h.Floor)
	b = appendNumbers(b, `],"peak":[`, h.Peak)
	return append(b, "]}"...)
}

func appendUint(b []byte, field string, n uint64) []byte {
	return strconv.AppendUint(append(b, field...), n, 10)
}

func appendNumber(b []byte, field string, n Number) []byte {
	return n.append(append(b, field...))
}

func appendNumbers(b []byte, field string, all []Number) []byte {
	b = append(b, field...)
	for i, n := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = n.append(b)
	}
	return b
}
