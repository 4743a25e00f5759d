package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/go-sql-driver/mysql"
	"github.com/gobuffalo/pop/v6"
	"github.com/gobuffalo/pop/v6/logging"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/web"
)

// setLogger creates the logger, which writes to stderr, and makes it the default.
func setLogger(cfg config.Config) *slog.Logger {
	log := slog.New(newLogHandler(cfg, os.Stderr, cfg.LogLevel))
	slog.SetDefault(log)
	return log
}

func newLogHandler(cfg config.Config, out io.Writer, level slog.Level) slog.Handler {
	opts := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return web.LogHandler(slog.NewJSONHandler(out, opts))
	}
	return web.LogHandler(slog.NewTextHandler(out, opts))
}

// logLibraries makes Pop and the MySQL driver log through the default logger.
func logLibraries() {
	pop.SetLogger(logPop)
	if err := mysql.SetLogger(mysqlLogger{}); err != nil {
		slog.Warn("the MySQL driver keeps its own log", "error", err)
	}
}

// popLevels leaves out the level of SQL statements, because they are logged with their
// arguments and so with the data of sessions. The level of migrations becomes debug.
var popLevels = map[logging.Level]slog.Level{
	logging.Error: slog.LevelError,
	logging.Warn:  slog.LevelWarn,
	logging.Info:  slog.LevelDebug,
}

func logPop(level logging.Level, format string, args ...any) {
	if l, ok := popLevels[level]; ok {
		slog.Log(context.Background(), l, fmt.Sprintf(format, args...))
	}
}

type mysqlLogger struct{}

// Print logs a warning, because the driver also returns an error if a query fails.
func (mysqlLogger) Print(v ...any) {
	slog.Warn("MySQL driver: " + fmt.Sprint(v...))
}
