package auth_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"redline/auth"
)

// changingKeys is a KeySet whose keys come and go.
type changingKeys struct {
	mu   sync.Mutex
	byID map[string]*auth.Key
}

func (k *changingKeys) Key(_ context.Context, id string) (*auth.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, ok := k.byID[id]
	if !ok {
		return nil, errors.New("the token names an unknown key")
	}
	return key, nil
}

func (k *changingKeys) set(id string, key *auth.Key) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID[id] = key; key == nil {
		delete(k.byID, id)
	}
}

// A token that was good is refused in the moment in which it ends, however
// often it was sent before.
func TestARememberedTokenEnds(t *testing.T) {
	t.Parallel()
	issuer := ed25519Party(t, 1)
	synctest.Test(t, func(t *testing.T) {
		verifier := verifierFor(t, issuer.key)
		end := time.Now().Add(time.Minute).Truncate(time.Second)
		raw := issuer.token(issuer.header().String(), goodClaims().With("exp", end.Unix()).String())
		first := accept(t, verifier, raw)
		<-time.After(time.Until(end.Add(auth.DefaultLeeway - time.Nanosecond)))
		if again := accept(t, verifier, raw); !reflect.DeepEqual(again, first) {
			t.Errorf("at first %+v\nand then %+v", first, again)
		}
		<-time.After(time.Nanosecond)
		refuse(t, verifier, raw, "expired")
		refuse(t, verifier, raw, "expired")
	})
}

// What is too early is refused until its time, and isn't held against it then.
func TestATokenBeforeItsTimeIsNotRemembered(t *testing.T) {
	t.Parallel()
	issuer := ed25519Party(t, 1)
	synctest.Test(t, func(t *testing.T) {
		verifier := verifierFor(t, issuer.key)
		start := time.Now().Add(30 * time.Second).Truncate(time.Second)
		raw := issuer.token(issuer.header().String(), goodClaims().With("nbf", start.Unix()).String())
		refuse(t, verifier, raw, "not valid yet")
		<-time.After(time.Until(start.Add(-auth.DefaultLeeway)))
		accept(t, verifier, raw)
		accept(t, verifier, raw)
	})
}

// A remembered token is good for as long as its key stands: not with the key
// withdrawn, nor with another in its place, and again once it is back.
func TestARememberedTokenNeedsItsKey(t *testing.T) {
	t.Parallel()
	issuer, other := ed25519Party(t, 1), ed25519Party(t, 2)
	keys := &changingKeys{byID: map[string]*auth.Key{issuer.key.ID(): issuer.key}}
	verifier, err := auth.NewVerifier(auth.VerifierOptions{Issuers: []auth.Issuer{ours(keys)}})
	if err != nil {
		t.Fatal(err)
	}
	id, raw := issuer.key.ID(), issuer.token(issuer.header().String(), goodClaims().String())
	accept(t, verifier, raw)

	keys.set(id, nil)
	refuse(t, verifier, raw, "finding the key")
	keys.set(id, other.key)
	refuse(t, verifier, raw, "the signature")
	keys.set(id, issuer.key)
	accept(t, verifier, raw)
	keys.set(id, ed25519Party(t, 1).key) // the same, read anew
	accept(t, verifier, raw)
}

// One letter more or less, and it is another token, however well the first is
// remembered.
func TestARememberedTokenVouchesForNoOther(t *testing.T) {
	t.Parallel()
	issuer := ed25519Party(t, 1)
	verifier := verifierFor(t, issuer.key)
	supplier := issuer.token(issuer.header().String(), goodClaims().String())
	operator := issuer.token(issuer.header().String(), goodClaims().With("role", "operator").Without("suppliers").String())
	accept(t, verifier, supplier)
	accept(t, verifier, operator)
	a, b := strings.Split(supplier, "."), strings.Split(operator, ".")
	refuse(t, verifier, a[0]+"."+b[1]+"."+a[2], "the signature")
	refuse(t, verifier, a[0]+"."+a[1]+"."+b[2], "the signature")
	if got := accept(t, verifier, supplier); got.Role != "SUPPLIER" {
		t.Errorf("taken for %+v", got)
	}
}

// Many goroutines send a few tokens while a key goes and comes: each answer is
// that of its own token, or a refusal.
func TestManyGoroutinesSendTheSameTokens(t *testing.T) {
	t.Parallel()
	issuer := ed25519Party(t, 1)
	keys := &changingKeys{byID: map[string]*auth.Key{issuer.key.ID(): issuer.key}}
	verifier, err := auth.NewVerifier(auth.VerifierOptions{Issuers: []auth.Issuer{ours(keys)}})
	if err != nil {
		t.Fatal(err)
	}
	subjects := []string{"ann", "bea", "cyd"}
	tokens := make([]string, len(subjects))
	for i, subject := range subjects {
		tokens[i] = issuer.token(issuer.header().String(), goodClaims().With("sub", subject).String())
	}
	var all sync.WaitGroup
	for g := range 16 {
		all.Go(func() {
			for i := range 200 {
				n := (g + i) % len(tokens)
				principal, err := verifier.Verify(t.Context(), tokens[n])
				switch {
				case err != nil && !strings.Contains(err.Error(), "finding the key"):
					t.Errorf("%s: %v", subjects[n], err)
				case err == nil && principal.Subject != subjects[n]:
					t.Errorf("%s was taken for %s", subjects[n], principal.Subject)
				}
			}
		})
	}
	for range 100 {
		keys.set(issuer.key.ID(), nil)
		keys.set(issuer.key.ID(), issuer.key)
	}
	all.Wait()
	for _, raw := range tokens {
		accept(t, verifier, raw)
	}
}

// BenchmarkVerifyTogether is many connections with a token each.
func BenchmarkVerifyTogether(b *testing.B) {
	issuer := ed25519Party(b, 1)
	verifier := verifierFor(b, issuer.key)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		raw := issuer.token(issuer.header().String(), eternal().String())
		for pb.Next() {
			if _, err := verifier.Verify(b.Context(), raw); err != nil {
				b.Error(err)
			}
		}
	})
}
