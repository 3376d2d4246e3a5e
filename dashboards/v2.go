package dashboards

import (
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	v2 "github.com/grafana/grafana-foundation-sdk/go/dashboardv2"
	"github.com/grafana/grafana-foundation-sdk/go/resource"
)

// toV2 is the same board in Grafana's schema v2, as the resource that its API
// takes. It is made from the classic one, so that the two cannot differ.
func toV2(d dashboard.Dashboard) (resource.Manifest, error) {
	var c caster
	spec := v2.NewDashboard()
	spec.Title, spec.Description, spec.Tags = *d.Title, d.Description, d.Tags
	spec.CursorSync = v2.DashboardCursorSyncCrosshair
	spec.TimeSettings.From, spec.TimeSettings.To = d.Time.From, d.Time.To
	spec.TimeSettings.AutoRefresh, spec.TimeSettings.Timezone = *d.Refresh, d.Timezone
	cast(&c, &spec.Links, d.Links)
	for _, v := range d.Templating.List {
		spec.Variables = append(spec.Variables, c.variable(v))
	}
	for _, a := range d.Annotations.List {
		spec.Annotations = append(spec.Annotations, c.annotation(a))
	}
	rows := v2.NewRowsLayoutKind()
	spec.Layout.RowsLayoutKind = rows
	for _, p := range d.Panels {
		if p.RowPanel != nil {
			rows.Spec.Rows = append(rows.Spec.Rows, newRow(p.RowPanel))
			continue
		}
		name := fmt.Sprintf("panel-%d", *p.Panel.Id)
		element := c.panel(p.Panel)
		spec.Elements[name] = v2.Element{PanelKind: &element}
		row := &rows.Spec.Rows[len(rows.Spec.Rows)-1].Spec
		row.Layout.GridLayoutKind.Spec.Items = append(row.Layout.GridLayoutKind.Spec.Items, newItem(p.Panel, name))
	}
	liftRows(rows.Spec.Rows)
	if c.err == nil {
		c.err = spec.Validate()
	}
	return resource.Manifest{ApiVersion: v2.DashboardAPIVersion, Kind: "Dashboard",
		Metadata: resource.Metadata{Name: *d.Uid}, Spec: spec}, c.err
}

// caster turns values of one schema into those of the other that have the same
// JSON. It keeps the first error.
type caster struct{ err error }

func cast(c *caster, to, from any) {
	data, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if c.err == nil {
		c.err = err
	}
}

// query is a query without what stands beside it in this schema.
func (c *caster) query(q any) v2.DataQueryKind {
	spec := map[string]any{}
	cast(c, &spec, q)
	delete(spec, "refId")
	delete(spec, "datasource")
	made := v2.NewDataQueryKind()
	made.Group, made.Spec = *templated.Type, spec
	made.Datasource = &v2.Dashboardv2DataQueryKindDatasource{Name: templated.Uid}
	return *made
}

func (c *caster) variable(v dashboard.VariableModel) v2.VariableKind {
	if v.Type == dashboard.VariableTypeDatasource {
		made := v2.NewDatasourceVariableKind()
		made.Spec.Name, made.Spec.Label, made.Spec.Description = v.Name, v.Label, v.Description
		made.Spec.PluginId = *v.Query.String
		cast(c, &made.Spec.Current, v.Current)
		return v2.VariableKind{DatasourceVariableKind: made}
	}
	made := v2.NewQueryVariableKind()
	made.Spec.Name, made.Spec.Label, made.Spec.Description = v.Name, v.Label, v.Description
	made.Spec.Refresh, made.Spec.Sort = v2.VariableRefreshOnTimeRangeChanged, v2.VariableSortNaturalAsc
	made.Spec.Query, made.Spec.Definition = c.query(v.Query.Map), v.Definition
	made.Spec.Query.Spec.(map[string]any)["refId"] = v.Query.Map["refId"] // of the editor, which wants it
	made.Spec.Multi, made.Spec.IncludeAll, made.Spec.AllValue = isSet(v.Multi), isSet(v.IncludeAll), v.AllValue
	if v.Current != nil {
		cast(c, &made.Spec.Current, v.Current)
	}
	return v2.VariableKind{QueryVariableKind: made}
}

func isSet(b *bool) bool { return b != nil && *b }

func (c *caster) annotation(a dashboard.AnnotationQuery) v2.AnnotationQueryKind {
	made := v2.NewAnnotationQueryKind()
	made.Spec.Name, made.Spec.Enable, made.Spec.IconColor = a.Name, a.Enable, a.IconColor
	made.Spec.Query = c.query(a.Target)
	// Grafana reads an annotation's query and texts from here.
	made.Spec.LegacyOptions = map[string]any{"expr": *a.Expr, "titleFormat": *a.TitleFormat, "textFormat": *a.TextFormat}
	return *made
}

func (c *caster) panel(p *dashboard.Panel) v2.PanelKind {
	made := v2.NewPanelKind()
	made.Spec.Id, made.Spec.Title, made.Spec.Description = float64(*p.Id), *p.Title, *p.Description
	if p.Links != nil { // none has to be a list too
		cast(c, &made.Spec.Links, p.Links)
	}
	for _, t := range p.Targets {
		q := v2.NewPanelQueryKind()
		var named struct{ RefID string }
		cast(c, &named, t)
		q.Spec.RefId, q.Spec.Query = named.RefID, c.query(t)
		made.Spec.Data.Spec.Queries = append(made.Spec.Data.Spec.Queries, *q)
	}
	for _, t := range p.Transformations {
		made.Spec.Data.Spec.Transformations = append(made.Spec.Data.Spec.Transformations, v2.TransformationKind{
			Kind: "Transformation", Group: t.Id, Spec: v2.TransformationSpec{Options: t.Options}})
	}
	if p.MaxDataPoints != nil {
		made.Spec.Data.Spec.QueryOptions.MaxDataPoints = cog.ToPtr(int64(*p.MaxDataPoints))
	}
	made.Spec.VizConfig.Group, made.Spec.VizConfig.Spec.Options = p.Type, p.Options
	cast(c, &made.Spec.VizConfig.Spec.FieldConfig, p.FieldConfig)
	return *made
}

func newRow(p *dashboard.RowPanel) v2.RowsLayoutRowKind {
	made := v2.NewRowsLayoutRowKind()
	made.Spec.Title, made.Spec.Collapse = p.Title, cog.ToPtr(false)
	made.Spec.Layout.GridLayoutKind = v2.NewGridLayoutKind()
	return *made
}

func newItem(p *dashboard.Panel, element string) v2.GridLayoutItemKind {
	made := v2.NewGridLayoutItemKind()
	made.Spec.X, made.Spec.Y = int64(p.GridPos.X), int64(p.GridPos.Y)
	made.Spec.Width, made.Spec.Height = int64(p.GridPos.W), int64(p.GridPos.H)
	made.Spec.Element.Name = element
	return *made
}

// liftRows counts lines from each row's own top, as this schema does.
func liftRows(rows []v2.RowsLayoutRowKind) {
	for _, r := range rows {
		items := r.Spec.Layout.GridLayoutKind.Spec.Items
		top := items[0].Spec.Y
		for i := range items {
			items[i].Spec.Y -= top
		}
	}
}
