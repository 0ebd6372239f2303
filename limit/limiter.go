package limit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"redline"
)

// DefaultMaxBuckets is how many buckets of principals, and how many of addresses, a
// gateway keeps.
const DefaultMaxBuckets = 100_000

// Options say what a Limiter lets through. All zero lets everything through.
type Options struct {
	// Principal is the bucket of each issuer and subject, Address that of each address, as
	// redline.NetworkOf counts them. Who has no token has the address' alone.
	Principal, Address Bucket
	// MaxBuckets bounds the buckets of each kind. Default DefaultMaxBuckets, some 20 MiB.
	MaxBuckets int
	// RedisURL is the Redis that several gateways share, as redis://, rediss:// or
	// unix://. Without it each counts for itself.
	RedisURL string
	// Log is told when Redis goes away and comes back. slog.Default unless set.
	Log *slog.Logger
}

// Limiter counts points. It is safe for concurrent use.
type Limiter struct {
	options Options
	// principals and addresses are this gateway's own buckets: all there are without
	// Redis, and what is counted while it is away.
	principals, addresses *table
	// blocked are the addresses with nothing left, until when, wherever that was counted.
	blocked *table
	shared  *shared
	refused [2]atomic.Int64 // by principal, by address
}

// New makes a limiter. It fails where a bucket makes no sense or the URL is malformed;
// whether Redis is there shows with the first request. Close ends it.
func New(options Options) (*Limiter, error) {
	for _, b := range []Bucket{options.Principal, options.Address} {
		if !(b.Rate >= 0) || math.IsInf(b.Rate, 0) || b.Burst < 0 || b.Rate > 0 && b.Burst < 1 {
			return nil, fmt.Errorf("limit: a bucket of %d points with %g a second makes no sense", b.Burst, b.Rate)
		}
	}
	if options.MaxBuckets < 0 {
		return nil, errors.New("limit: MaxBuckets is negative")
	}
	if options.MaxBuckets == 0 {
		options.MaxBuckets = DefaultMaxBuckets
	}
	if options.Log == nil {
		options.Log = slog.Default()
	}
	l := &Limiter{options: options}
	for _, t := range []**table{&l.principals, &l.addresses, &l.blocked} {
		var err error
		if *t, err = newTable(options.MaxBuckets); err != nil {
			return nil, fmt.Errorf("limit: %w", err)
		}
	}
	if options.RedisURL != "" {
		var err error
		if l.shared, err = newShared(options.RedisURL, options.Log); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// Close ends the connections to Redis.
func (l *Limiter) Close() error {
	if l.shared == nil {
		return nil
	}
	return l.shared.close()
}

// Refused is how many operations and requests were refused so far, by whose bucket.
func (l *Limiter) Refused() (byPrincipal, byAddress int64) {
	return l.refused[0].Load(), l.refused[1].Load()
}

// claim is a bucket of a caller.
type claim struct {
	bucket Bucket
	by     string
	// name is what the bucket is kept under here.
	name string
	own  *table
}

// claims are the buckets of whoever a context speaks of.
func (l *Limiter) claims(ctx context.Context, addressOnly bool) []claim {
	claims := make([]claim, 0, 2)
	if p := redline.PrincipalFrom(ctx); !addressOnly && l.options.Principal.Rate > 0 && p.Authenticated() {
		name := strconv.Itoa(len(p.Issuer)) + ":" + p.Issuer + p.Subject
		claims = append(claims, claim{l.options.Principal, redline.BucketPrincipal, name, l.principals})
	}
	if l.options.Address.Rate > 0 {
		claims = append(claims, claim{l.options.Address, redline.BucketAddress, redline.NetworkOf(redline.AddressFrom(ctx)), l.addresses})
	}
	return claims
}

// Take takes the points of an operation out of its caller's buckets, out of all of
// them or out of none.
func (l *Limiter) Take(ctx context.Context, points int64) redline.Allowance {
	said := l.take(ctx, l.claims(ctx, false), points)
	if !said.Allowed {
		l.refuse(said.By)
	}
	return said
}

// Count takes a point out of the address' bucket, as far as there is one, for a request
// that never became an operation. Whatever is left, it isn't refused by that.
func (l *Limiter) Count(ctx context.Context) { l.take(ctx, l.claims(ctx, true), 1) }

// Blocked says whether the address of a context has nothing left at all, so that
// nothing from it need be looked at. It takes nothing and asks no one.
func (l *Limiter) Blocked(ctx context.Context) redline.Allowance {
	b := l.options.Address
	if b.Rate == 0 {
		return redline.Allowance{Allowed: true}
	}
	now := microseconds()
	until := l.blocked.look(redline.NetworkOf(redline.AddressFrom(ctx)))
	if until <= now {
		return redline.Allowance{Allowed: true}
	}
	l.refuse(redline.BucketAddress)
	return redline.Allowance{
		By: redline.BucketAddress, Limit: b.Burst, RestorePerSecond: b.Rate,
		RetryAfter: time.Duration((until - now) * float64(time.Microsecond)),
	}
}

func (l *Limiter) take(ctx context.Context, claims []claim, points int64) redline.Allowance {
	if len(claims) == 0 {
		return redline.Allowance{Allowed: true}
	}
	now := microseconds()
	levels, ok := l.shared.take(ctx, claims, points)
	if !ok {
		levels = takeHere(claims, now, points)
	} else {
		// Redis' clock isn't ours.
		for i := range levels {
			levels[i].full += now
		}
	}
	said := claims[0].bucket.allowance(levels[0], now, claims[0].by)
	for i := 1; i < len(claims); i++ {
		if other := claims[i].bucket.allowance(levels[i], now, claims[i].by); tighter(other, said) {
			said = other
		}
	}
	for i, c := range claims {
		if left := levels[i].full - now - float64(c.bucket.Burst-1)*c.bucket.each(); c.by == redline.BucketAddress && left > 0 && !said.Allowed {
			l.blocked.note(c.name, now+left)
		}
	}
	return said
}

// refuse counts one that is refused, by whose bucket.
func (l *Limiter) refuse(by string) {
	if by == redline.BucketPrincipal {
		l.refused[0].Add(1)
	} else {
		l.refused[1].Add(1)
	}
}

// tighter reports whether a is what the caller is to be told rather than b.
func tighter(a, b redline.Allowance) bool {
	switch {
	case a.Allowed != b.Allowed:
		return !a.Allowed
	case !a.Allowed:
		return a.RetryAfter > b.RetryAfter
	}
	return a.Remaining < b.Remaining
}

// began is when microseconds are counted from: the clock is the one that nobody sets.
var began = time.Now()

func microseconds() float64 { return float64(time.Since(began).Microseconds()) }

// takeHere takes points of this gateway's own buckets. The tables are locked in the
// order of the claims, which is always the same.
func takeHere(claims []claim, now float64, points int64) []level {
	levels := make([]level, len(claims))
	allowed := true
	for i, c := range claims {
		c.own.mu.Lock()
		defer c.own.mu.Unlock()
		full, _ := c.own.full.Get(c.name)
		levels[i] = c.bucket.take(full, now, points)
		allowed = allowed && levels[i].allowed
	}
	for i, c := range claims {
		if allowed {
			c.own.full.Add(c.name, levels[i].full)
		} else if levels[i].allowed {
			// The other refuses, so that nothing is taken of this one.
			levels[i].full -= float64(points) * c.bucket.each()
		}
	}
	return levels
}
