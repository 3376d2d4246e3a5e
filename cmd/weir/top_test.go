package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"

	"github.com/weir-go/weir/exporter/live"
	"github.com/weir-go/weir/instrument"
)

// asCommand makes this test binary the command.
const asCommand = "WEIR_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// patience is how long a test waits for something that comes.
const patience = 2 * time.Minute

// terminal is one in which the command runs.
type terminal struct {
	*testing.T
	cmd    *exec.Cmd
	pty    *os.File
	before *term.State // of the line, as it was
	ended  chan error

	mu      sync.Mutex
	screen  *vt.Emulator
	raw     bytes.Buffer
	changed chan struct{}
}

// inTerminal runs the command in a terminal with 24 lines.
func inTerminal(t *testing.T, width int, args ...string) *terminal {
	t.Helper()
	const height = 24
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	main, line, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = line.Close() }()
	x := &terminal{T: t, pty: main, ended: make(chan error, 1), screen: vt.NewEmulator(width, height), changed: make(chan struct{}, 1)}
	if x.before, err = term.GetState(main.Fd()); err != nil {
		t.Fatal(err)
	}
	x.resizeLine(width, height)
	x.cmd = exec.Command(self, args...)
	races := filepath.Join(t.TempDir(), "races")
	x.cmd.Env = append(os.Environ(), asCommand+"=1", "TERM=xterm-256color", "NO_COLOR=", "COLORTERM=", "GORACE=exitcode=0 log_path="+races)
	t.Cleanup(func() { checkRaces(t, races) })
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = line, line, line
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(x.read)
	reading.Go(func() { _, _ = io.Copy(main, x.screen) }) // what a terminal answers when it is asked
	go func() { x.ended <- x.cmd.Wait() }()
	t.Cleanup(func() {
		_ = x.cmd.Process.Kill()
		_ = main.Close()
		_ = x.screen.InputPipe().(io.Closer).Close()
		reading.Wait()
	})
	return x
}

// checkRaces fails for what the race detector found in the command, but for what
// bubbletea does not wait for: at its end it gives the reader of keys half a second
// and then closes its file, which on a busy machine is too short.
func checkRaces(t *testing.T, log string) {
	t.Helper()
	files, err := filepath.Glob(log + ".*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, report := range strings.Split(string(text), "==================") {
			if strings.Contains(report, "DATA RACE") && !strings.Contains(report, "muesli/cancelreader") {
				t.Errorf("a race in the command:\n%s", report)
			}
		}
	}
}

// read takes what the command writes.
func (x *terminal) read() {
	buf := make([]byte, 32<<10)
	for {
		n, err := x.pty.Read(buf)
		x.mu.Lock()
		_, _ = x.screen.Write(buf[:n])
		x.raw.Write(buf[:n])
		x.mu.Unlock()
		select {
		case x.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (x *terminal) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.screen.String()
}

// wrote is all that the command wrote, as it wrote it.
func (x *terminal) wrote() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.raw.String()
}

func tail(s string) string { return s[max(len(s)-5000, 0):] }

// until waits for the screen to be as wanted.
func (x *terminal) until(what string, wanted func(text string) bool) {
	x.Helper()
	late := time.After(patience)
	for !wanted(x.text()) {
		select {
		case <-x.changed:
		case <-late:
			x.Fatalf("%s: not on the screen:\n%s", what, x.text())
		}
	}
}

// shows waits for the screen to have all of these.
func (x *terminal) shows(parts ...string) {
	x.Helper()
	x.until(strings.Join(parts, ", "), func(text string) bool {
		for _, part := range parts {
			if !strings.Contains(text, part) {
				return false
			}
		}
		return true
	})
}

// inOrder waits for the screen to have the rows of these, one below the other.
func (x *terminal) inOrder(names ...string) {
	x.Helper()
	x.until("in order: "+strings.Join(names, ", "), func(text string) bool {
		next := 0
		for _, line := range strings.Split(text, "\n")[3:] {
			if next < len(names) && strings.HasPrefix(strings.TrimLeft(line, "▸▲! "), names[next]+" ") {
				next++
			}
		}
		return next == len(names)
	})
}

func (x *terminal) hides(part string) {
	x.Helper()
	x.until("no "+part, func(text string) bool { return !strings.Contains(text, part) })
}

func (x *terminal) press(keys string) {
	x.Helper()
	if _, err := x.pty.WriteString(keys); err != nil {
		x.Fatal(err)
	}
}

func (x *terminal) resize(width, height int) {
	x.Helper()
	x.mu.Lock()
	x.screen.Resize(width, height)
	x.mu.Unlock()
	x.resizeLine(width, height)
}

func (x *terminal) resizeLine(width, height int) {
	x.Helper()
	if err := pty.Setsize(x.pty, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		x.Fatal(err)
	}
}

// restored waits for the command to end, and wants the terminal as it was.
func (x *terminal) restored(code int) {
	x.Helper()
	select {
	case err := <-x.ended:
		var exit *exec.ExitError
		if got := x.cmd.ProcessState.ExitCode(); got != code || err != nil && !errors.As(err, &exit) {
			x.Errorf("it ended with %d, %v, want %d, and wrote\n%s", got, err, code, tail(x.wrote()))
		}
	case <-time.After(patience):
		x.Fatalf("it does not end:\n%s", x.text())
	}
	x.until("the screen is given back", func(string) bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		return !x.screen.IsAltScreen()
	})
	x.mu.Lock()
	defer x.mu.Unlock()
	if raw := x.raw.String(); strings.LastIndex(raw, "\x1b[?25h") < strings.LastIndex(raw, "\x1b[?25l") {
		x.Error("the cursor stays hidden")
	}
	after, err := term.GetState(x.pty.Fd())
	if err != nil {
		x.Fatal(err)
	}
	if *after != *x.before {
		x.Errorf("the line was %+v, and is %+v", *x.before, *after)
	}
}

