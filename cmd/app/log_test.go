package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/latchkey/latchkey/config"
)

// TestLogLibraries checks that the MySQL driver writes into our log, in its format.
func TestLogLibraries(t *testing.T) {
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	var out bytes.Buffer
	slog.SetDefault(slog.New(newLogHandler(config.Config{LogFormat: "json"}, &out, slog.LevelInfo)))
	logLibraries()
	mysql.NewConfig().Logger.Print("closing bad idle connection: ", "EOF")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v in %q", err, &out)
	}
	if line["level"] != "WARN" || line["msg"] != "MySQL driver: closing bad idle connection: EOF" {
		t.Errorf("it logged %s", &out)
	}
}
