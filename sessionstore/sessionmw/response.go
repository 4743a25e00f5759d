package sessionmw

import (
	"bufio"
	"bytes"
	"maps"
	"net"
	"net/http"

	"github.com/gobuffalo/buffalo"
)

// heldResponse replaces the writer of a buffalo.Response and buffers what is written until
// it is released or dropped. After that, and after Flush or Hijack, it is direct: it
// passes everything on to the writer.
type heldResponse struct {
	response *buffalo.Response   // nil if it cannot be held
	out      http.ResponseWriter // the writer
	before   buffalo.Response    // response as it was at first

	direct bool
	header http.Header
	status int
	body   bytes.Buffer
}

// hold holds back the response of c if it is a buffalo.Response. It usually is, unless
// net/http middleware wraps it. Any other response is sent as it is written.
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

// reset discards what is held.
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

// drop discards what is held, so that another response can be sent. What was sent
// already cannot be dropped.
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

// sendHeld sends what is held, and makes h direct.
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
	h.body = bytes.Buffer{} // free the memory: a stream may take hours
	return err
}

// Header implements http.ResponseWriter.
func (h *heldResponse) Header() http.Header {
	if h.direct {
		return h.out.Header()
	}
	return h.header
}

// WriteHeader implements http.ResponseWriter. An informational status is not the one of
// the response, and comes too late to be sent.
func (h *heldResponse) WriteHeader(status int) {
	if h.direct {
		h.out.WriteHeader(status)
	} else if h.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
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

// CloseNotify is for Buffalo's render.EventSource.
func (h *heldResponse) CloseNotify() <-chan bool {
	if notifier, ok := h.out.(interface{ CloseNotify() <-chan bool }); ok {
		return notifier.CloseNotify()
	}
	return nil
}

// Unwrap is for http.ResponseController, to set deadlines.
func (h *heldResponse) Unwrap() http.ResponseWriter { return h.out }
