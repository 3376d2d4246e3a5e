package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/prompb"
)

// past is the moments that a target is given a past for.
type past struct {
	from, to time.Time
	every    time.Duration
}

// share returns how far the i-th moment is on the way to the present.
func (p past) share(i int) float64 { return float64(i+1) / float64(p.moments()) }
func (p past) moments() int        { return int(p.to.Sub(p.from)/p.every) + 1 }
func (p past) at(i int) int64      { return p.from.Add(time.Duration(i) * p.every).UnixMilli() }

// backfill gives a Prometheus, by remote write, what it would have if it had
// scraped a target before: each series of the target's exposition, which grew to
// what it is now. It returns how many samples that were.
func (p prometheus) backfill(t *testing.T, over past, exposition []byte, contentType string, target labels.Labels) (samples int) {
	t.Helper()
	all, err := withPast(over, exposition, contentType, target)
	if err != nil {
		t.Fatal(err)
	}
	const atOnce = 2000 // series in a request
	for len(all) > 0 {
		n := min(atOnce, len(all))
		if err := p.remoteWrite(prompb.WriteRequest{Timeseries: all[:n]}); err != nil {
			t.Fatal(err)
		}
		samples += n * over.moments()
		all = all[n:]
	}
	return samples
}

func withPast(over past, exposition []byte, contentType string, target labels.Labels) (all []prompb.TimeSeries, err error) {
	parser, err := textparse.New(exposition, contentType, labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		return nil, err
	}
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if entry != textparse.EntrySeries && entry != textparse.EntryHistogram {
			continue
		}
		var own labels.Labels
		parser.Labels(&own)
		builder := labels.NewBuilder(own)
		target.Range(func(l labels.Label) { builder.Set(l.Name, l.Value) })
		series := prompb.TimeSeries{Labels: prompb.FromLabels(builder.Labels(), nil)}
		if entry == textparse.EntryHistogram {
			_, _, h, _ := parser.Histogram()
			for i := range over.moments() {
				series.Histograms = append(series.Histograms, prompb.FromIntHistogram(over.at(i), shareOf(h, over.share(i))))
			}
		} else {
			_, _, v := parser.Series()
			for i := range over.moments() {
				series.Samples = append(series.Samples, prompb.Sample{Timestamp: over.at(i), Value: v * over.share(i)})
			}
		}
		all = append(all, series)
	}
}

// shareOf returns a histogram that has a share of the observations. Its buckets
// are the differences from one to the next.
func shareOf(h *histogram.Histogram, share float64) *histogram.Histogram {
	out := *h
	out.ZeroCount = uint64(float64(h.ZeroCount) * share)
	out.Count, out.Sum = out.ZeroCount, h.Sum*share
	out.PositiveBuckets = make([]int64, len(h.PositiveBuckets))
	n, last := int64(0), int64(0)
	for i, delta := range h.PositiveBuckets {
		n += delta
		scaled := int64(float64(n) * share)
		out.PositiveBuckets[i] = scaled - last
		out.Count += uint64(scaled)
		last = scaled
	}
	return &out
}

func (p prometheus) remoteWrite(request prompb.WriteRequest) error {
	raw, err := request.Marshal()
	if err != nil {
		return err
	}
	response, err := client.Post(p.url+"/api/v1/write", "application/x-protobuf", bytes.NewReader(snappy.Encode(nil, raw)))
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if said, _ := io.ReadAll(response.Body); response.StatusCode/100 != 2 {
		return fmt.Errorf("remote write: %s: %s", response.Status, tail(string(said), 300))
	}
	return nil
}

// fetchAs fetches in the format that accept asks for, and returns its type as well.
func fetchAs(url, accept string) (body []byte, contentType string, err error) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("Accept", accept)
	response, err := client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err = io.ReadAll(response.Body)
	return body, response.Header.Get("Content-Type"), err
}
