package top

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/weir-go/weir/exporter/live"
)

// Colours are those of the terminal, so that they suit a light and a dark one.
var (
	bold     = lipgloss.NewStyle().Bold(true)
	faint    = lipgloss.NewStyle().Faint(true)
	title    = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Cyan)
	headline = lipgloss.NewStyle().Underline(true).Faint(true)
	good     = lipgloss.NewStyle().Foreground(lipgloss.Green)
	warned   = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	bad      = lipgloss.NewStyle().Foreground(lipgloss.Red)
	water    = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
)

// ink is for the trouble of a row.
func ink(t live.Trouble) lipgloss.Style {
	switch t {
	case live.Warned:
		return warned
	case live.Suspected:
		return bad
	}
	return lipgloss.NewStyle()
}

const (
	margin              = 3 // which row is selected, and its trouble
	minWidth, minHeight = 40, 10
	maxSuspects         = 3
	maxSaid             = 2 // lines about the selected row
)

// View implements tea.Model.
func (m *model) View() tea.View {
	v := tea.NewView(m.screen())
	v.AltScreen = true
	v.WindowTitle = "weir top " + m.c.base.Host
	return v
}

func (m *model) screen() string {
	switch {
	case m.width == 0:
		return ""
	case m.width < minWidth || m.height < minHeight:
		return left(fmt.Sprintf("weir top wants %d×%d, q quits", minWidth, minHeight), m.width)
	case m.help.ShowAll:
		return m.fit(append(m.top(), m.helpLines()...), nil)
	case m.detail != nil:
		return m.detailScreen()
	}
	lines := m.top()
	lines = append(lines, m.suspectLines()...)
	lines = append(lines, m.rows(m.height-len(lines)-len(m.said())-1)...)
	return m.fit(lines, append(m.said(), m.foot()))
}

// fit fills the screen: what is above from the top, and what is below at the bottom.
func (m *model) fit(above, below []string) string {
	room := m.height - len(below)
	above = above[:min(len(above), room)]
	all := make([]string, m.height)
	copy(all, above)
	copy(all[room:], below)
	for i := range all {
		all[i] = lipgloss.NewStyle().MaxWidth(m.width).Render(all[i])
	}
	return strings.Join(all, "\n")
}

// top is the program, whether there is a stream, and what all add up to.
func (m *model) top() []string {
	program, totals := about(&m.now)
	if m.now.Program == nil {
		program, totals = m.c.base.Host, ""
	}
	state := good.Render("● live")
	switch {
	case m.stop == nil:
		state = warned.Render("⏸ paused")
	case m.lost != "" && m.now.Version == 0:
		state = faint.Render("… " + m.lost)
	case m.lost != "":
		state = bad.Render("○ lost")
	}
	if !m.now.Time.IsZero() {
		state += faint.Render(" " + m.now.Time.Local().Format("15:04:05"))
	}
	room := m.width - lipgloss.Width(state) - 1
	first := left(title.Render("weir")+" "+program, room) + " " + state
	lines := []string{first, faint.Render(left(totals, m.width))}
	if m.lost != "" && m.now.Version != 0 && m.stop != nil {
		lines[1] = bad.Render(left(m.lost+"; trying again", m.width))
	}
	for _, note := range m.now.Notes {
		lines = append(lines, warned.Render(left(clean(note), m.width)))
	}
	return lines
}

func (m *model) suspectLines() []string {
	var lines []string
	for i := range m.now.Suspects {
		if i == maxSuspects {
			lines = append(lines, bad.Render(fmt.Sprintf("▲ and %d more", len(m.now.Suspects)-i)))
			break
		}
		lines = append(lines, bad.Render(left("▲ "+suspicion(&m.now, &m.now.Suspects[i]), m.width)))
	}
	return lines
}

// room is how many rows the table has.
func (m *model) room() int {
	return m.height - len(m.top()) - len(m.suspectLines()) - len(m.said()) - 2
}

// rows are the head of the table, and as many objects as there is room for, the
// selected one among them.
func (m *model) rows(height int) []string {
	shown := shownAt(m.width)
	lines := []string{headline.Render(left(strings.Repeat(" ", margin)+m.head(shown), m.width))}
	all := m.chosen(m.now.Objects)
	at, room := m.index(all), max(height-1, 1)
	m.first = min(max(m.first, at-room+1), at)
	m.first = max(min(m.first, len(all)-room), 0)
	for i, o := range all[m.first:min(m.first+room, len(all))] {
		style, pointer := ink(o.Trouble), " "
		if m.first+i == at {
			style, pointer = style.Bold(true), "▸"
		}
		drawing := style
		if o.Trouble < live.Warned {
			drawing = water
		}
		lines = append(lines, row(shown, o, pointer+mark(o.Trouble)+" ", style, drawing))
	}
	if len(all) == 0 && m.now.Version != 0 {
		lines = append(lines, "", faint.Render("  "+map[bool]string{true: "Nothing is measured yet.", false: "Nothing matches."}[len(m.now.Objects) == 0]))
	}
	return lines
}

// said is what there is to say about the selected row.
func (m *model) said() []string {
	all := m.chosen(m.now.Objects)
	if len(all) == 0 {
		return nil
	}
	o := all[m.index(all)]
	var lines []string
	for i, warning := range o.Warnings {
		if i == maxSaid {
			break
		}
		lines = append(lines, ink(o.Trouble).Render(left(mark(o.Trouble)+" "+clean(o.Name)+": "+clean(warning), m.width)))
	}
	if len(lines) == 0 && o.Made != nil {
		lines = append(lines, faint.Render(left("  "+clean(o.Name)+": made at "+clean(o.Site), m.width)))
	}
	return lines
}

// foot is the filter, or the keys.
func (m *model) foot() string {
	if m.filters.Focused() {
		return m.filters.View()
	}
	state := ""
	if m.filter != "" {
		state += "/" + clean(m.filter) + " "
	}
	if m.kind != "" {
		state += m.kind + "s only "
	}
	return warned.Render(state) + m.help.ShortHelpView(m.keys.ShortHelp())
}

func (m *model) helpLines() []string {
	text := m.help.FullHelpView(m.keys.FullHelp())
	lines := append([]string{""}, strings.Split(text, "\n")...)
	return append(lines, "",
		"FILL   how full it is; ░ has no limit. LEVEL  messages/capacity, permits in use/limit,",
		"       running tasks/workers+tasks that wait",
		"IN/s OUT/s  of the last 5 to 10 s; REF/s  found no room or no permit, or gave up",
		"WAIT50 WAIT99  the median and the 99th percentile of the last 30 to 60 s",
		"OLDEST message, permit held or task running",
		"▲ suspected   ! worth a look", "", faint.Render("esc or ? leads back"))
}
