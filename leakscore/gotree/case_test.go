package gotree

import "testing"

func TestCases(t *testing.T) {
	tree, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	cases, err := tree.Cases()
	if err != nil {
		t.Fatal(err)
	}
	// Go 1.26 has 39; another version may have some more or less.
	if len(cases) < 35 {
		t.Fatalf("found %d cases only", len(cases))
	}
	for i, c := range cases {
		if c.Name == "" || c.File == "" || len(c.Leaks) == 0 {
			t.Errorf("case %d is incomplete: %+v", i, c)
		}
		if i > 0 && cases[i-1].Name >= c.Name {
			t.Errorf("%s is out of order, or there twice", c.Name)
		}
	}
}

func TestLeaky(t *testing.T) {
	tree, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	cases, err := tree.Cases()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.Name != "Cockroach1055" {
			continue
		}
		for goroutine, want := range map[string]bool{
			"Cockroach1055.func2() [chan receive]":             true,
			"Cockroach1055.func2.1(0xc0001) [chan receive]":    true,
			"Cockroach1055.func2() [running]":                  false,
			"Cockroach1055.func2.1(0xc0001) [sync.Mutex.Lock]": false, // a leak, but none in a channel
		} {
			if got := c.Leaky(goroutine); got != want {
				t.Errorf("%s: leaky %v, want %v", goroutine, got, want)
			}
		}
		return
	}
	t.Fatal("no such case")
}
