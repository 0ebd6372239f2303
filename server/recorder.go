package server

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
)

// recorder notes what was answered, for the access log and for whoever must
// know whether anything was answered yet.
type recorder struct {
	http.ResponseWriter
	status   int // 0 until the header is out
	bytes    int64
	hijacked bool
	// long says that it lasts as long as its client likes.
	long bool
}

// WriteHeader notes the first status that is not merely informational.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes of the body.
func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Hijack hands over the connection. Websocket libraries ask for the method
// itself, and don't look through Unwrap.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	taken, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("taking over the connection: %w", err)
	}
	if own, ok := taken.(*conn); ok {
		taken = own.Conn // of which nothing is kept back any more
	}
	w.hijacked = true
	if w.status == 0 {
		w.status = http.StatusSwitchingProtocols
	}
	return taken, buffered, nil
}

// Unwrap lets http.ResponseController reach the connection's deadlines.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// answered reports whether it is too late to answer anything else.
func (w *recorder) answered() bool { return w.status != 0 || w.hijacked }
