package exporter

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weir-go/weir/exporter/promexport"
	"github.com/weir-go/weir/instrument"
)

// WriteTextfile writes the metrics of r to path, for the textfile collector of
// the node exporter: the way for a batch job to be seen after it has ended. It
// replaces the file as a whole, by a rename within its folder, so nobody reads
// half of it; where it fails the old one stands. A nil r is instrument.Default().
//
// Path must end in ".prom", or the collector does not read it. All jobs of a
// machine end up in one exposition, so labels should say which one this is; nil
// is none. The metrics of runtime and process are not there: the node exporter
// has series of its own under those names.
func WriteTextfile(path string, r *instrument.Registry, labels map[string]string) error {
	gatherer, err := labelled(r, labels)
	if err != nil {
		return fmt.Errorf("weir: textfile: %w", err)
	}
	if err := prometheus.WriteToTextfile(path, gatherer); err != nil {
		return fmt.Errorf("weir: textfile: %w", err)
	}
	return nil
}

// labelled gathers r alone, with labels added to each series.
func labelled(r *instrument.Registry, labels map[string]string) (prometheus.Gatherer, error) {
	gatherer := prometheus.NewRegistry()
	err := prometheus.WrapRegistererWith(labels, gatherer).Register(promexport.NewCollector(r))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("labels %v", labels), err)
	}
	return gatherer, nil
}
