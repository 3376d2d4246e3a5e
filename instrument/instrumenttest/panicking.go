package instrumenttest

import (
	"context"
	"log/slog"
)

// panicking is a log handler that panics.
type panicking struct{}

func (panicking) Enabled(context.Context, slog.Level) bool { return true }

func (panicking) Handle(context.Context, slog.Record) error { panic("the log handler panics") }

func (p panicking) WithAttrs([]slog.Attr) slog.Handler { return p }

func (p panicking) WithGroup(string) slog.Handler { return p }
