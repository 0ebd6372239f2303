package live

import (
	"net"
	"net/http"
	"time"

	"redline"
)

// rate is how much is let through: one each so often in the long run, and burst at
// once.
type rate struct {
	each  time.Duration
	burst int
}

func newRate(perSecond, burst int) rate {
	return rate{time.Second / time.Duration(max(perSecond, 1)), burst}
}

// bucket is a token bucket, kept as the moment up to which the tokens taken so far
// pay: there is one for each socket. It is for one goroutine at a time.
type bucket struct{ paid time.Duration }

// began is when moments of buckets are counted from: so long ago that a new one,
// which has paid for nothing since, is full.
var began = time.Now().Add(-24 * time.Hour)

// take takes a token, and returns how long to wait until it is there.
func (b *bucket) take(r rate) time.Duration {
	now := time.Since(began)
	b.paid = max(b.paid, now-r.each*time.Duration(r.burst)) + r.each
	return max(b.paid-now, 0)
}

// tryTake takes a token if there is one, and returns how long it is until there
// is one otherwise.
func (b *bucket) tryTake(r rate) time.Duration {
	wait := b.take(r)
	if wait > 0 {
		b.paid -= r.each
	}
	return wait
}

// addressOf is the address that a connection is counted with: what the server says
// of the request, or else the host of the peer that connected.
func addressOf(r *http.Request) string {
	if known := redline.AddressFrom(r.Context()); known != "" {
		return known
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
