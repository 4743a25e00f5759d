package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/gobuffalo/pop/v6"
	"github.com/gobuffalo/pop/v6/logging"
)

// logPop has Pop log with us. What it says of migrations is for those who look
// for it, and its statements stay out: they come with their arguments, and so
// with sessions.
func logPop() {
	levels := map[logging.Level]slog.Level{
		logging.Error: slog.LevelError,
		logging.Warn:  slog.LevelWarn,
		logging.Info:  slog.LevelDebug,
	}
	pop.SetLogger(func(level logging.Level, format string, args ...any) {
		if l, ok := levels[level]; ok {
			slog.Log(context.Background(), l, fmt.Sprintf(format, args...))
		}
	})
}
