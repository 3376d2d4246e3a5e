module github.com/weir-go/weir/examples

go 1.26.0

require github.com/weir-go/weir v0.0.0