// program is one that weir top can look at, and that can go away and come back.
type program struct {
	net.Listener
	server *http.Server
	moves  *instrument.Chan[string]

	mu   sync.Mutex
	gone bool
	open []net.Conn
}

func newProgram(t *testing.T, opts ...live.Option) *program {
	t.Helper()
	r := instrument.NewRegistry(instrument.WithLogger(slog.New(slog.DiscardHandler)))
	with := instrument.WithRegistry(r)
	p := &program{moves: instrument.NewChan[string]("moves", 8, with, instrument.WithOwner("game"))}
	for range 6 {
		p.moves.Send("the message itself")
	}
	inbox := instrument.NewQueue[int]("inbox \x1b[31m\u202ered", with, instrument.WithStallAfter(1))
	inbox.Send(1) // and nobody receives
	slots := instrument.NewSemaphore("slots", 4, with)
	slots.TryAcquire(1)
	pool := instrument.NewPool("writers", 2, 4, with)
	mux := http.NewServeMux()
	mux.Handle(live.Path, live.Handler(r, opts...))
	p.server = &http.Server{Handler: mux}
	var err error
	if p.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = p.server.Serve(p) })
	t.Cleanup(func() {
		_ = p.server.Close()
		serving.Wait()
		_ = pool.Shutdown(context.Background())
		p.moves.Close()
		inbox.Close()
		slots.Release(1)
	})
	return p
}

func (p *program) address() string { return p.Addr().String() }

// Accept implements net.Listener. It keeps the port, which somebody else might take,
// also while the program is gone: then it hangs up.
func (p *program) Accept() (net.Conn, error) {
	for {
		conn, err := p.Listener.Accept()
		if err != nil {
			return nil, err
		}
		p.mu.Lock()
		gone := p.gone
		p.open = append(p.open, conn)
		p.mu.Unlock()
		if !gone {
			return conn, nil
		}
		_ = conn.Close()
	}
}

// leave makes the program go away, or come back.
func (p *program) leave(gone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = gone
	for _, conn := range p.open {
		_ = conn.Close()
	}
	p.open = nil
}

