// Package live serves what the channels, semaphores and pools of a program are doing
// now: a page for a browser, the same as JSON, and as a stream, which weir top shows
// in a terminal. It needs no Prometheus, and imports the standard library and
// instrument only.
//
//	/debug/weir/          the page
//	/debug/weir/snapshot  a [Snapshot]; ?kind=channel&name=moves: one object with its [Detail]
//	/debug/weir/events    a stream of them (server-sent events), one a second
//
// # What it costs
//
// Nothing runs while nobody looks. The registry is read once a second while somebody
// does, however many they are, and what was read is written out once for all of them.
// Five minutes of the past are remembered, about 5 KB for each name, and forgotten five
// minutes after the last look. Who reads a stream too slowly misses what came meanwhile
// and gets the latest; nobody waits for them.
//
// # What it shows, and to whom
//
// Names, types, owners and lines of code of what is measured, numbers and times, stacks
// of goroutines that are suspected; the name of the executable, its process id, and the
// versions of Go and weir. Never a message: weir does not have them. That is what one
// shows colleagues and not the world, so mounting it is explicit, exporter.Serve does so
// on loopback only, pages of other origins are refused, and so is a browser that was
// led here by somebody else's name for this machine; see [WithHosts]. Where others can
// reach it, decide who may look: [WithAuthorize].
//
// A proxy in front of it is to pass Host on, and to leave the stream unbuffered.
package live
