package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/felixge/httpsnoop"
	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/logger"
	"github.com/sirupsen/logrus"

	"github.com/latchkey/latchkey/internal/text"
)

// LogHandler returns a handler that writes times in UTC (ASVS 5.0 16.2.2) and adds
// the request's ID.
func LogHandler(inner slog.Handler) slog.Handler { return logHandler{inner} }

type logHandler struct{ slog.Handler }

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Time = r.Time.UTC()
	if id := RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

type callerKey struct{}

// A caller is who sent a request: a user and a session, by their IDs.
type caller struct{ user, session string }

// SetCaller adds the user and the session to the request's log line. It does nothing
// outside LogRequests.
func SetCaller(ctx context.Context, user, session string) {
	if c, ok := ctx.Value(callerKey{}).(*caller); ok {
		*c = caller{user, session}
	}
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.Handler.WithGroup(name)}
}

// LogRequests logs one line for each request, at the level that level returns for
// it. It leaves out the query, because providers send codes in it.
func LogRequests(log *slog.Logger, level func(path string, status int) slog.Level, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path // Buffalo changes it
		var by caller
		r = r.WithContext(context.WithValue(r.Context(), callerKey{}, &by))
		m := httpsnoop.CaptureMetrics(next, w, r)
		attrs := []slog.Attr{
			slog.String("method", r.Method),
			slog.String("path", Clip(path)),
			slog.Int("status", m.Code),
			slog.Int64("bytes", m.Written),
			slog.Float64("duration_ms", float64(m.Duration.Microseconds())/1000),
			slog.String("ip", ClientIP(r)),
			slog.String("user_agent", Clip(r.UserAgent())),
		}
		if by != (caller{}) {
			attrs = append(attrs, slog.String("user", by.user), slog.String("sid", by.session))
		}
		log.LogAttrs(r.Context(), level(path, m.Code), "request", attrs...)
	})
}

// maxLogged is the longest text from a client that is logged, in characters.
const maxLogged = 255

// Clip makes a text from a client safe for a log line: short, and without the secret of
// a session cookie or an access token that someone put there by mistake.
func Clip(s string) string { return text.Shorten(text.HideTokens(s), maxLogged) }

// BuffaloLogger returns a logger for Buffalo, which uses logrus, that writes to log.
func BuffaloLogger(log *slog.Logger) buffalo.Logger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	l.SetLevel(logrus.DebugLevel)
	l.AddHook(slogHook{log})
	return logger.Logrus{FieldLogger: l}
}

// slogHook copies the lines of a logrus logger to log.
type slogHook struct{ log *slog.Logger }

func (slogHook) Levels() []logrus.Level { return logrus.AllLevels }

func (h slogHook) Fire(e *logrus.Entry) error {
	ctx := e.Context
	if ctx == nil {
		ctx = context.Background()
	}
	attrs := make([]slog.Attr, 0, len(e.Data))
	for k, v := range e.Data {
		attrs = append(attrs, slog.Any(k, v))
	}
	h.log.LogAttrs(ctx, slogLevel(e.Level), e.Message, attrs...)
	return nil
}

func slogLevel(l logrus.Level) slog.Level {
	switch {
	case l <= logrus.ErrorLevel:
		return slog.LevelError
	case l == logrus.WarnLevel:
		return slog.LevelWarn
	case l == logrus.InfoLevel:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}
