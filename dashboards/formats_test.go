package dashboards_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/grafana/grafana-foundation-sdk/go/dashboardv2"

	"github.com/weir-go/weir/dashboards"
)

// resourceV2 is the part of a board in schema v2 that is compared with the classic.
type resourceV2 struct {
	APIVersion, Kind string
	Metadata         struct{ Name string }
	Spec             struct {
		Title, Description string
		Tags               []string
		Elements           map[string]struct {
			Kind string
			Spec struct {
				ID                 int
				Title, Description string
				Links              []link
				Data               struct {
					Spec struct {
						Queries []struct {
							Spec struct {
								RefID string
								Query struct {
									Group      string
									Datasource struct{ Name string }
									Spec       target
								}
							}
						}
						Transformations []struct {
							Group string
							Spec  struct{ Options any }
						}
						QueryOptions struct{ MaxDataPoints int }
					}
				}
				VizConfig struct {
					Group string
					Spec  struct {
						Options     map[string]any
						FieldConfig any
					}
				}
			}
		}
		Layout struct {
			Kind string
			Spec struct {
				Rows []struct {
					Spec struct {
						Title  string
						Layout struct {
							Kind string
							Spec struct {
								Items []struct {
									Spec struct {
										X, Y, Width, Height int
										Element             struct{ Name string }
									}
								}
							}
						}
					}
				}
			}
		}
		Variables []struct {
			Kind string
			Spec struct {
				Name, Label, AllValue, Definition, PluginID string
				Multi, IncludeAll                           bool
				Query                                       struct{ Spec map[string]any }
			}
		}
		Annotations []struct {
			Spec struct {
				Name          string
				Query         struct{ Spec target }
				LegacyOptions map[string]string
			}
		}
		Links []link
	}
}

