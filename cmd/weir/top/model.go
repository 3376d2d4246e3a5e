package top

import (
	"context"
	"time"

	"charm.land/bubbles/v2/help"
	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	"charm.land/bubbles/v2/viewport"
	tea "charm.land/bubbletea/v2"

	"github.com/weir-go/weir/exporter/live"
)

// model is the terminal view.
type model struct {
	ctx  context.Context
	c    *client
	send func(tea.Msg)
	stop func() // the stream that is followed; nil while it is paused
	turn int    // of streams: what an earlier one still sends is not wanted

	now  live.Snapshot
	lost string // why there is no stream
	order
	picked  object // the row that is selected
	first   int    // the row that is shown first
	filters textinput.Model
	keys    keys
	help    help.Model

	detail *live.Object // that is looked at; nil: the table
	why    string       // why it is not there
	page   viewport.Model
	asked  int64 // slot in which it was asked for

	width, height int
}

// object names an object.
type object struct{ kind, name string }

func named(o *live.Object) object { return object{o.Kind, o.Name} }

type keys struct {
	up, down, pageUp, pageDown, home, end, open, back        key.Binding
	sort, sortBack, reverse, filter, kind, pause, help, quit key.Binding
}

func newKeys() keys {
	bind := func(shown, what string, names ...string) key.Binding {
		return key.NewBinding(key.WithKeys(names...), key.WithHelp(shown, what))
	}
	return keys{
		up: bind("↑", "up", "up", "k"), down: bind("↓", "down", "down", "j"),
		pageUp: bind("pgup", "page up", "pgup", "ctrl+b"), pageDown: bind("pgdn", "page down", "pgdown", "ctrl+f"),
		home: bind("home", "first", "home", "g"), end: bind("end", "last", "end", "G"),
		open: bind("⏎", "details", "enter", "right", "l"), back: bind("esc", "back", "esc", "left", "h", "backspace"),
		sort: bind("s", "sort", "s", ">"), sortBack: bind("S", "sort by the column before", "S", "<"), reverse: bind("r", "reverse", "r"),
		filter: bind("/", "filter", "/"), kind: bind("t", "type", "t", "tab"), pause: bind("p", "pause", "p", "space"),
		help: bind("?", "help", "?"), quit: bind("q", "quit", "q", "ctrl+c"),
	}
}

// ShortHelp implements help.KeyMap.
func (k keys) ShortHelp() []key.Binding {
	return []key.Binding{k.open, k.sort, k.reverse, k.filter, k.kind, k.pause, k.help, k.quit}
}

// FullHelp implements help.KeyMap.
func (k keys) FullHelp() [][]key.Binding {
	return [][]key.Binding{{k.up, k.down, k.pageUp, k.pageDown, k.home, k.end}, {k.open, k.back, k.sort, k.sortBack, k.reverse}, {k.filter, k.kind, k.pause, k.help, k.quit}}
}

func newModel(ctx context.Context, c *client, by order) *model {
	m := &model{ctx: ctx, c: c, order: by, keys: newKeys(), help: help.New(), filters: textinput.New(), page: viewport.New(), lost: "connecting"}
	m.filters.Prompt = "/"
	m.filters.SetVirtualCursor(true)
	m.filters.SetValue(by.filter)
	return m
}

// What the stream and its like tell the model.
type (
	eventMsg struct {
		turn int
		event
	}
	lostMsg struct {
		turn int
		why  error
	}
	detailMsg struct {
		of  object
		o   live.Object
		why error
	}
)

// Init implements tea.Model.
func (m *model) Init() tea.Cmd { return m.connect() }

