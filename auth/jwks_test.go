package auth_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"redline/auth"
	"redline/internal/idp"
)

// patience is for what takes milliseconds.
const patience = time.Minute

// until waits for what is done in the background.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-deadline.C:
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

// fails waits for a refresh that ends without keys from now on.
func fails(t *testing.T, keys *auth.JWKS) {
	t.Helper()
	before := keys.Stats().Failures
	until(t, "a refresh that fails", func() bool { return keys.Stats().Failures > before })
}

// succeeds waits for one that ends with keys from now on.
func succeeds(t *testing.T, keys *auth.JWKS) {
	t.Helper()
	successes := func() uint64 {
		stats := keys.Stats()
		return stats.Refreshes - stats.Failures
	}
	before := successes()
	until(t, "a refresh that succeeds", func() bool { return successes() > before })
}

// again waits for one that began after now. The first to end may have begun
// before.
func again(t *testing.T, keys *auth.JWKS) {
	t.Helper()
	before := keys.Stats().Refreshes
	until(t, "two refreshes", func() bool { return keys.Stats().Refreshes >= before+2 })
}

// watched fetches keys every few milliseconds.
func watched(t *testing.T, options auth.JWKSOptions) *auth.JWKS {
	t.Helper()
	options.Interval = 5 * time.Millisecond
	return published(t, options)
}

func knows(t *testing.T, keys *auth.JWKS, id string) *auth.Key {
	t.Helper()
	key, err := keys.Key(t.Context(), id)
	if err != nil {
		t.Fatalf("the key %q: %v", id, err)
	}
	return key
}

func knowsNot(t *testing.T, keys *auth.JWKS, id string) {
	t.Helper()
	if key, err := keys.Key(t.Context(), id); err == nil {
		t.Fatalf("the key %q is known: %v", id, key)
	} else if id != "" && strings.Contains(err.Error(), id) {
		t.Errorf("the error repeats the id: %v", err)
	}
}

// The first token waits for the first refresh, and each kind of key verifies.
func TestJWKSVerifies(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"EdDSA", "RS256", "ES256"} {
		for _, id := range []string{"the key", ""} {
			t.Run(algorithm+" "+id, func(t *testing.T) {
				t.Parallel()
				key := idp.NewKey(t, id, algorithm)
				provider := idp.Start(t, key)
				verifier := verifierOf(t, ours(published(t, auth.JWKSOptions{URL: provider.KeysURL()})))
				accept(t, verifier, key.Token(goodClaims()))
				accept(t, verifier, key.Signed(key.Header().Without("kid").String(), goodClaims().String()))
				refuse(t, verifier, key.Signed(key.Header().With("kid", "other").String(), goodClaims().String()), "unknown key")
			})
		}
	}
}

// A key that is published later is found by the first token that names it; one
// that is withdrawn verifies nothing more; and one that stays stays the same, so
// that its tokens go on being known.
func TestJWKSRotation(t *testing.T) {
	t.Parallel()
	old, stays, next := idp.NewKey(t, "old", "RS256"), idp.NewKey(t, "stays", "ES256"), idp.NewKey(t, "next", "EdDSA")
	provider := idp.Start(t, old, stays)
	keys := published(t, auth.JWKSOptions{URL: provider.KeysURL()})
	verifier := verifierOf(t, ours(keys))
	claims := goodClaims()
	accept(t, verifier, old.Token(claims))
	accept(t, verifier, stays.Token(claims))
	before := knows(t, keys, "stays")

	provider.Publish(next, stays)
	accept(t, verifier, next.Token(claims))
	if after := knows(t, keys, "stays"); after != before {
		t.Error("a key that stayed is another")
	}
	refuse(t, verifier, old.Token(claims), "unknown key")
	if asked := provider.Asked(); asked != 2 {
		t.Errorf("the issuer was asked %d times", asked)
	}
	if stats := keys.Stats(); stats.Keys != 2 || stats.Refreshes != 2 || stats.Failures != 0 || stats.Confirmed.IsZero() {
		t.Errorf("%+v", stats)
	}
}

// A key of another making under the same kid isn't the same.
func TestJWKSReplacedKey(t *testing.T) {
	t.Parallel()
	one, other := idp.NewKey(t, "kid", "EdDSA"), idp.NewKey(t, "kid", "EdDSA")
	provider := idp.Start(t, one)
	keys := watched(t, auth.JWKSOptions{URL: provider.KeysURL()})
	verifier := verifierOf(t, ours(keys))
	claims := goodClaims()
	accept(t, verifier, one.Token(claims))
	provider.Publish(other)
	again(t, keys)
	refuse(t, verifier, one.Token(claims), "the signature")
	accept(t, verifier, other.Token(claims))
}