// TestTop goes through what there is to see, at 80×24 and in other sizes.
func TestTop(t *testing.T) {
	p := newProgram(t)
	x := inTerminal(t, 80, "top", p.address())
	x.shows("● live", "7 messages", "NAME", "FILL", "OLDEST", "▲ inbox", "holds messages, and nothing is received", "(heuristic, ", "q quit")
	x.inOrder("inbox", "moves", "slots", "writers") // by trouble, then by how full they are
	x.shows("6/8", "1/4", "0/2")
	for i, line := range strings.Split(x.text(), "\n") {
		if n := len([]rune(line)); n > 80 || i > 23 {
			t.Errorf("line %d has %d characters: %s", i, n, line)
		}
	}

	x.press("s") // by name
	x.shows("NAME↑")
	x.inOrder("inbox", "moves", "slots", "writers")
	x.press("r")
	x.shows("NAME↓")
	x.inOrder("writers", "slots", "moves", "inbox")
	x.press("ssS") // two columns on and one back
	x.shows("FILL↓")

	x.press("/sl")
	x.hides(" moves ")
	x.shows("slots", "/sl")
	x.press("zz\r")
	x.shows("Nothing matches.", "/slzz")
	x.press("\x1b")
	x.shows(" moves ")
	x.press("t")
	x.shows("channels only", " moves ")
	x.hides("writers")
	x.press("tt")
	x.shows("pools only", "writers")
	x.press("t")
	x.shows("slots")

	x.press("G\x1b[A\x1b[A\x1b[A\x1b[B\r") // the last, three up, one down
	x.shows("permits in use of 4", "in per second", "esc back")
	x.press("\x1b")
	x.shows("FILL↓")
	x.press("g\r")
	x.shows("moves", "channel", "6 now", "messages of 8", "now 6")
	x.press("\x1b[F") // to the end
	x.shows("since it was made", "in the channel", "sends that found no room", "longest", "waiting", "100%")
	x.press("\x1b")
	x.shows("● live", "FILL↓")

	x.press("?")
	x.shows("details", "reverse", "WAIT50 WAIT99", "esc or ? leads back")
	x.press("?")
	x.shows("FILL↓")

	x.press("p")
	x.shows("⏸ paused")
	p.moves.Recv()
	paused := x.text()
	x.press("p")
	x.shows("● live", "6 messages", "5/8")
	if !strings.Contains(paused, "7 messages") {
		t.Errorf("it went on while it was paused:\n%s", paused)
	}

	x.resize(140, 40)
	x.shows("KIND", "semaphore", "WAIT50", "5 MINUTES")
	x.resize(30, 8)
	x.shows("weir top wants 40×10")
	x.hides("NAME")
	x.resize(60, 12)
	x.shows("NAME", "moves", "● live")
	x.hides("KIND")
	x.resize(80, 24)
	x.shows("q quit", "OLDEST")
	if strings.Contains(x.text(), "the message itself") || strings.Contains(x.text(), "\u202e") {
		t.Errorf("the screen has what it should not:\n%s", x.text())
	}
	x.press("q")
	x.restored(0)
}

// TestTopServerGone takes the program away, and brings it back.
func TestTopServerGone(t *testing.T) {
	p := newProgram(t)
	x := inTerminal(t, 80, "top", "http://"+p.address()+live.Path)
	x.shows("● live", "moves")
	p.leave(true)
	x.shows("○ lost", "trying again", "moves") // with what was there last
	p.moves.Recv()
	p.leave(false)
	x.shows("● live", "5/8")
	x.press("q")
	x.restored(0)
}

// TestTopGivesTheTerminalBack, however it ends.
func TestTopGivesTheTerminalBack(t *testing.T) {
	for name, end := range map[string]func(*terminal){
		"q":         func(x *terminal) { x.press("q") },
		"control-C": func(x *terminal) { x.press("\x03") },
		"filtering": func(x *terminal) { x.press("/q\x03") },
		"SIGINT":    func(x *terminal) { _ = x.cmd.Process.Signal(syscall.SIGINT) },
		"SIGTERM":   func(x *terminal) { _ = x.cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			x := inTerminal(t, 80, "top", newProgram(t).address())
			x.shows("● live", "moves")
			end(x)
			x.restored(0)
		})
	}
}

// TestTopWithoutTerminal: when the terminal is closed, nothing stays behind.
func TestTopWithoutTerminal(t *testing.T) {
	x := inTerminal(t, 80, "top", newProgram(t).address())
	x.shows("● live", "moves")
	_ = x.pty.Close()
	select {
	case <-x.ended:
	case <-time.After(patience):
		t.Error("it goes on")
	}
}

// TestTopDoesNotBegin: what is wrong from the start is one line, and the terminal is
// not touched.
func TestTopDoesNotBegin(t *testing.T) {
	p := newProgram(t, live.WithAuthorize(func(r *http.Request) bool {
		_, password, _ := r.BasicAuth()
		return password == "right"
	}))
	x := inTerminal(t, 200, "top", p.address())
	x.shows("asks who you are")
	x.restored(1)
	if text := strings.TrimSpace(x.text()); strings.Contains(text, "\n") || strings.Contains(x.wrote(), "\x1b[?1049h") {
		t.Errorf("it writes %q", x.wrote())
	}
	x = inTerminal(t, 80, "top", "http://me:right@"+p.address())
	x.shows("● live", "moves")
	if strings.Contains(x.text(), "right@") {
		t.Errorf("the password is on the screen:\n%s", x.text())
	}
	x.press("q")
	x.restored(0)
}
