module github.com/weir-go/weir/examples/workerpool

go 1.26.0

require (
	github.com/gammazero/workerpool v1.3.0
	github.com/weir-go/weir v0.0.0
)

require github.com/gammazero/deque v1.2.2 // indirect
