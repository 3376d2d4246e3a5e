package compress

import (
	"slices"
	"testing"
)

func TestFile(t *testing.T) {
	out, found, err := file([]byte("package p\n\nconst (\n\tscanEvery = 30 * s // c\n\tother = 7\n)\n\nconst lookEvery = a + b\nconst scanShare = 9\n"), 300)
	if err != nil {
		t.Fatal(err)
	}
	want := "package p\n\nconst (\n\tscanEvery = (30 * s) / 300 // c\n\tother = 7\n)\n\nconst lookEvery = (a + b) / 37\nconst scanShare = 0\n"
	if string(out) != want || !slices.Equal(found, []string{"scanEvery", "lookEvery", "scanShare"}) {
		t.Errorf("found %v:\n%s", found, out)
	}
}

// A constant of detection that is renamed must not go on in its own time unseen.
func TestConstantsAreThere(t *testing.T) {
	if _, err := Package("../../instrument", 300); err != nil {
		t.Error(err)
	}
	if _, err := Package("../stuck", 300); err == nil {
		t.Error("constants were found where there are none")
	}
}
