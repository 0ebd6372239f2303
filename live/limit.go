package live

import (
	"errors"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// bucket is a token bucket: rate tokens a second, at most burst of them saved.
// It is for one goroutine at a time.
type bucket struct {
	rate, burst float64
	tokens      float64
	filled      time.Time
}

func newBucket(rate, burst int, now time.Time) bucket {
	return bucket{rate: float64(rate), burst: float64(burst), tokens: float64(burst), filled: now}
}

// take takes a token, and returns how long to wait until it is there.
func (b *bucket) take(now time.Time) time.Duration {
	b.tokens = math.Min(b.burst, b.tokens+now.Sub(b.filled).Seconds()*b.rate)
	b.filled = now
	b.tokens--
	if b.tokens >= 0 {
		return 0
	}
	return time.Duration(-b.tokens / b.rate * float64(time.Second))
}

// tryTake takes a token if there is one, and returns how long it is until there
// is one otherwise.
func (b *bucket) tryTake(now time.Time) time.Duration {
	wait := b.take(now)
	if wait > 0 {
		b.tokens++
	}
	return wait
}

// remoteHost is the host of the peer that connected, without its port.
func remoteHost(r *http.Request) string {
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
