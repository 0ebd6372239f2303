package auth

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// What a JWKSOptions leaves at zero.
const (
	DefaultJWKSInterval = 10 * time.Minute
	DefaultJWKSMaxAge   = 24 * time.Hour
)

const (
	// jwksTimeout is how long one refresh may take in all.
	jwksTimeout = 5 * time.Second
	// jwksPatience is how long a token waits for a refresh that could bring its
	// key.
	jwksPatience = 3 * time.Second
	// jwksMaxWaiting is how many tokens may wait. More than that at once is a
	// flood, and is refused.
	jwksMaxWaiting = 64
	// jwksUnknownEvery is how long an unknown kid starts no further refresh after
	// another did: anybody can make one up.
	jwksUnknownEvery = time.Minute
	// jwksRetryFirst and jwksRetryMost are the pauses after a refresh that failed:
	// they double from the one to the other.
	jwksRetryFirst = time.Second
	jwksRetryMost  = time.Minute
)

// JWKSOptions says where an issuer publishes its keys.
type JWKSOptions struct {
	// URL is of the JWK Set: https, or http to this machine alone. Either this or
	// Issuer is required.
	URL string
	// Issuer is the name of an issuer that tells in its OpenID configuration where
	// its keys are (OpenID Connect Discovery 1.0 §4): a URL as above. The
	// configuration has to name the same issuer.
	Issuer string
	// Interval is the time between two refreshes, give or take a tenth. Default
	// DefaultJWKSInterval.
	Interval time.Duration
	// MaxAge is for how long keys are used that the issuer, being out of reach,
	// can't confirm: at least the Interval. Default DefaultJWKSMaxAge.
	MaxAge time.Duration
	// Log is told when an outage begins and ends, and which keys of a set can't be
	// used. slog.Default unless set.
	Log *slog.Logger
}

// JWKSStats is what a JWKS has done so far, and how it stands.
type JWKSStats struct {
	// Refreshes that were tried, and those of them that brought no key.
	Refreshes, Failures uint64
	// Keys are how many can be used now: none before the first refresh, none once what
	// is known is too old, and none while the issuer publishes none.
	Keys int
	// Confirmed is when the issuer last published keys; zero if it never did.
	Confirmed time.Time
}

// JWKS is the KeySet of an issuer that publishes its keys. A goroutine of its
// own fetches them at once, then every Interval, and when a token names a key
// that is unknown: for that at most once a minute. It may be used by many
// goroutines, and has to be closed.
//
// A key that is still published stays the same *Key. One that isn't any more is
// dropped with the next refresh, and all are where the issuer publishes a set
// without any that can be used. While it is out of reach, or publishes what can't
// be read, the known keys go on being used for MaxAge. Either way it is tried again
// after a second, then two, and so on up to a minute.
//
// A token with an unknown key waits for the refresh that it started or found
// running, for 3 seconds at most; 64 may wait, and others are refused at once.
type JWKS struct {
	source   source
	interval time.Duration
	maxAge   time.Duration
	log      *slog.Logger

	wanted chan struct{} // asks the owner for a refresh
	stop   context.CancelFunc
	ended  chan struct{}

	mu sync.RWMutex
	// keys are nil before the first refresh.
	keys  *StaticKeys // empty where the issuer has withdrawn all
	stats JWKSStats
	// running is closed at the end of the refresh that is asked for or running;
	// nil where none is.
	running chan struct{}
	failed  bool      // whether the last refresh did
	asked   time.Time // when an unknown kid last started a refresh
	waiting int
}

// errNoKeys is of an issuer that could be asked, and has no keys.
var errNoKeys = errors.New("the issuer publishes no key that could be used")

// NewJWKS makes the KeySet and begins to fetch. It doesn't wait: an issuer that
// is out of reach is no error.
func NewJWKS(options JWKSOptions) (*JWKS, error) {
	at, err := newSource(options.URL, options.Issuer)
	if err != nil {
		return nil, err
	}
	return newJWKS(at, options)
}

func newJWKS(at source, options JWKSOptions) (*JWKS, error) {
	options.Interval = cmp.Or(options.Interval, DefaultJWKSInterval)
	options.MaxAge = cmp.Or(options.MaxAge, DefaultJWKSMaxAge)
	if options.Interval < 0 || options.MaxAge < options.Interval {
		return nil, errors.New("a JWK Set has to be fetched more often than its keys end")
	}
	if options.Log == nil {
		options.Log = slog.Default()
	}
	ctx, stop := context.WithCancel(context.Background())
	j := &JWKS{
		source: at, interval: options.Interval, maxAge: options.MaxAge, log: options.Log.With("jwks", at.url),
		wanted: make(chan struct{}, 1), stop: stop, ended: make(chan struct{}),
		running: make(chan struct{}), // the first one, which run begins with
	}
	go j.run(ctx)
	return j, nil
}

// Close stops fetching, and waits until it has stopped. The keys that are known
// stay so.
func (j *JWKS) Close() {
	j.stop()
	<-j.ended
}

// Stats returns what was done so far.
func (j *JWKS) Stats() JWKSStats {
	j.mu.RLock()
	defer j.mu.RUnlock()
	stats := j.stats
	if j.outdated() {
		stats.Keys = 0
	}
	return stats
}

// Key returns the key of that id. Where it is unknown, a refresh may bring it.
func (j *JWKS) Key(ctx context.Context, id string) (*Key, error) {
	key, err := j.known(ctx, id)
	if err == nil {
		return key, nil
	}
	if !j.refreshed(ctx) {
		return nil, err
	}
	return j.known(ctx, id)
}