// Kids that nobody has are asked for once, however many tokens make them up.
func TestUnknownKidsDontAskAgain(t *testing.T) {
	t.Parallel()
	key := idp.NewKey(t, "kid", "EdDSA")
	provider := idp.Start(t, key)
	keys := published(t, auth.JWKSOptions{URL: provider.KeysURL()})
	knows(t, keys, "kid")
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			if _, err := keys.Key(t.Context(), fmt.Sprint("made up ", i)); err == nil {
				t.Error("a made up key is known")
			}
		})
	}
	all.Wait()
	if asked := provider.Asked(); asked != 2 {
		t.Errorf("the issuer was asked %d times", asked)
	}
}

// An issuer that goes down, or publishes what it shouldn't, has its old keys used.
func TestJWKSOutage(t *testing.T) {
	t.Parallel()
	key := idp.NewKey(t, "kid", "EdDSA")
	good := idp.Object{"keys": []any{idp.NewKey(t, "other", "EdDSA").JWK()}}.String()
	twice := idp.Object{"keys": []any{idp.NewKey(t, "other", "EdDSA").JWK(), idp.NewKey(t, "other", "ES256").JWK()}}.String()
	redirected := idp.Start(t, idp.NewKey(t, "other", "EdDSA"))
	for name, answer := range map[string]http.HandlerFunc{
		"an error":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"not found":     func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) },
		"no content":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"garbage":       func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>down</html>") },
		"no set":        func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) },
		"a kid twice":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, twice) },
		"a set twice":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, good+good) },
		"a broken line": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, redirected.KeysURL(), http.StatusFound)
		},
		"a huge body": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, good+strings.Repeat(" ", 256<<10))
		},
		"a body without end": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := io.WriteString(w, good+strings.Repeat(" ", 64<<10)); err != nil {
					return
				}
			}
		},
		"a huge header": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Large", strings.Repeat("x", 512<<10))
			_, _ = io.WriteString(w, good)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider := idp.Start(t, key)
			keys := watched(t, auth.JWKSOptions{URL: provider.KeysURL()})
			before := knows(t, keys, "kid")
			provider.Answer(answer)
			fails(t, keys)
			if after := knows(t, keys, "kid"); after != before {
				t.Error("the key is another")
			}
			knowsNot(t, keys, "other")
			if stats := keys.Stats(); stats.Failures == 0 || stats.Keys != 1 {
				t.Errorf("%+v", stats)
			}
			provider.Publish(key)
			succeeds(t, keys)
			knows(t, keys, "kid")
		})
	}
	if redirected.Asked() != 0 {
		t.Error("a redirect was followed")
	}
}

// An issuer that has withdrawn all its keys has none: not those of before, not even for
// tokens that were good, and not when it is down afterwards.
func TestJWKSWithdrawn(t *testing.T) {
	t.Parallel()
	key := idp.NewKey(t, "kid", "EdDSA")
	for name, set := range map[string]string{
		"no key":            `{"keys":[]}`,
		"none for tokens":   idp.Object{"keys": []any{idp.Object(key.JWK()).With("use", "enc")}}.String(),
		"its secret beside": idp.Object{"keys": []any{idp.Object(key.JWK()).With("d", "AQAB")}}.String(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log lockedBuilder
			provider := idp.Start(t, key)
			keys := watched(t, auth.JWKSOptions{URL: provider.KeysURL(), Log: slog.New(slog.NewTextHandler(&log, nil))})
			verifier := verifierOf(t, ours(keys))
			token := key.Token(goodClaims())
			accept(t, verifier, token)
			provider.Answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, set) })
			fails(t, keys)
			refuse(t, verifier, token, "the issuer publishes no key that could be used")
			provider.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
			again(t, keys)
			refuse(t, verifier, token, "the issuer publishes no key that could be used")
			if stats := keys.Stats(); stats.Keys != 0 || stats.Confirmed.IsZero() {
				t.Errorf("%+v", stats)
			}
			provider.Publish(key)
			succeeds(t, keys)
			accept(t, verifier, token)
			keys.Close()
			for part, want := range map[string]int{"level=WARN": 1, "its tokens are refused": 1, "serve on": 0, "fetched again": 1, "were fetched": 2} {
				if got := strings.Count(log.String(), part); got != want {
					t.Errorf("%q stands %d times, not %d, in\n%s", part, got, want, log.String())
				}
			}
		})
	}
}

// Keys that nobody confirms any more are given up in time, and taken again.
func TestJWKSKeysEnd(t *testing.T) {
	t.Parallel()
	key := idp.NewKey(t, "kid", "EdDSA")
	provider := idp.Start(t, key)
	keys := watched(t, auth.JWKSOptions{URL: provider.KeysURL(), MaxAge: 5 * time.Millisecond})
	succeeds(t, keys)
	provider.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	until(t, "keys that are too old", func() bool { return keys.Stats().Keys == 0 })
	knowsNot(t, keys, "kid")
	provider.Publish(key)
	succeeds(t, keys)
}

