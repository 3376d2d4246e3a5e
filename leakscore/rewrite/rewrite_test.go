package rewrite

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// rewriteText rewrites a program of one file.
func rewriteText(t *testing.T, text string, opts Options) (string, Result, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Package(dir, []string{"p.go"}, opts)
	return string(r.Files["p.go"]), r, err
}

// statements are pairs: a statement and what becomes of it, in a function with the
// parameters of scope.
var statements = [][2]string{
	{`ch <- 1`, `ch.Send(1)`},
	{`<-ch`, `ch.Recv()`},
	{`v := <-ch; _ = v`, `v, _ := ch.Recv(); _ = v`},
	{`v, ok := <-ch; _, _ = v, ok`, `v, ok := ch.Recv(); _, _ = v, ok`},
	{`f(<-ch)`, `f(<-ch.C())`},
	{`close(ch)`, `ch.Close()`},
	{`defer close(ch)`, `defer ch.Close()`},
	{`_ = len(ch) + cap(ch)`, `_ = ch.Len() + ch.Cap()`},
	{`for v := range ch { _ = v }`, `for v := range ch.All() { _ = v }`},
	{`x := make(chan int); _ = x`, `x := instrument.NewChan[int]("p.go:LINE", 0, watch.Options()...); _ = x`},
	{`x := make(chan int, n); _ = x`, `x := instrument.NewChan[int]("p.go:LINE", int(n), watch.Options()...); _ = x`},
	{`x := make(chan chan int, 1); _ = x`, `x := instrument.NewChan[*instrument.Chan[int]]("p.go:LINE", int(1), watch.Options()...); _ = x`},
	{`chs <- ch`, `chs.Send(ch)`},
	{`out <- ch`, `out.Send(ch.C())`},
	{`ch <- <-ch`, `ch.Send(<-ch.C())`},
	{`var r <-chan int = ch; <-r`, `var r <-chan int = ch.C(); <-r`},
	{`r := g(ch); _ = r`, `r := g(ch.C()); _ = r`},
	{`x := nameOf(ch); x <- 1`, `x := nameOf{ch}; x.Send(1)`},
	{`all := []chan int{ch}; all[0] <- 1`, `all := []*instrument.Chan[int]{ch}; all[0].Send(1)`},
	{`all := []<-chan int{ch}; <-all[0]`, `all := []<-chan int{ch.C()}; <-all[0]`},
	{`all := append([]<-chan int(nil), ch); _ = all`, `all := append([]<-chan int(nil), ch.C()); _ = all`},
	{`s := struct{ r <-chan int }{r: ch}; _ = s`, `s := struct{ r <-chan int }{r: ch.C()}; _ = s`},
	{`select { case ch <- 1: f(2)
	case v := <-ch: f(v)
	case <-ctx.Done():
	default: }`, `select { case ch.Raw() <- 1: ch.Sent(); f(2)
	case v := <-ch.C(): f(v)
	case <-ctx.Done():
	default: }`},
	{`<-ctx.Done()`, `<-ctx.Done()`},
	{`<-time.After(1)`, `<-time.After(1)`},
}

const before = `package main

import "context"
import "time"

func f(int) {}
func g(r <-chan int) <-chan int { return r }
func h(ch chan int) <-chan int { return ch }
func h2() []chan int { return nil }

type nameOf chan<- int

var _ = time.After
var m map[chan int]int

`

const scope = `(ch chan int, chs chan chan int, out chan (<-chan int), ctx context.Context, n int) {`

func TestStatements(t *testing.T) {
	text := before
	for i, s := range statements {
		text += fmt.Sprintf("func scope%d%s\n%s\n} // end\n", i, scope, s[0])
	}
	got, _, err := rewriteText(t, text, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range statements {
		_, body, _ := strings.Cut(got, fmt.Sprintf("func scope%d(", i))
		at := 1 + strings.Count(got[:len(got)-len(body)], "\n") + 1
		_, body, _ = strings.Cut(body, "{\n")
		body, _, _ = strings.Cut(body, "\n} // end")
		if want := strings.ReplaceAll(s[1], "LINE", strconv.Itoa(at)); body != want {
			t.Errorf("%s\nbecame\n%s\nwant\n%s", s[0], body, want)
		}
	}
	for _, want := range []string{`; import "github.com/weir-go/weir/instrument"`,
		"(ch *instrument.Chan[int], chs *instrument.Chan[*instrument.Chan[int]], out *instrument.Chan[(<-chan int)], ctx",
		"func g(r <-chan int) <-chan int { return r }", "func h(ch *instrument.Chan[int]) <-chan int { return ch.C() }",
		"type nameOf struct{ *instrument.Chan[int] }"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Count(got, "\n") != strings.Count(text, "\n") {
		t.Error("lines have moved")
	}
}

func TestCase(t *testing.T) {
	got, r, err := rewriteText(t, `package main

import "os"
import "runtime/pprof"

func Case1() {
	prof := pprof.Lookup("goroutineleak")
	defer func() { prof.WriteTo(os.Stdout, 2) }()
	for i := 0; i < 100; i++ {
		go func() { <-make(chan int) }()
	}
}

func main() { Case1() }
`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"defer func() { watch.Unused(prof, os.Stdout, 2) }()", "i < watch.Copies(100)", "func replacedMain()",
		`instrument.NewChan[int]("p.go:10", 0, watch.Options()...).Recv()`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if r.Made["p.go"] != 1 || r.Ops["p.go"] != 1 {
		t.Errorf("made %v, operations %v", r.Made, r.Ops)
	}
}

func TestUnnamed(t *testing.T) {
	got, _, err := rewriteText(t, "package main\n\nvar _ = make(chan int)\n", Options{Unnamed: true})
	if err != nil || !strings.Contains(got, `instrument.NewChan[int]("", 0,`) {
		t.Errorf("%v in\n%s", err, got)
	}
}

// What is not understood is refused, and not left native.
func TestRefused(t *testing.T) {
	for _, statement := range []string{
		`type T chan int; _ = make(T)`,
		`select { case h2()[0] <- 1: }`,
		`<-<-chs`,
		`type T chan int; _ = T(T(nil))`,
		`var x nameOf = ch; _ = x`,
	} {
		if got, _, err := rewriteText(t, before+"func scope"+scope+statement+"}\n", Options{}); err == nil {
			t.Errorf("%s was rewritten:\n%s", statement, got)
		}
	}
}
