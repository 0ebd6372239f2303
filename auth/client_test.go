package auth_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"redline"
	"redline/auth"
)

// A client's token says what RFC 9068 asks for, and whose it is to a verifier that
// reads clients, and to no other.
func TestTokensOfClients(t *testing.T) {
	t.Parallel()
	key := signingKey(t)
	keys, err := auth.NewStaticKeys(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	issuer := ours(keys)
	issuer.Clients = true
	own, err := auth.NewVerifier(auth.VerifierOptions{Issuers: []auth.Issuer{issuer}})
	if err != nil {
		t.Fatal(err)
	}
	claims := auth.Claims{
		Subject: "cli_1", ClientID: "cli_1", Role: redline.RoleSupplier, Suppliers: []string{"acme"}, Scopes: []string{redline.ScopeOrdersRead}, TTL: time.Hour,
	}
	raw, err := key.Issue(claims)
	if err != nil {
		t.Fatal(err)
	}
	if p := accept(t, own, raw); p.ClientID != "cli_1" || p.Subject != "cli_1" {
		t.Errorf("the gateway's own verifier reads %+v", p)
	}
	if p := accept(t, own, raw); p.ClientID != "cli_1" {
		t.Errorf("once more it reads %+v", p)
	}
	if p := accept(t, verifierFor(t, key.Public()), raw); p.ClientID != "" {
		t.Errorf("another issuer's client is read as ours: %+v", p)
	}
	parts := strings.Split(raw, ".")
	header, payload := map[string]any{}, map[string]any{}
	for i, into := range []map[string]any{header, payload} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(text, &into) != nil {
			t.Fatal(err, string(text))
		}
	}
	if header["typ"] != "at+jwt" || header["kid"] != key.Public().ID() {
		t.Errorf("the header is %v", header)
	}
	for _, claim := range []string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope"} {
		if payload[claim] == nil {
			t.Errorf("without %s: %v", claim, payload)
		}
	}
	claims.ClientID = ""
	if raw, err = key.Issue(claims); err != nil {
		t.Fatal(err)
	}
	if p := accept(t, own, raw); p.ClientID != "" {
		t.Errorf("a token that is no client's is read as %+v", p)
	}
	claims.ClientID = "a\nb"
	if _, err := key.Issue(claims); err == nil {
		t.Error("a token was issued to a client with a line break")
	}
}

// A regression: the client_id of an outside issuer, which is nothing to the gateway,
// made a bad token of one where it is no string.
func TestClientIDsOfOthersAreNotRead(t *testing.T) {
	t.Parallel()
	party := ed25519Party(t, 1)
	raw := party.token(party.header().String(), goodClaims().With("client_id", 7).String())
	if p := accept(t, verifierFor(t, party.key), raw); p.ClientID != "" {
		t.Errorf("it is read as %q", p.ClientID)
	}
}

// What is published is what verifies.
func TestKeySetOf(t *testing.T) {
	t.Parallel()
	first, second := signingKey(t), signingKey(t)
	text, err := auth.KeySetOf(first, second)
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(text, &set); err != nil || len(set.Keys) != 2 {
		t.Fatalf("%s: %v", text, err)
	}
	for i, key := range []*auth.SigningKey{first, second} {
		raw, err := key.Issue(auth.Claims{Subject: "s", Role: redline.RoleAdmin, TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(raw, ".")
		x, err := base64.RawURLEncoding.DecodeString(set.Keys[i]["x"])
		if err != nil || len(x) != ed25519.PublicKeySize {
			t.Fatalf("%s: %v", text, err)
		}
		signature, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil || !ed25519.Verify(x, []byte(parts[0]+"."+parts[1]), signature) {
			t.Errorf("what is published of key %d doesn't verify its tokens", i)
		}
		for name, want := range map[string]string{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key.Public().ID()} {
			if set.Keys[i][name] != want {
				t.Errorf("%s of key %d is %q", name, i, set.Keys[i][name])
			}
		}
		if len(set.Keys[i]) != 6 {
			t.Errorf("more is published than is public: %v", set.Keys[i])
		}
	}
}

// A key that is there is never replaced.
func TestCreateSigningKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := auth.CreateSigningKey(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the key has the mode %v, %v", info.Mode(), err)
	}
	before, err := auth.ReadSigningKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := auth.CreateSigningKey(path); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("over a key: %v", err)
	}
	if after, err := auth.ReadSigningKey(path); err != nil || after.Public().ID() != before.Public().ID() {
		t.Errorf("the key is another: %v", err)
	}
	if err := auth.CreateSigningKey(filepath.Join(t.TempDir(), "none", "key.pem")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in no directory: %v", err)
	}
	if _, err := auth.ReadSigningKey(path + ".none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no key: %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}
