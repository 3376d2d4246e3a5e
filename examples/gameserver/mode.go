package main

import (
	"strings"

	"github.com/weir-go/weir/instrument"
)

// A mode is a variant of the server: a way to make the inbox, and the mistakes
// that are in the rest.
type mode struct {
	name  string
	about string // what it is
	watch string // what to look at while it runs
	open  func(*instrument.Registry) inbox

	forgetsPermits bool // handle returns early from a forged move, without a release
	losesWriter    bool // a score writer waits for ever for the database's answer
}

var modes = []mode{
	{
		name: "leaky", about: "a queue that nobody bounds: moves pile up, each with its player's session token",
		watch: `weir_channel_depth{name="player-moves"} only climbs, and so does the heap`,
		open:  func(r *instrument.Registry) inbox { return newLeaky(r) },
	},
	{
		name: "bounded-128", about: "a channel of 128: a burst of 500 moves does not fit, and players time out",
		watch: `weir_channel_depth_peak{name="player-moves"} stands at 128 and weir_channel_sends_total{outcome="canceled"} climbs`,
		open:  func(r *instrument.Registry) inbox { return newBounded(r, 128) },
	},
	{
		name: "bounded-1024", about: "a channel of 1,024: bursts fit, and what is beyond its capacity still waits and times out",
		watch: `weir_channel_depth_peak{name="player-moves"} stands at 1,024, weir_channel_send_blocked_seconds says how long players wait`,
		open:  func(r *instrument.Registry) inbox { return newBounded(r, 1024) },
	},
	{
		name: "fixed", about: "the queue of leaky behind a semaphore of 1,024 permits: no permit, no service",
		watch: `weir_channel_depth{name="player-moves"} stays within 1,024, weir_semaphore_acquires_total{outcome="rejected"} says what that costs`,
		open:  func(r *instrument.Registry) inbox { return newFixed(r) },
	},
	{
		name: "as-published", about: "the permit is taken after the receive, as the story had it: the queue is as unbounded as in leaky",
		watch: `weir_channel_depth{name="player-moves"} climbs while weir_semaphore_in_use_peak{name="move-permits"} stays at 1`,
		open:  func(r *instrument.Registry) inbox { return &published{newFixed(r)} },
	},
	{
		name: "forgotten-permit", about: "fixed, but a forged move is dropped without releasing its permit",
		watch: `weir_semaphore_in_use_floor{name="move-permits"} rises, and weir_semaphore_leaked_permits_total names the line`,
		open:  func(r *instrument.Registry) inbox { return newFixed(r) }, forgetsPermits: true,
	},
	{
		name: "stuck-worker", about: "fixed, but one score writer waits for ever for an answer from the database",
		watch: `weir_pool_oldest_task_seconds{name="score-writers"} climbs, and weir_leak_suspects{kind="pool"} is 1`,
		open:  func(r *instrument.Registry) inbox { return newFixed(r) }, losesWriter: true,
	},
}

// aliases are names that modes had before.
var aliases = map[string]string{"bounded": "bounded-128"}

func modeNamed(name string) (mode, bool) {
	if now, ok := aliases[name]; ok {
		name = now
	}
	for _, m := range modes {
		if m.name == name {
			return m, true
		}
	}
	return mode{}, false
}

func modeNames() string {
	var names []string
	for _, m := range modes {
		names = append(names, m.name)
	}
	return strings.Join(names, ", ")
}
