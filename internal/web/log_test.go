package web

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// TestLogRequests_Duration checks that the duration in JSON has a unit in its name,
// because slog writes a time.Duration as a bare number of nanoseconds.
func TestLogRequests_Duration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock is fake
		var out bytes.Buffer
		log := slog.New(slog.NewJSONHandler(&out, nil))
		level := func(string, int) slog.Level { return slog.LevelInfo }
		slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(1234567 * time.Nanosecond) })
		LogRequests(log, level, slow).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if _, old := line["duration"]; old || line["duration_ms"] != 1.234 {
			t.Errorf("want duration_ms to be 1.234, got %s", &out)
		}
	})
}
