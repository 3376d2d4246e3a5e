package instrument

import (
	"strings"
	"testing"
	"testing/synctest"
	"unicode"
	"unicode/utf8"
)

func TestSanitize(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, c := range []struct{ what, in, want string }{
		{"clean", "orders", "orders"},
		{"quotes stay", `say "hi" \ {it}`, `say "hi" \ {it}`},
		{"newlines go", "a\nb\r\tc\x00", "abc"},
		{"the upper control block goes", "a\u0085b", "ab"},
		{"each bad byte shows", "a\xff\xfeb", "a\uFFFD\uFFFDb"},
		{"cut", long, long[:128]},
		{"cut before a rune of two bytes", strings.Repeat("x", 127) + "é", strings.Repeat("x", 127)},
		{"cut after a rune of two bytes", strings.Repeat("x", 126) + "éé", strings.Repeat("x", 126) + "é"},
		{"cut inside a rune of four bytes", strings.Repeat("x", 125) + "😀", strings.Repeat("x", 125)},
		{"nothing left", "\n\x01", ""},
		{"nothing", "", ""},
	} {
		if got := sanitize(c.in); got != c.want {
			t.Errorf("%s: %q becomes %q, want %q", c.what, c.in, got, c.want)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"", "a", "a\"b\n", "\xff\xfe\xfd", strings.Repeat("é", 100), strings.Repeat("\xf0", 130), "\u2028{}\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		name := sanitize(in)
		if !utf8.ValidString(name) || len(name) > maxNameBytes || strings.ContainsFunc(name, unicode.IsControl) {
			t.Fatalf("%q becomes %q", in, name)
		}
		if again := sanitize(name); again != name {
			t.Fatalf("%q becomes %q, and that %q", in, name, again)
		}
		// In a bubble the sampling of this registry ends with it.
		synctest.Test(t, func(t *testing.T) {
			r := NewRegistry()
			c := NewChan[int](in, 1, WithRegistry(r), WithOwner(in))
			c.Send(1)
			s := r.Snapshot()
			if (len(s.Channels) == 1) != (name != "") {
				t.Fatalf("%q: %d channels in the snapshot", in, len(s.Channels))
			}
			if name != "" && (s.Channels[0].Name != name || s.Channels[0].Owner != name) {
				t.Fatalf("%q is measured as %q, owner %q", in, s.Channels[0].Name, s.Channels[0].Owner)
			}
			if v, ok := c.Recv(); v != 1 || !ok {
				t.Fatalf("received %d, %v", v, ok)
			}
		})
	})
}
