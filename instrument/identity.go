package instrument

import (
	"sync"
	"unsafe"
	"weak"
)

// A channel value is one pointer to the runtime's channel object. That is not
// documented, so everything that rests on it stands in this file and is tried
// out once, before the first channel is registered: identityWorks. Imagined
// alternatives hold the channel strongly (which hides leaks from the runtime's
// own profile) or end with the wrapper (which loses channels whose native side
// lives on).

// object is the identity of a registered channel, queue or wrapper: a weak
// pointer to its first byte. Two weak pointers are equal if they were made of
// the same object, also after its end.
type object = weak.Pointer[byte]

// addressOf returns the pointer that a channel is.
func addressOf[C interface{ ~chan T | ~<-chan T }, T any](ch C) *byte {
	return *(**byte)(unsafe.Pointer(&ch))
}

// channelAt is the inverse, for len and cap alone: they look at the channel
// object's header, which is the same for every element type.
func channelAt(p *byte) chan struct{} {
	return *(*chan struct{})(unsafe.Pointer(&p))
}

// wrapperAt returns the channel of the Chan that p points to. Chan's layout is
// the same for every element type.
func wrapperAt(p *byte) chan struct{} {
	return (*Chan[struct{}])(unsafe.Pointer(p)).ch
}

// slotOf spreads addresses, whose low bits are alike, over chanShards slots
// (Fibonacci hashing).
func slotOf(p *byte) int {
	return int(uint64(uintptr(unsafe.Pointer(p))) * 0x9E3779B97F4A7C15 >> 58)
}

// identityWorks tells whether channels can be tracked by their own pointers.
var identityWorks = sync.OnceValue(func() (works bool) {
	defer func() { works = recover() == nil && works }()
	return tracks(make(chan int, 3)) && tracks(make(chan [5]string, 3)) &&
		tracks(make(chan *int, 3)) && tracks(make(chan struct{}, 3))
})

// tracks sends two messages to a new channel of capacity 3 and looks whether
// the weak way sees the same channel.
func tracks[T any](ch chan T) bool {
	var zero T
	ch <- zero
	ch <- zero
	w := weak.Make(addressOf(ch))
	p := w.Value()
	if p == nil || p != addressOf(ch) {
		return false
	}
	same := channelAt(p)
	return len(same) == len(ch) && cap(same) == cap(ch)
}
