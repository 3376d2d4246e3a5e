module github.com/weir-go/weir/leakscore

go 1.26.0

// What is scored is what is in this clone, whatever was released.
replace github.com/weir-go/weir => ../

require github.com/weir-go/weir v0.0.0