// TestV2IsTheSameBoard holds that nothing of a board is lost in schema v2, and that
// the SDK's strict reading of the schema finds no fault.
func TestV2IsTheSameBoard(t *testing.T) {
	classic := files(t, dashboards.Config{})
	made := files(t, dashboards.Config{Format: dashboards.V2})
	if len(made) != len(classic) {
		t.Errorf("%d boards, want %d", len(made), len(classic))
	}
	for name, data := range made {
		var b resourceV2
		if err := json.Unmarshal(data, &b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, want := describeV2(b), describe(parse(t, classic[name])); got != want {
			t.Errorf("%s: the two schemas differ:\n%s", name, firstDifference(got, want))
		}
		if b.APIVersion != dashboardv2.DashboardAPIVersion || b.Kind != "Dashboard" || b.Metadata.Name+".json" != name {
			t.Errorf("%s: %s %s %s", name, b.APIVersion, b.Kind, b.Metadata.Name)
		}
		if faults := strictFaults(t, data); faults != "" {
			t.Errorf("%s: %s", name, faults)
		}
	}
}

// strictFaults is what the SDK says of a resource's spec.
func strictFaults(t *testing.T, data []byte) string {
	t.Helper()
	var manifest struct{ Spec json.RawMessage }
	if err := json.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	var spec dashboardv2.Dashboard
	// The error is there, and empty, also where there is no fault.
	if err := spec.UnmarshalJSONStrict(manifest.Spec); err != nil {
		return err.Error()
	}
	return ""
}

// TestV2FaultsAreSeen shows that the strict reading can fail.
func TestV2FaultsAreSeen(t *testing.T) {
	good := string(files(t, dashboards.Config{Format: dashboards.V2})["weir-overview.json"])
	for _, damage := range []struct{ old, made, says string }{
		{`"kind": "RowsLayout"`, `"kind": 1`, "kind"},
		{`"cursorSync": "Crosshair"`, `"cursor": "Crosshair"`, "cursor"},
		{`"links": []`, `"links": null`, "links"},
	} {
		bad := strings.Replace(good, damage.old, damage.made, 1)
		if faults := strictFaults(t, []byte(bad)); bad == good || !strings.Contains(faults, damage.says) {
			t.Errorf("%s for %s: no fault is seen, only %q", damage.made, damage.old, faults)
		}
	}
}

// describe writes down what a board shows, a line each; describeV2 the same of the
// other schema.
func describe(b board) string {
	var out strings.Builder
	fmt.Fprintln(&out, b.Title, b.Description, b.Tags, len(b.Links), b.Links)
	for _, v := range b.Templating.List {
		q, _ := v.Query.(map[string]any)
		fmt.Fprintln(&out, "variable", v.Name, v.Label, v.Multi, v.IncludeAll, v.AllValue, v.Definition, q["query"])
	}
	for _, a := range b.Annotations.List {
		fmt.Fprintln(&out, "annotation", a.Name, a.Expr, a.Target.Expr)
	}
	top := 0
	for _, p := range b.Panels {
		if p.Type == "row" {
			fmt.Fprintln(&out, "row", p.Title)
			top = p.GridPos.Y + p.GridPos.H
			continue
		}
		fmt.Fprintln(&out, "panel", p.ID, p.Type, p.Title, p.Description, p.GridPos.X, p.GridPos.Y-top, p.GridPos.W, p.GridPos.H)
		for _, l := range p.Links {
			fmt.Fprintln(&out, "  link", l.Title, l.URL)
		}
		for _, q := range p.Targets {
			fmt.Fprintln(&out, "  query", q.RefID, q.Expr, q.LegendFormat, q.Format, q.Instant, q.Range, q.Datasource.UID)
		}
		rest := p.rest()
		for _, t := range rest.Transformations {
			fmt.Fprintln(&out, "  transformation", t.ID, t.Options)
		}
		fmt.Fprintln(&out, "  options", p.Options, rest.MaxDataPoints)
		fmt.Fprintln(&out, "  fields", rest.FieldConfig)
	}
	return out.String()
}

func describeV2(b resourceV2) string {
	var out strings.Builder
	fmt.Fprintln(&out, b.Spec.Title, b.Spec.Description, b.Spec.Tags, len(b.Spec.Links), b.Spec.Links)
	for _, v := range b.Spec.Variables {
		fmt.Fprintln(&out, "variable", v.Spec.Name, v.Spec.Label, v.Spec.Multi, v.Spec.IncludeAll, v.Spec.AllValue, v.Spec.Definition, v.Spec.Query.Spec["query"])
	}
	for _, a := range b.Spec.Annotations {
		fmt.Fprintln(&out, "annotation", a.Spec.Name, a.Spec.LegacyOptions["expr"], a.Spec.Query.Spec.Expr)
	}
	for _, r := range b.Spec.Layout.Spec.Rows {
		fmt.Fprintln(&out, "row", r.Spec.Title)
		for _, i := range r.Spec.Layout.Spec.Items {
			p := b.Spec.Elements[i.Spec.Element.Name].Spec
			fmt.Fprintln(&out, "panel", p.ID, p.VizConfig.Group, p.Title, p.Description, i.Spec.X, i.Spec.Y, i.Spec.Width, i.Spec.Height)
			for _, l := range p.Links {
				fmt.Fprintln(&out, "  link", l.Title, l.URL)
			}
			for _, q := range p.Data.Spec.Queries {
				s := q.Spec.Query.Spec
				fmt.Fprintln(&out, "  query", q.Spec.RefID, s.Expr, s.LegendFormat, s.Format, s.Instant, s.Range, q.Spec.Query.Datasource.Name)
			}
			for _, t := range p.Data.Spec.Transformations {
				fmt.Fprintln(&out, "  transformation", t.Group, t.Spec.Options)
			}
			fmt.Fprintln(&out, "  options", p.VizConfig.Spec.Options, p.Data.Spec.QueryOptions.MaxDataPoints)
			fmt.Fprintln(&out, "  fields", p.VizConfig.Spec.FieldConfig)
		}
	}
	return out.String()
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "got  " + g[i] + "\nwant " + w[i]
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}

// TestProvisioning holds that Grafana finds the boards where the provider says.
func TestProvisioning(t *testing.T) {
	made := files(t, dashboards.Config{Format: dashboards.Provisioning, Folder: "Backlog & Co.", Path: "/srv/boards"})
	var provider struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Folder, Type string
			Options            struct{ Path string }
		}
	}
	if err := yaml.Unmarshal(made["weir.yaml"], &provider); err != nil || provider.APIVersion != 1 || len(provider.Providers) != 1 {
		t.Fatalf("%+v, %v", provider, err)
	}
	if p := provider.Providers[0]; p.Name != "weir" || p.Type != "file" || p.Folder != "Backlog & Co." || p.Options.Path != "/srv/boards" {
		t.Errorf("%+v", p)
	}
	for name, want := range files(t, dashboards.Config{}) {
		if string(made["weir/"+name]) != string(want) {
			t.Errorf("weir/%s is not the board", name)
		}
	}
	if len(made) != 7 || !strings.HasSuffix(dashboards.DefaultPath, "/weir") {
		t.Errorf("%d files; those in the folder weir are looked for in %s", len(made), dashboards.DefaultPath)
	}
}

// TestConfigMaps holds that the sidecar finds them, that the board in each is the
// board, and that kubectl apply can take them: it keeps a copy in an annotation,
// which has 262,144 bytes.
func TestConfigMaps(t *testing.T) {
	boards := files(t, dashboards.Config{})
	made := files(t, dashboards.Config{Format: dashboards.ConfigMaps, Namespace: "monitoring", Folder: "Backlogs"})
	if len(made) != len(boards) {
		t.Errorf("%d config maps for %d boards", len(made), len(boards))
	}
	for name, data := range made {
		var m struct {
			APIVersion string `yaml:"apiVersion"`
			Kind       string
			Metadata   struct {
				Name, Namespace     string
				Labels, Annotations map[string]string
			}
			Data map[string]string
		}
		if err := yaml.Unmarshal(data, &m); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if m.APIVersion != "v1" || m.Kind != "ConfigMap" || m.Metadata.Namespace != "monitoring" || m.Metadata.Name+".yaml" != name {
			t.Errorf("%s: %s %s %+v", name, m.APIVersion, m.Kind, m.Metadata)
		}
		if m.Metadata.Labels["grafana_dashboard"] != "1" || m.Metadata.Annotations["grafana_folder"] != "Backlogs" {
			t.Errorf("%s: the sidecar does not find it: %+v", name, m.Metadata)
		}
		file := m.Metadata.Name + ".json"
		if len(m.Data) != 1 || m.Data[file] != string(boards[file]) {
			t.Errorf("%s: the board in it is another", name)
		}
		if len(data) > 200_000 {
			t.Errorf("%s has %d bytes: kubectl apply takes less than 262,144", name, len(data))
		}
	}
}
