package server

import (
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// refusalNotice is how often it is told that connections are refused.
const refusalNotice = time.Minute

// connections counts those that are open, and refuses more than may be. A websocket
// is no more among them once it is open: it has limits of its own.
type connections struct {
	most    int64
	log     *slog.Logger
	open    atomic.Int64
	refused atomic.Int64 // since it was told last
	told    atomic.Int64 // when, in Unix seconds
}

// watch is told by the HTTP server what becomes of each connection. One too many is
// closed before anything is read from it: so whoever asks learns it at once, and it
// costs neither a handshake nor a word.
func (c *connections) watch(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if c.open.Add(1) > c.most {
			_ = conn.Close()
			c.refuse()
		}
	case http.StateClosed, http.StateHijacked:
		c.open.Add(-1)
	}
}

// refuse counts one more, and says so once in a while.
func (c *connections) refuse() {
	c.refused.Add(1)
	now, told := time.Now().Unix(), c.told.Load()
	if now-told < int64(refusalNotice/time.Second) || !c.told.CompareAndSwap(told, now) {
		return
	}
	c.log.Warn("there are too many connections; more are closed at once",
		slog.Int64("most", c.most), slog.Int64("refused", c.refused.Swap(0)))
}
