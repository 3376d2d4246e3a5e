package instrument

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// line returns the caller's line.
func line() int {
	_, _, n, _ := runtime.Caller(1)
	return n
}

// TestSites checks that each constructor names the line that called it.
func TestSites(t *testing.T) {
	r := NewRegistry()
	with := WithRegistry(r)
	var keep []any
	made := map[string]int{}
	keep = append(keep, NewChan[int]("NewChan", 1, with))
	made["NewChan"] = line() - 1
	keep = append(keep, WrapChan("WrapChan", make(chan string, 1), with))
	made["WrapChan"] = line() - 1
	keep = append(keep, Watch("Watch", make(chan []byte, 1), with))
	made["Watch"] = line() - 1
	keep = append(keep, NewQueue[struct{}]("NewQueue", with))
	made["NewQueue"] = line() - 1
	s := r.Snapshot()
	for name, n := range made {
		want := fmt.Sprintf("instrument.TestSites site_test.go:%d", n)
		if got := chanIn(t, s, name); got.Site != want || len(got.Sites) != 1 {
			t.Errorf("%s: site %q of %q, want %q", name, got.Site, got.Sites, want)
		}
	}
	func() {
		for range 3 {
			keep = append(keep, NewChan[int]("closure", 1, with), generic[int](with))
		}
	}()
	got := chanNow(t, r, "closure")
	if len(got.Sites) != 2 || !strings.HasPrefix(got.Sites[0], "instrument.TestSites.func1 site_test.go:") ||
		!strings.HasPrefix(got.Sites[1], "instrument.generic site_test.go:") {
		t.Errorf("sites %q", got.Sites)
	}
	runtime.KeepAlive(keep)
}

func generic[T any](o ChanOption) *Chan[T] { return NewChan[T]("closure", 1, o) }

func TestSitesAreBounded(t *testing.T) {
	var l siteList
	for i := range 100 {
		l.pcs = append(l.pcs, uintptr(i))
		if len(l.pcs) >= maxSites {
			break
		}
	}
	l.note(0)
	if len(l.pcs) != maxSites {
		t.Errorf("%d sites", len(l.pcs))
	}
	var asked siteList
	for range 2 * sitedMembers {
		asked.note(0)
	}
	if asked.asked != sitedMembers || len(asked.pcs) != 1 {
		t.Errorf("%d asked, %d sites", asked.asked, len(asked.pcs))
	}
}

func TestFormatSite(t *testing.T) {
	for _, c := range []struct{ function, file, want string }{
		{"example.com/a/b.(*T).Do.func1", "/home/somebody/a/b/file.go", "b.(*T).Do.func1 file.go:7"},
		{"main.Do[...]", "file.go", "main.Do file.go:7"},
		{"", "", ""},
	} {
		if got := formatSite(c.function, c.file, 7); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if siteOf(0) != "" || siteOfFunc(0) != "" {
		t.Error("nothing has a site")
	}
	if got := siteOfFunc(reflect.ValueOf(TestFormatSite).Pointer()); !strings.HasPrefix(got, "instrument.TestFormatSite site_test.go:") {
		t.Errorf("entry of this test: %q", got)
	}
}
