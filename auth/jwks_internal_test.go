package auth

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// scripted is an issuer without a network, for clocks that stand still.
type scripted struct {
	asked atomic.Int32
	down  atomic.Bool
	gate  chan struct{} // where set, each request waits for it
}

// known is the JWK Set that it publishes, with the key of RFC 8037 §A.2.
const known = `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"kid","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked.Add(1)
	if s.gate != nil {
		select {
		case <-s.gate:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if s.down.Load() {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(known)), Request: r}, nil
}

// keysOf fetches from a scripted issuer, until the test ends.
func keysOf(t *testing.T, s *scripted, options JWKSOptions) *JWKS {
	t.Helper()
	at, err := newSource("https://id.example/keys", "")
	if err != nil {
		t.Fatal(err)
	}
	at.client.Transport = s
	options.Log = slog.New(slog.DiscardHandler)
	keys, err := newJWKS(at, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keys.Close)
	return keys
}

func (s *scripted) wantAsked(t *testing.T, least, most int32) {
	t.Helper()
	if asked := s.asked.Load(); asked < least || asked > most {
		t.Errorf("asked %d times, not %d to %d, after %v", asked, least, most, time.Now().Format(time.TimeOnly))
	}
}

func lookup(t *testing.T, keys *JWKS, id string, found bool) {
	t.Helper()
	if _, err := keys.Key(t.Context(), id); (err == nil) != found {
		t.Errorf("the key %q: %v", id, err)
	}
}

func TestUnknownKidsAskOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issuer := &scripted{}
		keys := keysOf(t, issuer, JWKSOptions{})
		lookup(t, keys, "kid", true)
		issuer.wantAsked(t, 1, 1)
		for minute := range int32(5) {
			lookup(t, keys, "unknown", false)
			issuer.wantAsked(t, minute+2, minute+2)
			<-time.After(jwksUnknownEvery - time.Nanosecond)
			lookup(t, keys, "unknown", false)
			lookup(t, keys, "kid", true)
			issuer.wantAsked(t, minute+2, minute+2)
			<-time.After(time.Nanosecond)
		}
	})
}

func TestKeysAreFetchedEachInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issuer := &scripted{}
		keysOf(t, issuer, JWKSOptions{})
		<-time.After(100*DefaultJWKSInterval + time.Minute)
		issuer.wantAsked(t, 92, 112)
	})
}

// Where the issuer is down, it is asked ever more rarely, and its keys serve until
// they are too old.
func TestAnIssuerThatIsDownIsAskedRarely(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issuer := &scripted{}
		keys := keysOf(t, issuer, JWKSOptions{MaxAge: time.Hour})
		synctest.Wait()
		confirmed := time.Now()
		issuer.down.Store(true)
		lookup(t, keys, "unknown", false) // the first that fails
		issuer.wantAsked(t, 2, 2)
		<-time.After(75 * time.Second) // 1, 2, 4, 8, 16 and 32 seconds later
		issuer.wantAsked(t, 8, 8)
		<-time.After(10 * time.Minute)
		issuer.wantAsked(t, 8+9, 8+12)

		<-time.After(time.Until(confirmed.Add(time.Hour)))
		lookup(t, keys, "kid", true)
		<-time.After(time.Nanosecond)
		lookup(t, keys, "kid", false)
		if n := keys.Stats().Keys; n != 0 {
			t.Errorf("%d keys", n)
		}
		issuer.down.Store(false)
		<-time.After(jwksRetryMost * 11 / 10)
		lookup(t, keys, "kid", true)
	})
}

// So many tokens wait for a refresh, for so long; the others don't.
func TestFewTokensWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issuer := &scripted{gate: make(chan struct{})}
		keys := keysOf(t, issuer, JWKSOptions{})
		var refused atomic.Int32
		for i := range 100 {
			go func() {
				if _, err := keys.Key(t.Context(), fmt.Sprint("unknown ", i)); err != nil {
					refused.Add(1)
				}
			}()
		}
		synctest.Wait()
		if n := refused.Load(); n != 100-jwksMaxWaiting {
			t.Errorf("%d were refused at once", n)
		}
		<-time.After(jwksPatience)
		synctest.Wait()
		if n := refused.Load(); n != 100 {
			t.Errorf("%d were refused after %v", n, jwksPatience)
		}
		go lookup(t, keys, "kid", true)
		synctest.Wait()
		close(issuer.gate)
		synctest.Wait()
		lookup(t, keys, "kid", true)
		issuer.wantAsked(t, 1, 1)
	})
}

// told is an issuer that tells this of where its keys are, and can't be reached there.
type told string

func (uri told) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/openid-configuration") {
		return nil, errors.New("connection refused")
	}
	text := fmt.Sprintf(`{"issuer":"https://id.example","jwks_uri":%q}`, string(uri))
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

// An issuer elsewhere can't have this machine asked, nor write its words into the log.
func TestWhereAnIssuerSaysItsKeysAre(t *testing.T) {
	t.Parallel()
	for uri, because := range map[string]string{
		"http://127.0.0.1:9/keys":          "is on this machine",
		"http://localhost/keys":            "is on this machine",
		"https://keys.example/words-of-it": "connection refused",
	} {
		at, err := newSource("", "https://id.example")
		if err != nil {
			t.Fatal(err)
		}
		at.client.Transport = told(uri)
		_, _, err = at.keys(t.Context())
		if err == nil || !strings.Contains(err.Error(), because) || strings.Contains(err.Error(), "words-of-it") {
			t.Errorf("%s: %v", uri, err)
		}
	}
}
