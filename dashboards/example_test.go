package dashboards_test

import (
	"fmt"

	"github.com/weir-go/weir/dashboards"
)

// A team's own boards, by its label and in a namespace of its own.
func ExampleFiles() {
	files, err := dashboards.Files(dashboards.Config{
		Selector:   `team="game"`,
		Prefix:     "game",
		Datasource: "mimir-eu",
		Format:     dashboards.ConfigMaps,
		Namespace:  "monitoring",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(files), len(files["game-weir-overview.yaml"]) > 0)
	// Output: 6 true
}

// What is wrong with a setting is said in the error.
func ExampleBuild() {
	_, err := dashboards.Build(dashboards.Config{Prefix: "Game"})
	fmt.Println(err)
	boards, err := dashboards.Build(dashboards.Config{Prefix: "game"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, b := range boards {
		fmt.Println(*b.Uid)
	}
	// Output:
	// dashboards: prefix "Game" cannot begin a board's uid: it has at most 25 lower-case letters, digits and -, such as game
	// game-weir-overview
	// game-weir-channel
	// game-weir-semaphore
	// game-weir-pool
	// game-weir-leaks
	// game-weir-capacity
}
