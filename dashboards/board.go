package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// board is one dashboard: what it is, and what draws it.
type board struct {
	uid, title, description string
	name                    nameFilter
	days                    int // what is shown at first, and then without a refresh; 0 is the last hour
	draw                    func(*canvas)
}

// boards is all there are, in the order in which one comes to them. The file of a
// board is its uid with .json.
var boards = []board{overview, channel, semaphore, pool, leaks, capacity}

// The uids of the boards. Alerts and bookmarks lead to them, so they never
// change. That of the board of one object is uidPrefix and the object's kind.
const (
	uidPrefix    = "weir-"
	uidOverview  = uidPrefix + "overview"
	uidChannel   = uidPrefix + "channel"
	uidSemaphore = uidPrefix + "semaphore"
	uidPool      = uidPrefix + "pool"
	uidLeaks     = uidPrefix + "leaks"
	uidCapacity  = uidPrefix + "capacity"
)

const (
	tag       = "weir" // what the boards find each other by
	gridWidth = 24
)

// canvas is where a board is drawn, from top to bottom.
type canvas struct {
	scope
	settings settings
	panels   []dashboard.PanelOrRowPanel
	y        uint32
	err      error
}

func (b board) build(s settings) (dashboard.Dashboard, error) {
	c := &canvas{scope: s.scope(b.name), settings: s}
	b.draw(c)
	if c.err != nil {
		return dashboard.Dashboard{}, fmt.Errorf("dashboards: board %s: %w", b.uid, c.err)
	}
	from, refresh := "now-1h", "30s"
	if b.days > 0 {
		from, refresh = fmt.Sprintf("now-%dd", b.days), ""
	}
	made, err := dashboard.NewDashboardBuilder(s.titlePrefix+b.title).
		Uid(s.prefix+b.uid).Description(b.description).Tags([]string{s.prefix + tag}).
		Time(from, "now").Refresh(refresh).Timezone("browser").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Variables(s.variables(b.name)).
		Annotations(c.annotations()).
		Links(s.links()).
		Build()
	made.Panels = c.panels
	return made, err
}

// row begins a section, and places panels under its title.
func (c *canvas) row(title string, panels ...panel) {
	made, err := dashboard.NewRowBuilder(title).Id(c.nextID()).
		GridPos(dashboard.GridPos{X: 0, Y: c.y, W: gridWidth, H: 1}).Build()
	c.fail(title, err)
	c.panels = append(c.panels, dashboard.PanelOrRowPanel{RowPanel: &made})
	c.y++
	c.place(panels...)
}

// place puts panels side by side, and on the next line what does not fit. The
// SDK would place them too, but lets a line run over the edge.
func (c *canvas) place(panels ...panel) {
	var x, height uint32
	for _, p := range panels {
		made, err := p.Build()
		if err != nil {
			c.fail("a panel", err)
			continue
		}
		size := made.GridPos
		if x+size.W > gridWidth {
			x, c.y, height = 0, c.y+height, 0
		}
		made.Id = cog.ToPtr(c.nextID())
		made.GridPos = &dashboard.GridPos{X: x, Y: c.y, W: size.W, H: size.H}
		c.panels = append(c.panels, dashboard.PanelOrRowPanel{Panel: &made})
		x, height = x+size.W, max(height, size.H)
	}
	c.y += height
}

// nextID returns the panel's id: Grafana mixes up panels that have none.
func (c *canvas) nextID() uint32 { return uint32(len(c.panels)) + 1 }

func (c *canvas) fail(what string, err error) {
	if c.err == nil && err != nil {
		c.err = fmt.Errorf("%s: %w", what, err)
	}
}

// links leads to the other boards, keeping the time and what was chosen, and to
// the runbooks.
func (s settings) links() []cog.Builder[dashboard.DashboardLink] {
	return []cog.Builder[dashboard.DashboardLink]{
		dashboard.NewDashboardLinkBuilder("weir boards").Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{s.prefix + tag}).AsDropdown(true).KeepTime(true).IncludeVars(true).Icon("external link"),
		dashboard.NewDashboardLinkBuilder("Runbooks").Type(dashboard.DashboardLinkTypeLink).
			Url(s.runbooks).TargetBlank(true).Icon("doc").Tooltip("What each alert means and what to do"),
	}
}

// annotations marks where an alert began, shades where any fires, once however
// many they are, and marks restarts.
func (c *canvas) annotations() []cog.Builder[dashboard.AnnotationQuery] {
	firing := c.alerts("ALERTS", is("alertstate", "firing"))
	return []cog.Builder[dashboard.AnnotationQuery]{
		annotation("Alerts", "red", "{{alertname}}", "{{name}} {{job}} ({{severity}})", firing+" unless "+firing+" offset $__interval"),
		annotation("Alerts fire", "red", "Alerts fire", "The overview lists them.", most("", firing)),
		annotation("Restarts", "blue", "Restart", "{{job}} {{instance}}",
			"time() - "+c.ofSystem("process_start_time_seconds")+" < 2 * $__interval_ms / 1000"),
	}
}

func annotation(name, color, title, text, expr string) cog.Builder[dashboard.AnnotationQuery] {
	query := prometheus.NewDataqueryBuilder().Datasource(templated).RefId("Anno").Expr(expr).Range()
	return dashboard.NewAnnotationQueryBuilder().Name(name).Datasource(templated).Enable(true).IconColor(color).
		Expr(expr).TitleFormat(title).TextFormat(text).Target(query)
}
