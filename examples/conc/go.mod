module github.com/weir-go/weir/examples/conc

go 1.26.0

require (
	github.com/sourcegraph/conc v0.3.0
	github.com/weir-go/weir v0.0.0
)

require (
	go.uber.org/atomic v1.7.0 // indirect
	go.uber.org/multierr v1.9.0 // indirect
)
