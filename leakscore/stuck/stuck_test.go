package stuck

import (
	"maps"
	"testing"
)

const dump = `goroutine 1 [running]:
main.main()
	/x/main.go:3 +0x1

goroutine 18 [chan send (leaked), 2 minutes]:
github.com/weir-go/weir/instrument.(*Chan[...]).sendWaiting(0xc0001, {})
	/x/chan.go:3 +0x1
main.(*T).run(0xc000112150, {0xc0, 0x1})
	/x/a.go:3 +0x1
created by main.f.func1 in goroutine 4
	/x/a.go:9 +0x1

goroutine 19 [chan send (leaked)]:
main.(*T).run(...)
	/x/a.go:3 +0x1
created by main.f.func1 in goroutine 5
	/x/a.go:9 +0x1

goroutine 20 [select]:
main.f.func2()
	/x/a.go:3 +0x1
created by main.f in goroutine 1
	/x/a.go:9 +0x1
`

func TestParse(t *testing.T) {
	want := map[Goroutine]int{
		{"(*T).run() [chan send]", true}: 2,
		{"f.func2() [select]", false}:    1,
	}
	if got := Parse(dump); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