// connect follows the stream, again and again, until stop is called.
func (m *model) connect() tea.Cmd {
	ctx, cancel := context.WithCancel(m.ctx)
	m.turn++
	m.stop = cancel
	turn := m.turn
	return func() tea.Msg {
		for pause := 250 * time.Millisecond; ; pause = min(2*pause, maxPause) {
			err := m.c.follow(ctx, func(e event) {
				pause = 250 * time.Millisecond
				m.send(eventMsg{turn, e})
			})
			if ctx.Err() != nil {
				return nil
			}
			m.send(lostMsg{turn, err})
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// maxPause is the longest time between two tries.
const maxPause = 4 * time.Second

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case eventMsg:
		return m, m.receive(msg)
	case lostMsg:
		if msg.turn == m.turn && m.stop != nil {
			m.lost = clean(msg.why.Error())
		}
	case detailMsg:
		m.showDetail(msg)
	case tea.KeyPressMsg:
		return m, m.press(msg)
	case tea.PasteMsg:
		if m.filters.Focused() {
			return m, m.edit(msg)
		}
	}
	return m, nil
}

func (m *model) receive(msg eventMsg) tea.Cmd {
	if msg.turn != m.turn || m.stop == nil {
		return nil
	}
	msg.take(&m.now)
	m.lost = ""
	if m.detail == nil {
		return nil
	}
	if i := m.find(named(m.detail)); i != nil {
		detail := m.detail.Detail
		history := m.detail.History
		*m.detail = *i
		m.detail.Detail, m.detail.History = detail, history
	}
	if m.now.Slot == m.asked {
		return nil
	}
	return m.ask(named(m.detail))
}

func (m *model) find(x object) *live.Object {
	for i := range m.now.Objects {
		if o := &m.now.Objects[i]; named(o) == x {
			return o
		}
	}
	return nil
}

// press does what a key is for.
func (m *model) press(msg tea.KeyPressMsg) tea.Cmd {
	if m.filters.Focused() {
		return m.edit(msg)
	}
	switch k := &m.keys; {
	case key.Matches(msg, k.quit):
		return tea.Quit
	case msg.String() == "ctrl+z":
		return tea.Suspend
	case key.Matches(msg, k.help):
		m.help.ShowAll = !m.help.ShowAll
	case key.Matches(msg, k.pause):
		return m.pause()
	case m.help.ShowAll && key.Matches(msg, k.back):
		m.help.ShowAll = false
	case m.detail != nil:
		return m.pressDetail(msg)
	default:
		return m.pressTable(msg)
	}
	return nil
}

func (m *model) pressTable(msg tea.KeyPressMsg) tea.Cmd {
	rows, page := m.chosen(m.now.Objects), max(m.room()-1, 1)
	at := m.index(rows)
	switch k := &m.keys; {
	case key.Matches(msg, k.up):
		at--
	case key.Matches(msg, k.down):
		at++
	case key.Matches(msg, k.pageUp):
		at -= page
	case key.Matches(msg, k.pageDown):
		at += page
	case key.Matches(msg, k.home):
		at = 0
	case key.Matches(msg, k.end):
		at = len(rows) - 1
	case key.Matches(msg, k.open):
		if at < len(rows) {
			m.detail, m.why = new(live.Object), ""
			*m.detail = *rows[at]
			m.detail.History = nil
			m.page.GotoTop()
			return m.ask(named(rows[at]))
		}
	case key.Matches(msg, k.back):
		m.filters.SetValue("")
		m.filter, m.kind = "", ""
	case key.Matches(msg, k.sort):
		m.sortBy(1)
	case key.Matches(msg, k.sortBack):
		m.sortBy(-1)
	case key.Matches(msg, k.reverse):
		m.reverse = !m.reverse
	case key.Matches(msg, k.filter):
		return m.filters.Focus()
	case key.Matches(msg, k.kind):
		m.kind = next([]string{"", "channel", "semaphore", "pool"}, m.kind, 1)
	}
	if len(rows) > 0 {
		m.picked = named(rows[min(max(at, 0), len(rows)-1)])
	}
	return nil
}

// next returns the element so many after the one of a list, around its end.
func next(list []string, now string, by int) string {
	at := 0
	for i, x := range list {
		if x == now {
			at = i
		}
	}
	return list[(at+by+len(list))%len(list)]
}

func (m *model) sortBy(by int) {
	m.by, m.reverse = next(sorts(), m.by, by), false
}

// index returns where the selected row is, which is the first if it is gone.
func (m *model) index(rows []*live.Object) int {
	for i, o := range rows {
		if named(o) == m.picked {
			return i
		}
	}
	return 0
}

// edit changes the filter.
func (m *model) edit(msg tea.Msg) tea.Cmd {
	if press, ok := msg.(tea.KeyPressMsg); ok {
		switch press.String() {
		case "ctrl+c":
			return tea.Quit
		case "enter", "down", "up":
			m.filters.Blur()
			return nil
		case "esc":
			m.filters.Blur()
			m.filters.SetValue("")
			m.filter = ""
			return nil
		}
	}
	var cmd tea.Cmd
	m.filters, cmd = m.filters.Update(msg)
	m.filter = m.filters.Value()
	return cmd
}

// pause ends the stream, so that the program has nothing to do for us, or begins it
// again.
func (m *model) pause() tea.Cmd {
	if m.stop == nil {
		m.lost = "connecting"
		return m.connect()
	}
	m.stop()
	m.stop, m.lost = nil, ""
	return nil
}

// ask has the details of an object fetched.
func (m *model) ask(x object) tea.Cmd {
	m.asked = m.now.Slot
	return func() tea.Msg {
		o, err := m.c.detail(m.ctx, x.kind, x.name)
		return detailMsg{x, o, err}
	}
}

func (m *model) showDetail(msg detailMsg) {
	if m.detail == nil || named(m.detail) != msg.of {
		return
	}
	if msg.why != nil {
		m.why = clean(msg.why.Error())
		return
	}
	m.detail, m.why = &msg.o, ""
}

func (m *model) pressDetail(msg tea.KeyPressMsg) tea.Cmd {
	switch k := &m.keys; {
	case key.Matches(msg, k.back), key.Matches(msg, k.open):
		m.detail = nil
	case key.Matches(msg, k.home):
		m.page.GotoTop()
	case key.Matches(msg, k.end):
		m.page.GotoBottom()
	default:
		var cmd tea.Cmd
		m.page, cmd = m.page.Update(msg)
		return cmd
	}
	return nil
}
