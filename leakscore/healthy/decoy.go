package healthy

import (
	"sync"

	"github.com/weir-go/weir/instrument"
)

// A healthy program is one in which nobody is suspected: so is one in which nobody
// looks. In each there are two decoys that are leaks in earnest. Both have to be
// named, and then the proof has been taken with the program around it: it is taken
// on suspicion only.

// DecoyFile is where all suspects have their site that are none of the program's.
const DecoyFile = "decoy.go"

var decoy *instrument.Chan[int] // reachable, so that it cannot be collected

// plantStalled leaves a message in a channel that nobody drains.
func plantStalled(r *instrument.Registry) {
	decoy = instrument.NewChan[int]("decoy", 1, instrument.WithRegistry(r))
	decoy.Send(1)
}

// PlantLeak leaks a goroutine, once in a process. It must not be in a bubble, which
// it would never let end.
var PlantLeak = sync.OnceFunc(func() {
	ch := make(chan int)
	go func() { ch <- 1 }()
})
