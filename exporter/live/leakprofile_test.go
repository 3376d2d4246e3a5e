package live

import (
	"bytes"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/weir-go/weir/instrument"
)

// leakSend leaves a goroutine behind that sends where nobody can receive.
func leakSend(r *instrument.Registry) {
	c := instrument.NewChan[int]("leaked", 0, instrument.WithRegistry(r))
	go func() { c.Send(1) }()
}

// TestLeakProfileThroughStream: that somebody looks hides no leak from the runtime's
// own profile.
func TestLeakProfileThroughStream(t *testing.T) {
	profile := pprof.Lookup("goroutineleak")
	if profile == nil {
		t.Skip("NOT TESTED: this runtime has no goroutineleak profile")
	}
	r := newRegistry()
	h := Handler(r)
	x := follow(h)
	defer x.leave()
	leakSend(r)
	for e := readEvent(t, x.in); ; e = readEvent(t, x.in) {
		if len(e.Objects) == 1 && e.Objects[0].Waiting == 1 {
			break
		}
	}
	if w := get(h, Path+"snapshot?kind=channel&name=leaked"); w.Code != 200 {
		t.Errorf("no details: %s", w.Body)
	}
	// A weak pointer that is looked at just then hides what it points to: that may
	// happen once a second, and not in one profile after the other.
	var text bytes.Buffer
	for range 5 {
		text.Reset()
		if err := profile.WriteTo(&text, 1); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text.String(), "leakSend") {
			return
		}
		readEvent(t, x.in)
	}
	t.Errorf("the profile does not have the leak:\n%s", &text)
}
