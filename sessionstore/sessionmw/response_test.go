package sessionmw_test

import (
	"bufio"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/buffalo/render"

	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// The client receives each part while the handler waits for its confirmation.
func TestTransaction_Flush(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	received := make(chan bool, 2)
	s.app.GET("/events", func(c buffalo.Context) error {
		c.Response().Header().Set("X-Handler", "ran")
		c.Response().WriteHeader(http.StatusAccepted)
		for _, part := range []string{"a\n", "b\n"} {
			if _, err := io.WriteString(c.Response(), part); err != nil {
				return err
			}
			c.Response().(http.Flusher).Flush()
			if !ok(received) {
				t.Error("the client received nothing")
				return nil
			}
		}
		return nil
	})
	response, err := s.browser(t).client.Get(s.server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusAccepted || response.Header.Get("X-Handler") != "ran" {
		t.Errorf("status %d, header %v", response.StatusCode, response.Header)
	}
	lines := bufio.NewReader(response.Body)
	for _, want := range []string{"a\n", "b\n"} {
		if got, err := lines.ReadString('\n'); got != want || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		received <- true
	}
}

// ok waits for a value for a limited time.
func ok(c <-chan bool) bool {
	select {
	case v := <-c:
		return v
	case <-time.After(5 * time.Second):
		return false
	}
}

// The error handler sees an error after Flush, but cannot change the response.
func TestTransaction_FlushThenFail(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	handled := false
	s.app.ErrorHandlers[http.StatusTeapot] = func(int, error, buffalo.Context) error {
		handled = true
		return nil
	}
	s.app.GET("/events", func(c buffalo.Context) error {
		c.Response().WriteHeader(http.StatusOK)
		c.Response().(http.Flusher).Flush()
		return c.Error(http.StatusTeapot, io.ErrUnexpectedEOF)
	})
	ada := s.browser(t)
	ada.get(t, "/events").wantStatus(t, http.StatusOK)
	if !handled {
		t.Error("the error is lost")
	}
	ada.post(t, "/set/cart/3").wantStatus(t, http.StatusOK)
}

func TestTransaction_EventSource(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	closed := make(chan bool, 1)
	s.app.GET("/events", func(c buffalo.Context) error {
		events, err := render.NewEventSource(c.Response())
		if err != nil {
			return err
		}
		if err := events.Write("greeting", "hello"); err != nil {
			return err
		}
		closed <- ok(events.CloseNotify())
		return nil
	})
	response, err := s.browser(t).client.Get(s.server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if !ok(closed) {
		t.Error("the handler is not told that the client is gone")
	}
}

func TestTransaction_Hijack(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.app.GET("/socket", func(c buffalo.Context) error {
		conn, _, err := c.Response().(http.Hijacker).Hijack()
		if err != nil {
			return err
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 299 Mine\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmine"); err != nil {
			return err
		}
		return conn.Close()
	})
	ada := s.browser(t)
	got := ada.get(t, "/socket")
	got.wantStatus(t, 299)
	if got.body != "mine" {
		t.Errorf("body %q", got.body)
	}
	ada.post(t, "/set/cart/3").wantStatus(t, http.StatusOK)
}

// http.ResponseController finds the connection behind the response.
func TestTransaction_Deadline(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.app.GET("/slow", func(c buffalo.Context) error {
		out := c.Response().(*buffalo.Response).ResponseWriter
		if err := http.NewResponseController(out).SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			return err
		}
		return c.Render(http.StatusOK, text("fine"))
	})
	s.browser(t).get(t, "/slow").wantStatus(t, http.StatusOK)
}

func TestTransaction_EarlyHints(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.app.GET("/hints", func(c buffalo.Context) error {
		c.Response().(*buffalo.Response).ResponseWriter.WriteHeader(http.StatusEarlyHints)
		return c.Render(http.StatusNotFound, text("not here"))
	})
	s.browser(t).get(t, "/hints").wantStatus(t, http.StatusNotFound)
}

func TestTransaction_Empty(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.app.POST("/empty", func(c buffalo.Context) error {
		c.Response().Header().Set("X-Handler", "ran")
		return c.Render(http.StatusNoContent, nil)
	})
	got := s.browser(t).post(t, "/empty")
	got.wantStatus(t, http.StatusNoContent)
	if got.Header.Get("X-Handler") != "ran" {
		t.Errorf("header %v", got.Header)
	}
}
