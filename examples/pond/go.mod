module github.com/weir-go/weir/examples/pond

go 1.26.0

require (
	github.com/alitto/pond/v2 v2.7.1
	github.com/weir-go/weir v0.0.0
)
