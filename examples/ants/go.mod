module github.com/weir-go/weir/examples/ants

go 1.26.0

require (
	github.com/panjf2000/ants/v2 v2.12.1
	github.com/weir-go/weir v0.0.0
)

require golang.org/x/sync v0.11.0 // indirect
