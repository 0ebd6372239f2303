package server

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"redline"
)

// refusalNotice is how often it is told that connections are refused.
const refusalNotice = time.Minute

// connections counts those that are open, and refuses more than may be: in all, and of
// one address as redline.NetworkOf counts it, so that some who keep theirs don't keep
// everybody else out. A trusted proxy may have all: it stands for many. A websocket is
// no more among them once it is open: it has limits of its own.
type connections struct {
	most, mostPerAddress int
	proxies              *Proxies
	log                  *slog.Logger

	mu        sync.Mutex
	open      int
	byNetwork map[string]int // open, but those of trusted proxies

	tooMany, tooManyOfOne notice
}

func newConnections(o *Options) *connections {
	return &connections{
		most: o.MaxConnections, mostPerAddress: o.MaxConnectionsPerAddress,
		proxies: &o.Proxies, log: o.Log, byNetwork: map[string]int{},
	}
}

// watch is told by the HTTP server what becomes of each connection. One too many is
// closed before anything is read from it: so whoever asks learns it at once, and it
// costs neither a handshake nor a word.
func (c *connections) watch(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		network := c.networkOf(conn)
		open, ofOne := c.count(network, 1)
		switch {
		case open > c.most:
			_ = conn.Close()
			c.tooMany.give(c.log, "there are too many connections; more are closed at once", slog.Int("most", c.most))
		case ofOne > c.mostPerAddress:
			_ = conn.Close()
			c.tooManyOfOne.give(c.log, "there are too many connections of one address; more are closed at once",
				slog.Int("most", c.mostPerAddress), slog.String("address", network))
		}
	case http.StateClosed, http.StateHijacked:
		c.count(c.networkOf(conn), -1)
	}
}

// count counts a connection more or less, and returns how many are open, in all and of
// its network. Of none, "", there is no number.
func (c *connections) count(network string, n int) (open, ofOne int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open += n
	if network == "" {
		return c.open, 0
	}
	ofOne = c.byNetwork[network] + n
	if ofOne == 0 {
		delete(c.byNetwork, network)
	} else {
		c.byNetwork[network] = ofOne
	}
	return c.open, ofOne
}

// networkOf says as whose a connection counts: "" where that is a trusted proxy's, or
// came by no network that we know of.
func (c *connections) networkOf(conn net.Conn) string {
	peer, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return ""
	}
	addr := peer.Addr().Unmap().WithZone("")
	if c.proxies.trust(addr) {
		return ""
	}
	return redline.NetworkOf(addr.String())
}

// notice is something that happens often and is told of once in a while.
type notice struct {
	refused atomic.Int64 // since it was told last
	told    atomic.Int64 // when, in Unix seconds
}

// give counts one refusal more, and tells of all since the last time if that is long ago.
func (n *notice) give(log *slog.Logger, what string, attrs ...any) {
	n.refused.Add(1)
	now, told := time.Now().Unix(), n.told.Load()
	if now-told < int64(refusalNotice/time.Second) || !n.told.CompareAndSwap(told, now) {
		return
	}
	log.Warn(what, append(attrs, slog.Int64("refused", n.refused.Swap(0)))...)
}