func (j *JWKS) known(ctx context.Context, id string) (*Key, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	switch {
	case j.keys == nil:
		return nil, errors.New("the issuer's keys were never fetched")
	case j.keys.empty():
		return nil, errNoKeys
	case j.outdated():
		return nil, errors.New("the issuer's keys weren't confirmed for too long")
	}
	return j.keys.Key(ctx, id)
}

func (j *JWKS) outdated() bool { return time.Since(j.stats.Confirmed) > j.maxAge }

// refreshed waits for a refresh, which it starts if none is running and it is
// time for another. It reports whether one ended.
func (j *JWKS) refreshed(ctx context.Context) bool {
	j.mu.Lock()
	// After a failure the next refresh comes soon, by itself.
	if j.running == nil && !j.failed && (j.asked.IsZero() || time.Since(j.asked) >= jwksUnknownEvery) {
		j.asked = time.Now()
		j.running = make(chan struct{})
		select {
		case j.wanted <- struct{}{}:
		default: // it was closed before it got to the last
		}
	}
	running := j.running
	if running == nil || j.waiting == jwksMaxWaiting {
		j.mu.Unlock()
		return false
	}
	j.waiting++
	j.mu.Unlock()
	defer func() {
		j.mu.Lock()
		j.waiting--
		j.mu.Unlock()
	}()

	patience := time.NewTimer(jwksPatience)
	defer patience.Stop()
	select {
	case <-running:
		return true
	case <-patience.C:
	case <-ctx.Done():
	case <-j.ended:
	}
	return false
}

// run owns the keys: it alone changes them.
func (j *JWKS) run(ctx context.Context) {
	defer close(j.ended)
	var failures int
	for {
		err := j.refresh(ctx)
		if ctx.Err() != nil {
			j.over()
			return
		}
		j.note(err, failures)
		if failures++; err == nil {
			failures = 0
		}
		pause := time.NewTimer(j.pause(failures))
		select {
		case <-pause.C:
			j.begin()
		case <-j.wanted:
		case <-ctx.Done():
		}
		pause.Stop()
	}
}

// begin marks a refresh that nobody asked for.
func (j *JWKS) begin() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running == nil {
		j.running = make(chan struct{})
		return
	}
	<-j.wanted // it was asked for in the same moment
}

// over lets go those who wait.
func (j *JWKS) over() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running != nil {
		close(j.running)
		j.running = nil
	}
}

// pause is how long to wait after so many failures in a row.
func (j *JWKS) pause(failures int) time.Duration {
	pause := j.interval
	if failures > 0 {
		pause = min(pause, jwksRetryMost, jwksRetryFirst<<min(failures-1, 10))
	}
	// Gateways that started together don't ask together.
	return time.Duration(float64(pause) * (0.9 + 0.2*rand.Float64()))
}

// refresh fetches the keys and puts them in the place of those that are known. That there
// are none is an answer as well: errNoKeys.
func (j *JWKS) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, jwksTimeout)
	defer cancel()
	keys, leftOut, err := j.source.keys(ctx)
	set := &StaticKeys{}
	if err == nil && len(keys) > 0 {
		set, err = NewStaticKeys(j.same(keys)...)
	}
	j.mu.Lock()
	j.stats.Refreshes++
	changed := false
	if err == nil {
		changed = j.keys == nil || !sameSet(j.keys, set)
		j.keys, j.stats.Keys = set, len(keys)
		if set.empty() {
			err = errNoKeys
		} else {
			j.stats.Confirmed = time.Now()
		}
	}
	if j.failed = err != nil; j.failed {
		j.stats.Failures++
	}
	j.mu.Unlock()
	j.over()
	if changed {
		if set.empty() {
			j.log.Warn("an issuer publishes no key that could be used: its tokens are refused")
		} else {
			j.log.Info("the keys of an issuer were fetched", "keys", len(keys))
		}
		for _, reason := range leftOut {
			j.log.Info("a key of an issuer is not used", "reason", reason.Error())
		}
	}
	return err
}

// same puts what is known of a key in the place of what was read anew.
func (j *JWKS) same(keys []*Key) []*Key {
	for i, key := range keys {
		if j.keys == nil {
			break
		}
		if known := j.keys.named(key.id); known != nil && known.is(key) {
			keys[i] = known
		}
	}
	return keys
}

// note tells of an outage when it begins and when it ends.
func (j *JWKS) note(err error, failures int) {
	switch {
	case errors.Is(err, errNoKeys):
		// The refresh told of it when it began, which may be in the middle of an outage.
	case err != nil && failures == 0:
		until := j.Stats().Confirmed
		if until.IsZero() {
			j.log.Warn("the keys of an issuer can't be fetched: its tokens are refused", "reason", err.Error())
			return
		}
		j.log.Warn("the keys of an issuer can't be fetched: those that are known serve on",
			"reason", err.Error(), "until", until.Add(j.maxAge).UTC().Format(time.RFC3339))
	case err == nil && failures > 0:
		j.log.Info("the keys of an issuer can be fetched again", "failures", failures)
	}
}

func sameSet(a, b *StaticKeys) bool {
	if a.only != b.only || len(a.byID) != len(b.byID) {
		return false
	}
	for id, key := range a.byID {
		if b.byID[id] != key {
			return false
		}
	}
	return true
}
