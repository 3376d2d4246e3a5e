package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// story has the figures that were published, in the columns of table.
var story = [][]string{
	{"story, before", "4.2 GB", "", "+1.2 MB/s", "n/a", "", "12 ms", "0", "", "", "", "", ""},
	{"story, after", "1.8 GB", "", "", "0", "", "8 ms", "23", "", "0", "0", "0", ""},
}

// table compares the trials with the story. The first row is the head, "" is not
// known.
func table(trials []trial) [][]string {
	rows := [][]string{{"", "resident", "live heap", "growth", "GC cycles", "latency p50", "p99", "refused/min",
		"timed out/min", "left: messages", "permits", "goroutines", "named"}}
	rows = append(rows, story...)
	for _, t := range trials {
		heap, growth := "", ""
		if t.Heap > 0 {
			heap, growth = megabytes(t.Heap), fmt.Sprintf("%+.2f MB/s", t.growth()/1e6)
		}
		rows = append(rows, []string{
			t.Mode, megabytes(t.PeakResident), heap, growth, fmt.Sprint(t.Collections), short(t.P50), short(t.P99),
			count(int64(t.Refused)), count(int64(t.TimeOut)),
			count(t.Messages), count(int64(t.Permits)), count(int64(t.Goroutines)), fmt.Sprint(len(t.Findings)),
		})
	}
	return rows
}

func writeText(w io.Writer, rows [][]string) {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(columns, strings.Join(row, "\t"))
	}
	_ = columns.Flush()
}

func writeMarkdown(w io.Writer, rows [][]string) {
	for n, row := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
		if n == 0 {
			fmt.Fprintf(w, "|%s\n", strings.Repeat("---|", len(row)))
		}
	}
}
