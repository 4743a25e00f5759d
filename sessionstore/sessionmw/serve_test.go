package sessionmw_test

import (
	"context"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gobuffalo/buffalo/servers"

	"github.com/latchkey/latchkey/sessionstore/sessionmw"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestServe(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- sessionmw.Serve(s.app, servers.WrapListener(&http.Server{}, listener))
	}()
	s.server.URL = "http://" + listener.Addr().String()
	ada := s.browser(t)
	ada.post(t, "/set/cart/3").wantStatus(t, http.StatusOK)
	ada.wantValue(t, "cart", 3)
	if !eventually(func() bool { return running("(*Store).Run") }) {
		t.Error("Run does not run")
	}
	if err := s.app.Stop(context.Canceled); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Serve does not return")
	}
	if running("(*Store).Run") {
		t.Error("Serve returned before Run")
	}
}

// running reports whether any goroutine is running the function.
func running(function string) bool {
	stacks := make([]byte, 1<<20)
	return strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), function)
}

func eventually(condition func() bool) bool {
	for range 100 {
		if condition() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

func TestServe_OtherStore(t *testing.T) {
	s := newSite(t, testdb.SQLite, withCookieStore)
	err := sessionmw.Serve(s.app)
	if err == nil || !strings.Contains(err.Error(), "set buffalo.Options.SessionStore") || !strings.Contains(err.Error(), "CookieStore") {
		t.Errorf("got %v", err)
	}
}
