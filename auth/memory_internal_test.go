package auth

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"redline"
)

func verifierAndKey(tb testing.TB) (*Verifier, *SigningKey) {
	tb.Helper()
	key, err := LoadOrCreateKey(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	keys, err := NewStaticKeys(key.Public())
	if err != nil {
		tb.Fatal(err)
	}
	verifier, err := NewVerifier(VerifierOptions{Issuers: []Issuer{{Name: DefaultIssuer, Audiences: []string{DefaultAudience}, Keys: keys}}})
	if err != nil {
		tb.Fatal(err)
	}
	return verifier, key
}

func issued(tb testing.TB, key *SigningKey, claims Claims) string {
	tb.Helper()
	claims.Issuer, claims.Audience, claims.Role, claims.TTL = DefaultIssuer, DefaultAudience, redline.RoleSupplier, time.Hour
	if claims.Subject == "" {
		claims.Subject = "ann"
	}
	if len(claims.Suppliers) == 0 {
		claims.Suppliers = []string{"sauce"}
	}
	raw, err := key.Issue(claims)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func (m *memory) size() int { return len(m.young) + len(m.old) }

func number(i int) tokenID { return sha256.Sum256(fmt.Append(nil, i)) }

// Whoever has no good token can't make the memory grow.
func TestGarbageIsNotRemembered(t *testing.T) {
	t.Parallel()
	verifier, key := verifierAndKey(t)
	_, stranger := verifierAndKey(t)
	good := issued(t, key, Claims{})
	for i := range 500 {
		for _, raw := range []string{
			fmt.Sprint(i), strings.Repeat(".", i), good + fmt.Sprint(i), fmt.Sprint(i) + good,
			issued(t, stranger, Claims{Subject: fmt.Sprint(i)}),
		} {
			if _, err := verifier.Verify(t.Context(), raw); err == nil {
				t.Fatalf("%q was accepted", raw)
			}
		}
	}
	if n := verifier.known.size(); n != 0 {
		t.Errorf("%d bad tokens are remembered", n)
	}
}

// A token as long as is allowed is good each time, and only a short one kept.
func TestLongTokensAreNotRemembered(t *testing.T) {
	t.Parallel()
	verifier, key := verifierAndKey(t)
	var codes []string
	for i := range 200 {
		codes = append(codes, fmt.Sprintf("supplier-%03d", i))
	}
	for _, test := range []struct {
		raw  string
		kept int
	}{{issued(t, key, Claims{Suppliers: codes}), 0}, {issued(t, key, Claims{}), 1}} {
		for range 3 {
			if _, err := verifier.Verify(t.Context(), test.raw); err != nil {
				t.Fatal(err)
			}
		}
		if n := verifier.known.size(); n != test.kept {
			t.Errorf("a token of %d bytes: %d are remembered", len(test.raw), n)
		}
	}
}

// However many there are, the memory holds so many, those sent last among them.
func TestMemoryIsBoundedInNumber(t *testing.T) {
	t.Parallel()
	m := newMemory()
	favourite := number(-1)
	m.keep(favourite, &proven{keyID: "favourite"})
	for i := range 3 * maxRemembered {
		m.keep(number(i), &proven{})
		if m.size() > maxRemembered {
			t.Fatalf("%d are remembered after %d", m.size(), i+1)
		}
		if token := m.recall(favourite); token == nil || token.keyID != "favourite" {
			t.Fatalf("one that is sent all the time is forgotten after %d others", i+1)
		}
	}
	if m.recall(number(0)) != nil {
		t.Error("the first is remembered still")
	}
}

// What nobody sends any more is forgotten in time.
func TestMemoryIsBoundedInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.keep(number(1), &proven{})
		m.keep(number(2), &proven{})
		for range 6 {
			<-time.After(rememberedFor / 5)
			if m.recall(number(2)) == nil {
				t.Fatal("one that is sent now and then is forgotten")
			}
		}
		if m.recall(number(1)) != nil {
			t.Error("one that nobody sends is remembered still")
		}
	})
}

// BenchmarkProve is the first time that a token is seen.
func BenchmarkProve(b *testing.B) {
	verifier, key := verifierAndKey(b)
	raw := issued(b, key, Claims{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verifier.prove(b.Context(), raw); err != nil {
			b.Fatal(err)
		}
	}
}
