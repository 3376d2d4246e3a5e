package dashboards

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
)

// Dist is the boards made with the zero Config, in the folder dist.
//
//go:embed dist/*.json
var Dist embed.FS

// Files returns the boards as files: name, like weir-overview.json, to JSON
// that Grafana imports. The same Config gives the same bytes. An error says
// which value of cfg is wrong and what to give instead.
func Files(cfg Config) (map[string][]byte, error) {
	s, err := cfg.check()
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte, len(boards))
	for _, b := range boards {
		made, err := b.build(s)
		if err != nil {
			return nil, err
		}
		if files[b.uid+".json"], err = encode(made); err != nil {
			return nil, fmt.Errorf("dashboards: board %s: %w", b.uid, err)
		}
	}
	return files, nil
}

// encode writes JSON that people can read in a diff: the SDK's own has > and <
// of the queries as escapes.
func encode(board any) ([]byte, error) {
	raw, err := json.Marshal(board)
	if err != nil {
		return nil, err
	}
	var plain any
	numbers := json.NewDecoder(bytes.NewReader(raw))
	numbers.UseNumber()
	if err := numbers.Decode(&plain); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(plain)
	return out.Bytes(), err
}
