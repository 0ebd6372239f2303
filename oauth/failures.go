package oauth

import (
	"context"
	"sync"
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
	// those that asked longest ago are forgotten first. Each takes some 300 bytes.
	failuresKept = 10_000
	// rightFor is how long a client that was right is known where it was: longer than a
	// token of MaxClientTokenTTL, after which it asks again.
	rightFor = 2 * redline.MaxClientTokenTTL
	// maxWaiting is how many may wait, of one network or of one client, for what came of
	// those before them. More than that at once is a flood, and is refused.
	maxWaiting = 64
)

// origin is which client somebody says it is, and from where, as redline.NetworkOf
// counts. A client is never
// counted by itself: whoever knows its id could keep its owner out.
type origin struct {
	network string
	client  string
}

// failures remembers who was wrong how often. It may be used by many goroutines.
type failures struct {
	networks *lru.Cache[string, *allowance]
	origins  *lru.Cache[origin, *allowance]
	// right is when the clients that were right were so last.
	right *lru.Cache[origin, time.Time]
}

func newFailures() *failures {
	return &failures{networks: table[string, *allowance](), origins: table[origin, *allowance](), right: table[origin, time.Time]()}
}

// table remembers failuresKept of something.
func table[K comparable, V any]() *lru.Cache[K, V] {
	t, err := lru.New[K, V](failuresKept)
	if err != nil {
		panic(err) // only a size that isn't positive is refused
	}
	return t
}

// result is what came of a secret.
type result int

const (
	// unknown is of one that could not be looked at.
	unknown result = iota
	wrong
	right
)

// take lets a secret be looked at, as one that is wrong until settle is told what came of
// it; or it says how long somebody has to wait before that. Where what came of others
// from there isn't known yet, it waits for that until ctx ends, which is its only error.
//
// A client that was right there lately doesn't wait for others of its network, which
// could be anybody's behind the same address, and isn't counted with them.
func (f *failures) take(ctx context.Context, from origin) (settle func(result), wait time.Duration, err error) {
	from = from.known()
	var all []*allowance
	settle = func(is result) {
		for _, a := range all {
			a.settle(is == wrong)
		}
		if is == right {
			f.right.Add(from, time.Now())
		}
	}
	if was, there := f.right.Get(from); !there || time.Since(was) > rightFor {
		network := of(f.networks, from.network, perNetworkEvery, perNetworkBurst)
		if wait, err = network.take(ctx); wait > 0 || err != nil {
			return nil, wait, err
		}
		all = append(all, network)
	}
	// Not before: made-up clients of a network that has to wait take no room.
	client := of(f.origins, from, perClientEvery, perClientBurst)
	if wait, err = client.take(ctx); wait > 0 || err != nil {
		settle(unknown)
		return nil, wait, err
	}
	all = append(all, client)
	return settle, 0, nil
}

// known has all that is no client's id count as one.
func (o origin) known() origin {
	if redline.IDPrefix(o.client) != redline.PrefixClient {
		o.client = ""
	}
	return o
}

// of is the allowance of whoever it is.
func of[K comparable](kept *lru.Cache[K, *allowance], who K, every time.Duration, burst int) *allowance {
	if known, there := kept.Get(who); there {
		return known
	}
	fresh := &allowance{failed: rate.NewLimiter(rate.Every(every), burst), settled: make(chan struct{})}
	if known, there, _ := kept.PeekOrAdd(who, fresh); there {
		return known
	}
	return fresh
}

// allowance is how many wrong secrets of somebody are looked at still. Those that are
// being looked at are taken for wrong, so that many at once are no more than many one
// after the other.
type allowance struct {
	mu sync.Mutex
	// failed has a token for each secret that may be wrong now.
	failed *rate.Limiter
	// pending are the secrets that are being looked at, and waiting those who wait for
	// what comes of these.
	pending, waiting int
	// settled is closed, and replaced, when one of them is known.
	settled chan struct{}
}

func (a *allowance) take(ctx context.Context) (wait time.Duration, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for {
		has := a.failed.Tokens()
		if has < 1 {
			return time.Duration((1 - has) / float64(a.failed.Limit()) * float64(time.Second)), nil
		}
		if has-float64(a.pending) >= 1 {
			a.pending++
			return 0, nil
		}
		if a.waiting == maxWaiting {
			return unavailableWait, nil
		}
		if err := a.wait(ctx); err != nil {
			return 0, err
		}
	}
}

// wait waits, without the lock, for one more to be known.
func (a *allowance) wait(ctx context.Context) error {
	settled := a.settled
	a.waiting++
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		a.waiting--
	}()
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle ends what take began.
func (a *allowance) settle(wrong bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pending--
	if wrong {
		a.failed.Allow()
	}
	close(a.settled)
	a.settled = make(chan struct{})
}
