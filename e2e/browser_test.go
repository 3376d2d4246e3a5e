package e2e

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// needBrowser is set where there must be a browser: in CI.
const needBrowser = "WEIR_NEED_BROWSER"

var pictures = flag.String("pictures", "", "folder to write pictures of the live page to")

// chromium returns the path of a browser. Without one the test is skipped, but not
// where there must be one.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	if os.Getenv(needBrowser) != "" {
		t.Fatalf("no Chromium, which %s asks for: apt-get install chromium, or name one in CHROMIUM", needBrowser)
	}
	t.Skip("NOT TESTED: there is no Chromium. apt-get install chromium, or name one in CHROMIUM")
	return ""
}

// tab is a page in a real browser. What it says on its console, and what it asks of
// anybody but where it came from, fails the test, unless that is expected.
type tab struct {
	*testing.T
	ctx    context.Context
	origin string

	mu       sync.Mutex
	says     []string
	asks     []string // elsewhere
	expected []string // parts of what it may say
}

func newTab(t *testing.T, origin string, flags ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	flags = append(append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(2*time.Minute)), flags...)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	b := &tab{T: t, origin: origin}
	ctx, closeTab := chromedp.NewContext(allocator, chromedp.WithListener(b.hear))
	b.ctx = ctx
	t.Cleanup(func() {
		b.check()
		closeTab()
		stop()
	})
	// The first one starts the browser, which lives as long as its context.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	call(b, network.Enable, network.EnableParams{})
	return b
}

// hear takes what the browser reports.
func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		b.says = append(b.says, fmt.Sprintf("%s: %v", e.Type, e.Args))
	case *runtime.EventExceptionThrown:
		b.says = append(b.says, fmt.Sprintf("exception: %+v", e.ExceptionDetails))
	case *cdplog.EventEntryAdded:
		b.says = append(b.says, fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
	case *page.EventJavascriptDialogOpening:
		b.says = append(b.says, "dialog: "+e.Message)
	case *network.EventRequestWillBeSent:
		if url := e.Request.URL; !strings.HasPrefix(url, b.origin+"/") && !strings.HasPrefix(url, "data:") {
			b.asks = append(b.asks, url)
		}
	}
}

// check fails for what was said and asked and is not expected.
func (b *tab) check() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, said := range b.says {
		expected := false
		for _, part := range b.expected {
			expected = expected || strings.Contains(said, part)
		}
		if !expected {
			b.Errorf("the console has %s", said)
		}
	}
	for _, url := range b.asks {
		b.Errorf("the page asked %s", url)
	}
}

// expect allows the console to have what contains one of these.
func (b *tab) expect(parts ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, parts...)
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

func result[T any](b *tab, a chromedp.Action[T]) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Minute)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// call gives the browser a command.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.Fatal(err)
	}
}

// eval returns what an expression is in the page.
func eval[T any](b *tab, expression string) T {
	b.Helper()
	return result(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits for an expression to be true.
func (b *tab) until(what, expression string) {
	b.Helper()
	eventually(b.T, 4*time.Minute, what, func() (bool, string) {
		return eval[bool](b, "Boolean("+expression+")"), tail(eval[string](b, "document.body.innerText"), 2000)
	})
}

// see sets the size of the window and the colour scheme.
func (b *tab) see(width, height int64, scheme string, opts ...chromedp.EmulateViewportOption) {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, height, opts...))
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// picture takes a picture, which is not blank, and keeps it if somebody asked.
func (b *tab) picture(name string) {
	b.Helper()
	data := result(b, chromedp.CaptureScreenshot())
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	colours := make(map[any]bool)
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y += 3 {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x += 3 {
			colours[img.At(x, y)] = true
		}
	}
	if len(colours) < 20 {
		b.Errorf("the picture %s has %d colours", name, len(colours))
	}
	if *pictures == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(*pictures, name+".png"), data, 0o644); err != nil {
		b.Fatal(err)
	}
}
