module github.com/weir-go/weir/cmd/weir

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/weir-go/weir v0.0.0
)

require (
	github.com/goccy/go-yaml v1.19.2 // indirect
	github.com/grafana/grafana-foundation-sdk/go v0.0.18 // indirect
)
