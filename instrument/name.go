package instrument

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxNameBytes is the longest name a series may have.
const maxNameBytes = 128

// maxRawBytes is how much of a name is looked at: cleaning all of a huge one would
// take several times its memory, for 128 bytes.
const maxRawBytes = 4096

// overflowName is the series that takes what comes after the name cap.
const overflowName = "_overflow"

// sanitize makes any string a name that no exposition format, query or page
// can be broken with: valid UTF-8, no control characters, at most 128 bytes.
// A name that is already clean, which is nearly every one, is returned as is.
func sanitize(name string) string {
	name = name[:min(len(name), maxRawBytes)]
	if !utf8.ValidString(name) {
		name = replaceBadBytes(name)
	}
	if strings.ContainsFunc(name, unicode.IsControl) {
		name = strings.Map(dropControl, name)
	}
	return truncate(name, maxNameBytes)
}

// replaceBadBytes turns each bad byte into U+FFFD. strings.ToValidUTF8 would
// make one of a whole run, so that names of different length became the same.
func replaceBadBytes(s string) string { return string([]rune(s)) }

func dropControl(r rune) rune {
	if unicode.IsControl(r) {
		return -1
	}
	return r
}

// truncate cuts s to at most n bytes without splitting a rune.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
