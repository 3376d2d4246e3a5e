package main

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/exporter"
	"github.com/weir-go/weir/instrument"
)

var (
	scrapesDir     = flag.String("scrapes.dir", "", "folder for the scrapes of TestScrapes, one file each")
	scrapesFor     = flag.Duration("scrapes.for", 30*time.Second, "how long TestScrapes plays, in fake time")
	scrapesMode    = flag.String("scrapes.mode", "fixed", "mode that TestScrapes plays")
	scrapesPlayers = flag.Int("scrapes.players", 1000, "players of TestScrapes")
)

// TestScrapes plays in fake time, and writes what a scrape would see every thirty
// seconds. An hour of it takes half a minute; e2e replays that against the alerts.
func TestScrapes(t *testing.T) {
	dir := *scrapesDir
	if dir == "" {
		dir = t.TempDir()
	}
	const every = 30 * time.Second
	synctest.Test(t, func(t *testing.T) {
		r := instrument.NewRegistry()
		scrape := func(n int) {
			if err := exporter.WriteTextfile(filepath.Join(dir, fmt.Sprintf("%06d.prom", n)), r, nil); err != nil {
				t.Error(err)
			}
		}
		g := newGame(testConfig(t, *scrapesMode, *scrapesPlayers, 1), r)
		scrape(0)
		inGame(t, g, every, func() {
			for n := 1; ; n++ {
				scrape(n)
				if time.Duration(n)*every >= *scrapesFor {
					return
				}
				time.Sleep(every)
			}
		})
		if g.tally.handled.Load() == 0 {
			t.Error("no move was handled")
		}
	})
}
