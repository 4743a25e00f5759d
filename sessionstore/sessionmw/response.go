package sessionmw

import (
	"bufio"
	"bytes"
	"maps"
	"net"
	"net/http"

	"github.com/gobuffalo/buffalo"
)

// heldResponse takes the place of the writer in a buffalo.Response, and keeps what
// is written until it is released or dropped. After that, or after Flush or Hijack,
// it is direct: it passes everything on.
type heldResponse struct {
	response *buffalo.Response   // nil if there is none to hold
	out      http.ResponseWriter // what response wrote to before
	before   buffalo.Response    // response without what is held

	direct bool
	header http.Header
	status int
	body   bytes.Buffer
}

// hold holds back the response of c. It can hold a buffalo.Response only, which is
// what Buffalo gives to every handler unless middleware of net/http wraps it. Any
// other is sent as it is written.
func hold(c buffalo.Context) *heldResponse {
	response, ok := c.Response().(*buffalo.Response)
	if !ok {
		return &heldResponse{direct: true}
	}
	h := &heldResponse{response: response, out: response.ResponseWriter, before: *response}
	response.ResponseWriter = h
	h.reset()
	return h
}

// reset forgets what is held.
func (h *heldResponse) reset() {
	if h.direct {
		return
	}
	h.header = h.out.Header().Clone()
	if h.header == nil {
		h.header = http.Header{}
	}
	h.status = 0
	h.body.Reset()
	h.response.Status, h.response.Size = h.before.Status, h.before.Size
}

// release sends what is held.
func (h *heldResponse) release() error {
	err := h.sendHeld()
	h.restore()
	return err
}

// drop forgets what is held, so that something else can be sent. What was sent
// directly cannot be dropped.
func (h *heldResponse) drop() {
	h.reset()
	h.direct = true
	h.restore()
}

// restore gives response its writer back.
func (h *heldResponse) restore() {
	if h.response != nil {
		h.response.ResponseWriter = h.out
	}
}

// sendHeld sends what is held, and has everything after it sent directly.
func (h *heldResponse) sendHeld() error {
	if h.direct {
		return nil
	}
	h.direct = true
	clear(h.out.Header())
	maps.Copy(h.out.Header(), h.header)
	if h.status != 0 {
		h.out.WriteHeader(h.status)
	}
	if h.body.Len() == 0 {
		return nil
	}
	_, err := h.out.Write(h.body.Bytes())
	h.body = bytes.Buffer{} // a stream may go on for hours
	return err
}

// Header implements http.ResponseWriter.
func (h *heldResponse) Header() http.Header {
	if h.direct {
		return h.out.Header()
	}
	return h.header
}

// WriteHeader implements http.ResponseWriter.
func (h *heldResponse) WriteHeader(status int) {
	if h.direct {
		h.out.WriteHeader(status)
	} else if h.status == 0 {
		h.status = status
	}
}

// Write implements http.ResponseWriter.
func (h *heldResponse) Write(b []byte) (int, error) {
	if h.direct {
		return h.out.Write(b)
	}
	return h.body.Write(b)
}

// Flush implements http.Flusher.
func (h *heldResponse) Flush() {
	_ = h.sendHeld() // the next Write returns the error again
	_ = http.NewResponseController(h.out).Flush()
}

// Hijack implements http.Hijacker.
func (h *heldResponse) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := h.sendHeld(); err != nil {
		return nil, nil, err
	}
	return http.NewResponseController(h.out).Hijack()
}

// CloseNotify is what Buffalo's render.EventSource looks for.
func (h *heldResponse) CloseNotify() <-chan bool {
	if notifier, ok := h.out.(interface{ CloseNotify() <-chan bool }); ok {
		return notifier.CloseNotify()
	}
	return nil
}

// Unwrap is what http.ResponseController looks for, to set deadlines.
func (h *heldResponse) Unwrap() http.ResponseWriter { return h.out }
