package oauth

import (
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"redline"
)

// How many wrong secrets are looked at: at once, and then one each so often. Nobody
// guesses 256 random bits; this is so that a flood costs the database little.
const (
	perNetworkBurst = 30
	perNetworkEvery = 2 * time.Second
	perClientBurst  = 10
	perClientEvery  = 10 * time.Second
	// failuresKept is how many networks, and how many clients at them, are remembered:
	// those that failed longest ago are forgotten first. Each takes some 200 bytes.
	failuresKept = 10_000
)

// origin is which client somebody says it is, and from where. A client is never
// counted by itself: whoever knows its id could keep its owner out.
type origin struct {
	network netip.Prefix
	client  string
}

// failures remembers who was wrong how often. It may be used by many goroutines.
type failures struct {
	networks *lru.Cache[netip.Prefix, *rate.Limiter]
	origins  *lru.Cache[origin, *rate.Limiter]
}

func newFailures() *failures {
	networks, err := lru.New[netip.Prefix, *rate.Limiter](failuresKept)
	if err != nil {
		panic(err) // only a size that isn't positive is refused
	}
	origins, err := lru.New[origin, *rate.Limiter](failuresKept)
	if err != nil {
		panic(err)
	}
	return &failures{networks, origins}
}

// wait is how long somebody has to wait before another secret of its own is looked at.
func (f *failures) wait(from origin) time.Duration {
	from = from.known()
	var wait time.Duration
	if l, ok := f.networks.Get(from.network); ok {
		wait = until(l)
	}
	if l, ok := f.origins.Get(from); ok {
		wait = max(wait, until(l))
	}
	return wait
}

// note notes that somebody was wrong.
func (f *failures) note(from origin) {
	from = from.known()
	spend(f.networks, from.network, perNetworkEvery, perNetworkBurst)
	spend(f.origins, from, perClientEvery, perClientBurst)
}

// known has all that is no client's id count as one.
func (o origin) known() origin {
	if redline.IDPrefix(o.client) != redline.PrefixClient {
		o.client = ""
	}
	return o
}

// until is how long it is until a limiter has a token.
func until(l *rate.Limiter) time.Duration {
	if missing := 1 - l.Tokens(); missing > 0 {
		return time.Duration(missing / float64(l.Limit()) * float64(time.Second))
	}
	return 0
}

// spend takes a token of whoever it is, if there is one still: of several who were wrong
// at once.
func spend[K comparable](of *lru.Cache[K, *rate.Limiter], who K, every time.Duration, burst int) {
	l := rate.NewLimiter(rate.Every(every), burst)
	if known, there, _ := of.PeekOrAdd(who, l); there {
		l = known
	}
	l.Allow()
}

// network is what counts as one sender: an IPv4 address, or the /64 that one IPv6
// customer has at least. What is no address counts as one.
func network(address string) netip.Prefix {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}
