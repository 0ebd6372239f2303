package limit_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"redline"
	"redline/internal/redistest"
	"redline/limit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slow is a rate at which nothing comes back while a test runs.
const slow = 0.001

func newLimiter(t *testing.T, o limit.Options) *limit.Limiter {
	t.Helper()
	l, err := limit.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// by is a context of somebody at an address; without a name of nobody known.
func by(t *testing.T, subject, address string) context.Context {
	t.Helper()
	ctx := redline.WithAddress(t.Context(), address)
	if subject != "" {
		ctx = redline.WithPrincipal(ctx, redline.Principal{Issuer: "i", Subject: subject, Role: redline.RoleStorefront})
	}
	return ctx
}

// want takes points, and wants that to be allowed with so many left, or refused by one.
func want(t *testing.T, l *limit.Limiter, ctx context.Context, points, remaining int64, refusedBy string) redline.Allowance {
	t.Helper()
	a := l.Take(ctx, points)
	switch {
	case a.Allowed != (refusedBy == ""), a.Allowed && a.Remaining != remaining:
		t.Fatalf("taking %d gives %+v; want %d left, or a refusal by %q", points, a, remaining, refusedBy)
	case refusedBy != "" && (a.By != refusedBy || a.RetryAfter <= 0):
		t.Fatalf("refused with %+v; want one by %s", a, refusedBy)
	}
	return a
}

// everywhere runs a test with buckets of the gateway's own, and with those in Redis.
func everywhere(t *testing.T, test func(t *testing.T, o limit.Options)) {
	t.Run("here", func(t *testing.T) {
		t.Parallel()
		test(t, limit.Options{})
	})
	t.Run("Redis", func(t *testing.T) {
		t.Parallel()
		test(t, limit.Options{RedisURL: redistest.Start(t).URL})
	})
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, o limit.Options) {
		o.Principal, o.Address = limit.Bucket{Rate: slow, Burst: 10}, limit.Bucket{Rate: slow, Burst: 25}
		l := newLimiter(t, o)
		ann, bob, nobody := by(t, "ann", "192.0.2.1"), by(t, "bob", "192.0.2.1"), by(t, "", "192.0.2.2")
		want(t, l, ann, 3, 7, "")
		want(t, l, ann, 7, 0, "")
		if a := want(t, l, ann, 1, 0, redline.BucketPrincipal); a.Limit != 10 || a.RestorePerSecond != slow || a.RetryAfter < 900*time.Second {
			t.Errorf("refused with %+v", a)
		}
		want(t, l, bob, 8, 2, "")                                         // the address has 7 left
		want(t, l, by(t, "cy", "192.0.2.1"), 8, 0, redline.BucketAddress) // and nothing of Cy's was taken
		want(t, l, by(t, "cy", "192.0.2.9"), 10, 0, "")
		want(t, l, nobody, 20, 5, "")
		want(t, l, nobody, 6, 0, redline.BucketAddress)
		want(t, l, nobody, 5, 0, "")
		if p, a := l.Refused(); p != 1 || a != 2 {
			t.Errorf("%d were refused by principal and %d by address", p, a)
		}
	})
}

// What is only counted isn't refused, even where nothing is left.
func TestCountedIsNotRefused(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, o limit.Options) {
		o.Address = limit.Bucket{Rate: slow, Burst: 2}
		l := newLimiter(t, o)
		ctx := by(t, "", "192.0.2.1")
		for range 5 {
			l.Count(ctx)
		}
		if p, a := l.Refused(); p != 0 || a != 0 {
			t.Errorf("%d were refused by principal and %d by address, of what was counted", p, a)
		}
		if l.Blocked(ctx).Allowed {
			t.Fatal("an address with nothing left is let in")
		}
		want(t, l, ctx, 1, 0, redline.BucketAddress)
		if p, a := l.Refused(); p != 0 || a != 2 {
			t.Errorf("%d were refused by principal and %d by address; want 0 and 2", p, a)
		}
	})
}

