package exporter

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/prometheus/client_golang/prometheus/push"

	"github.com/weir-go/weir/instrument"
)

// Push sends the metrics of r once to the Pushgateway at address, such as
// "http://pushgateway:9091", where they replace those of the same job: the way
// for a batch job to be seen after it has ended. Call it last. A nil r is
// instrument.Default(), a nil ctx is never done.
//
// It waits for the answer until ctx is done, and tries once: a job must not hang
// on its measurements. The error says what the gateway answered. A program that
// exports by OpenTelemetry needs no push: its provider's Shutdown sends what is
// left.
func Push(ctx context.Context, address, job string, r *instrument.Registry) error {
	if ctx == nil {
		ctx = context.Background()
	}
	if u, err := url.Parse(address); err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http") {
		return fmt.Errorf("weir: push: %q is not the address of a Pushgateway, such as http://127.0.0.1:9091", address)
	}
	if job == "" {
		return errors.New("weir: push: the job has no name")
	}
	gatherer, err := labelled(r, nil)
	if err != nil {
		return fmt.Errorf("weir: push: %w", err)
	}
	if err := push.New(address, job).Gatherer(gatherer).PushContext(ctx); err != nil {
		return fmt.Errorf("weir: push: %w", err)
	}
	return nil
}