// An issuer that hangs holds nobody for longer than some seconds, nor Close.
func TestJWKSThatHangs(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	provider := idp.Start(t)
	t.Cleanup(func() { close(release) }) // before the server is closed
	provider.Answer(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	keys, err := auth.NewJWKS(auth.JWKSOptions{URL: provider.KeysURL(), Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	knowsNot(t, keys, "kid")
	if took := time.Since(began); took > 4500*time.Millisecond {
		t.Errorf("a token waited for %v", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	began = time.Now()
	if _, err := keys.Key(ctx, "kid"); err == nil || time.Since(began) > 2*time.Second {
		t.Errorf("whoever has gone waits on: %v after %v", err, time.Since(began))
	}
	began = time.Now()
	keys.Close()
	knowsNot(t, keys, "kid")
	knowsNot(t, keys, "kid")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("closing took %v", took)
	}
}

// An issuer that isn't there at the start is found once it is.
func TestJWKSFromNothing(t *testing.T) {
	t.Parallel()
	key := idp.NewKey(t, "kid", "EdDSA")
	provider := idp.Start(t)
	provider.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	keys := watched(t, auth.JWKSOptions{URL: provider.KeysURL()})
	fails(t, keys)
	if stats := keys.Stats(); !stats.Confirmed.IsZero() || stats.Keys != 0 {
		t.Errorf("%+v", stats)
	}
	provider.Publish(key)
	succeeds(t, keys)
	knows(t, keys, "kid")
}

// An outage is told of once, when it begins and when it ends.
func TestJWKSOutageIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log lockedBuilder
	key := idp.NewKey(t, "kid", "EdDSA")
	provider := idp.Start(t, key)
	keys := watched(t, auth.JWKSOptions{URL: provider.KeysURL(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	succeeds(t, keys)
	provider.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	for range 5 {
		fails(t, keys)
	}
	provider.Publish(key)
	succeeds(t, keys)
	keys.Close()
	for part, want := range map[string]int{"level=WARN": 1, "serve on": 1, "the answer is 502": 1, "fetched again": 1, "were fetched": 1} {
		if got := strings.Count(log.String(), part); got != want {
			t.Errorf("%q stands %d times, not %d, in\n%s", part, got, want, log.String())
		}
	}
}

// lockedBuilder is a log that may be read while it is written.
type lockedBuilder struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuilder) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuilder) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// An issuer with an OpenID configuration tells itself where its keys are.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	key := idp.NewKey(t, "kid", "EdDSA")
	provider := idp.Start(t, key)
	keys := published(t, auth.JWKSOptions{Issuer: provider.URL})
	knows(t, keys, "kid")

	for because, configuration := range map[string]string{
		"names another issuer": `{"issuer":"https://evil.example","jwks_uri":"` + provider.KeysURL() + `"}`,
		"no jwks_uri":          `{"issuer":"ISSUER"}`,
		"is not https":         `{"issuer":"ISSUER","jwks_uri":"http://keys.example/"}`,
		"has a password":       `{"issuer":"ISSUER","jwks_uri":"https://a:b@keys.example/"}`,
		"malformed":            `{"issuer":"ISSUER","jwks_uri":"http://[::1"}`,
		"longer than 2000":     `{"issuer":"ISSUER","jwks_uri":"https://keys.example/` + strings.Repeat("k", 2000) + `"}`,
		"stands twice":         `{"issuer":"ISSUER","issuer":"ISSUER","jwks_uri":"` + provider.KeysURL() + `"}`,
		"not a JSON object":    `[]`,
	} {
		t.Run(because, func(t *testing.T) {
			t.Parallel()
			bad := idp.Start(t, key)
			bad.Answer(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, strings.ReplaceAll(configuration, "ISSUER", bad.URL))
			})
			var log lockedBuilder
			keys := published(t, auth.JWKSOptions{Issuer: bad.URL, Log: slog.New(slog.NewTextHandler(&log, nil))})
			knowsNot(t, keys, "kid")
			// A caller waits less long for a refresh than that may take.
			until(t, "a refresh that fails", func() bool { return keys.Stats().Failures > 0 })
			keys.Close()
			if !strings.Contains(log.String(), because) {
				t.Errorf("the log is %s", log.String())
			}
		})
	}
}

func TestNewJWKSRefuses(t *testing.T) {
	t.Parallel()
	for because, options := range map[string]auth.JWKSOptions{
		"either":                 {},
		"or an issuer":           {URL: "https://a.example", Issuer: "https://a.example"},
		"this machine alone":     {URL: "http://a.example/keys"},
		"is not https":           {URL: "ftp://a.example/keys"},
		"not https; http is":     {Issuer: "redline://x"},
		"has a password":         {URL: "https://user:pass@a.example/keys"},
		"has to be like":         {URL: "https:///keys"},
		"like https://id.exampl": {URL: "https://a.example/#keys"},
		"malformed":              {URL: "https://a b/"},
		"more often":             {URL: "https://a.example/", MaxAge: time.Minute},
	} {
		if keys, err := auth.NewJWKS(options); err == nil || !strings.Contains(err.Error(), because) {
			t.Errorf("%s: %v", because, err)
			if err == nil {
				keys.Close()
			}
		}
	}
}