// An issuer's subject is another than another issuer's.
func TestIssuersArePartOfAPrincipal(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, o limit.Options) {
		o.Principal = limit.Bucket{Rate: slow, Burst: 1}
		l := newLimiter(t, o)
		for _, p := range []redline.Principal{{Issuer: "a", Subject: "bc"}, {Issuer: "ab", Subject: "c"}} {
			want(t, l, redline.WithPrincipal(t.Context(), p), 1, 0, "")
		}
	})
}

// What costs more than a bucket holds waits for a full one, and keeps the next out for
// longer.
func TestDearOperations(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, o limit.Options) {
		o.Principal = limit.Bucket{Rate: slow, Burst: 10}
		l := newLimiter(t, o)
		ann := by(t, "ann", "")
		want(t, l, ann, 30, 0, "")
		if a := want(t, l, ann, 1, 0, redline.BucketPrincipal); a.RetryAfter < 20_900*time.Second || a.RetryAfter > 21_000*time.Second {
			t.Errorf("after 30 points of 10 one has to wait %s", a.RetryAfter)
		}
		bob := by(t, "bob", "")
		want(t, l, bob, 1, 9, "")
		want(t, l, bob, 30, 0, redline.BucketPrincipal)
	})
}

// A bucket fills as time goes by.
func TestPointsComeBack(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, o limit.Options) {
		o.Principal = limit.Bucket{Rate: 100, Burst: 5}
		l := newLimiter(t, o)
		ann := by(t, "ann", "")
		for range 10 {
			a := l.Take(ann, 5)
			for !a.Allowed {
				timer := time.NewTimer(a.RetryAfter)
				<-timer.C
				a = l.Take(ann, 5)
			}
		}
	})
}

// Of an IPv6 address its network of 64 bits counts, and an IPv4 address is one however
// it is written.
func TestNetworks(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, limit.Options{Address: limit.Bucket{Rate: slow, Burst: 2}})
	for _, same := range [][2]string{
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9"}, {"192.0.2.7", "::ffff:192.0.2.7"}, {"fe80::1%eth0", "fe80::2%eth1"}, {"", ""}, {"@", "@"},
	} {
		want(t, l, by(t, "", same[0]), 1, 1, "")
		want(t, l, by(t, "", same[1]), 1, 0, "")
	}
	want(t, l, by(t, "", "2001:db8:1:3::1"), 1, 1, "")
}

// Requests that are no operations count, and block their address once it has nothing
// left: without more work for anybody.
func TestFloodsBlockTheirAddress(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, o limit.Options) {
		o.Principal, o.Address = limit.Bucket{Rate: slow, Burst: 1}, limit.Bucket{Rate: slow, Burst: 3}
		l := newLimiter(t, o)
		flood, other := by(t, "ann", "192.0.2.1"), by(t, "", "192.0.2.2")
		for range 3 {
			l.Count(flood)
			if a := l.Blocked(flood); !a.Allowed {
				t.Fatalf("it is blocked too soon: %+v", a)
			}
		}
		l.Count(flood)
		if a := l.Blocked(flood); a.Allowed || a.By != redline.BucketAddress || a.RetryAfter <= 0 {
			t.Errorf("after a flood: %+v", a)
		}
		if a := l.Blocked(other); !a.Allowed {
			t.Errorf("another address: %+v", a)
		}
		want(t, l, by(t, "ann", "192.0.2.2"), 1, 0, "") // nothing was taken of Ann's
	})
}

// Addresses without end take no room without end.
func TestTheTableIsBounded(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, limit.Options{Address: limit.Bucket{Rate: slow, Burst: 1}, Principal: limit.Bucket{Rate: slow, Burst: 5}, MaxBuckets: 100})
	ann := by(t, "ann", "192.0.2.1")
	want(t, l, ann, 1, 0, "")
	for i := range 10_000 {
		want(t, l, by(t, "", fmt.Sprintf("2001:db8:%x:%x::1", i/1000, i)), 1, 0, "")
	}
	// Her address was forgotten, and she wasn't: an address' flood is none of principals.
	if a := l.Take(by(t, "ann", "192.0.2.3"), 5); a.Allowed || a.By != redline.BucketPrincipal {
		t.Errorf("she has %+v", a)
	}
}

