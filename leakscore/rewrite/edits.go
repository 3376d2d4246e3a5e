package rewrite

import (
	"bytes"
	"cmp"
	"slices"
)

// edit replaces the bytes from, to; where both are the same it inserts.
type edit struct {
	from, to int
	text     string
}

// edits are changes to a text. They may be nested but must not overlap.
type edits []edit

func (e *edits) add(from, to int, text string) { *e = append(*e, edit{from, to, text}) }

// apply returns the text with all edits made. Of those at one place the one that
// was added last comes first: an inner expression, which is visited after the outer
// one, ends before it.
func (e edits) apply(src []byte) []byte {
	all := slices.Clone(e)
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	var out bytes.Buffer
	at := 0
	for _, x := range all {
		out.Write(src[at:x.from])
		out.WriteString(x.text)
		at = x.to
	}
	out.Write(src[at:])
	return out.Bytes()
}
