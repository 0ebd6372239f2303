package live

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
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

// originAllowed reports whether a page at the request's Origin may open a
// socket: the gateway's own pages and the configured origins. What isn't a
// browser sends none, and no page can leave it out.
func originAllowed(r *http.Request, allowed []string) bool {
	origins := r.Header.Values("Origin")
	switch len(origins) {
	case 0:
		return true
	case 1:
	default:
		return false
	}
	if slices.Contains(allowed, "*") || slices.Contains(allowed, strings.ToLower(origins[0])) {
		return true
	}
	u, err := url.Parse(origins[0])
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// checkOrigins normalises configured origins: scheme://host[:port] each, or *.
func checkOrigins(origins []string) ([]string, error) {
	out := make([]string, 0, len(origins))
	for _, o := range origins {
		o = strings.ToLower(o)
		u, err := url.Parse(o)
		if o != "*" && (err != nil || u.Host == "" || u.Scheme+"://"+u.Host != o) {
			return nil, errors.New("an origin is not of the form scheme://host[:port], or *: " + o)
		}
		out = append(out, o)
	}
	return out, nil
}
