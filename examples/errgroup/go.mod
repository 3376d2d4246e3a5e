module github.com/weir-go/weir/examples/errgroup

go 1.26.0

require (
	github.com/weir-go/weir v0.0.0
	golang.org/x/sync v0.24.0
)