// Several gateways share what is in Redis, to the point.
func TestGatewaysShare(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t)
	o := limit.Options{Principal: limit.Bucket{Rate: slow, Burst: 100}, RedisURL: r.URL}
	gateways := []*limit.Limiter{newLimiter(t, o), newLimiter(t, o), newLimiter(t, o)}
	ann := by(t, "ann", "192.0.2.1")
	var allowed atomic.Int64
	var all sync.WaitGroup
	for _, l := range gateways {
		for range 4 {
			all.Go(func() {
				for range 25 {
					if l.Take(ann, 1).Allowed {
						allowed.Add(1)
					}
				}
			})
		}
	}
	all.Wait()
	if n := allowed.Load(); n != 100 {
		t.Errorf("300 were asked for, and %d of 100 let in", n)
	}
	keys := r.CLI(t, "keys", "*")
	if !strings.HasPrefix(keys, "redline:limit:principal:") || strings.Contains(keys, "ann") || strings.Count(keys, "\n") > 1 {
		t.Errorf("the keys are %q", keys)
	}
	if ttl := r.CLI(t, "pttl", strings.TrimSpace(keys)); strings.HasPrefix(ttl, "-") {
		t.Errorf("the key lives %s ms", ttl)
	}
}

// Redis goes away and comes back: nobody waits for it more than once, nobody gets
// nothing, and it is said once.
func TestRedisGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t)
	log := &book{}
	l := newLimiter(t, limit.Options{
		Principal: limit.Bucket{Rate: slow, Burst: 5}, RedisURL: r.URL, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	ann := by(t, "ann", "192.0.2.1")
	want(t, l, ann, 5, 0, "")
	want(t, l, ann, 1, 0, redline.BucketPrincipal)
	r.Stop(t)
	// A gateway that counts for itself knows nothing of what was taken before.
	for left := int64(4); left >= 0; left-- {
		want(t, l, ann, 1, left, "")
	}
	want(t, l, ann, 1, 0, redline.BucketPrincipal)
	if n := strings.Count(log.String(), "Redis is away"); n != 1 {
		t.Errorf("it is said %d times that Redis is away:\n%s", n, log)
	}
	r.Start(t)
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(log.String(), "Redis is back") {
		if time.Now().After(deadline) {
			t.Fatalf("Redis isn't asked again:\n%s", log)
		}
		l.Take(by(t, "bob", ""), 0)
		<-tick.C
	}
	// The new Redis is empty.
	want(t, l, by(t, "cy", ""), 5, 0, "")
}

// A Redis that takes connections and says nothing costs one short wait.
func TestASilentRedisIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	l := newLimiter(t, limit.Options{
		Principal: limit.Bucket{Rate: slow, Burst: 50}, RedisURL: "redis://" + listener.Addr().String(), Log: slog.New(slog.DiscardHandler),
	})
	began := time.Now()
	for left := int64(49); left >= 0; left-- {
		want(t, l, by(t, "ann", ""), 1, left, "")
	}
	// 50 waits would be 5 s.
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("50 requests took %s", took)
	}
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	for _, o := range []limit.Options{
		{Principal: limit.Bucket{Rate: -1, Burst: 1}}, {Address: limit.Bucket{Rate: 1}}, {Address: limit.Bucket{Rate: 1, Burst: -1}},
		{MaxBuckets: -1}, {RedisURL: "http://secret@host"}, {RedisURL: "redis://user:secret@ host"},
	} {
		if _, err := limit.New(o); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v gives %v", o, err)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	l, err := limit.New(limit.Options{Principal: limit.Bucket{Rate: 1e9, Burst: 1e9}, Address: limit.Bucket{Rate: 1e9, Burst: 1e9}})
	if err != nil {
		b.Fatal(err)
	}
	ctx := redline.WithPrincipal(redline.WithAddress(b.Context(), "192.0.2.1"), redline.Principal{Issuer: "i", Subject: "ann"})
	b.ReportAllocs()
	for b.Loop() {
		if !l.Take(ctx, 1).Allowed {
			b.Fatal("refused")
		}
	}
}

// book is a log that can be read while it is written.
type book struct {
	mu  sync.Mutex
	out strings.Builder
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.out.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.out.String()
}
