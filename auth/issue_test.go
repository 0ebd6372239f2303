package auth_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"redline"
	"redline/auth"
)

func signingKey(tb testing.TB) *auth.SigningKey {
	tb.Helper()
	key, err := auth.LoadOrCreateKey(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// name draws what may stand for a subject, a customer or a code.
func name(most int) *rapid.Generator[string] {
	allowed := rapid.Rune().Filter(func(r rune) bool { return !unicode.IsControl(r) && r != utf8.RuneError })
	return rapid.StringOfN(allowed, 1, most, -1)
}

var anyClaims = rapid.Custom(func(t *rapid.T) auth.Claims {
	claims := auth.Claims{
		Subject: name(200).Draw(t, "subject"),
		Role:    rapid.SampledFrom(redline.Roles).Draw(t, "role"),
		TTL:     time.Duration(rapid.Int64Range(int64(auth.MinTTL), int64(auth.MaxTTL)).Draw(t, "ttl")),
	}
	if rapid.Bool().Draw(t, "narrowed") {
		scopes := rapid.Permutation(redline.DefaultScopes(claims.Role)).Draw(t, "scopes")
		claims.Scopes = scopes[:rapid.IntRange(1, len(scopes)).Draw(t, "how many")]
	}
	switch claims.Role {
	case redline.RoleSupplier:
		claims.Suppliers = rapid.SliceOfNDistinct(name(40), 1, 8, rapid.ID[string]).Draw(t, "suppliers")
	case redline.RoleCustomer:
		claims.Customer = name(200).Draw(t, "customer")
	}
	return claims
})

func TestIssuedTokensVerifyToTheSamePrincipal(t *testing.T) {
	t.Parallel()
	key := signingKey(t)
	verifier := verifierFor(t, key.Public())
	rapid.Check(t, func(r *rapid.T) {
		claims := anyClaims.Draw(r, "claims")
		before := time.Now()
		raw, err := key.Issue(claims)
		after := time.Now()
		if err != nil {
			r.Fatalf("valid claims were refused: %v", err)
		}
		got, err := verifier.Verify(t.Context(), raw)
		if err != nil {
			r.Fatalf("an issued token was refused: %v", err)
		}
		want := redline.Principal{
			Issuer: auth.DefaultIssuer, Subject: claims.Subject, Role: claims.Role,
			Scopes:    redline.DefaultScopes(claims.Role),
			Suppliers: claims.Suppliers, Customer: claims.Customer,
			ExpiresAt: got.ExpiresAt,
		}
		if claims.Scopes != nil {
			want.Scopes = slices.DeleteFunc(want.Scopes, func(s string) bool { return !slices.Contains(claims.Scopes, s) })
		}
		if !reflect.DeepEqual(got, want) {
			r.Fatalf("got  %+v\nwant %+v", got, want)
		}
		earliest, latest := before.Add(claims.TTL).Truncate(time.Second), after.Add(claims.TTL)
		if got.ExpiresAt.Before(earliest) || got.ExpiresAt.After(latest) {
			r.Fatalf("ends at %v, not between %v and %v", got.ExpiresAt, earliest, latest)
		}
	})
}

func TestIssuedTokenSaysOnlyWhatItMust(t *testing.T) {
	t.Parallel()
	key := signingKey(t)
	claims := auth.Claims{
		Issuer: "https://id.example", Audience: "shop", Subject: "shop-backend",
		Role: redline.RoleStorefront, TTL: time.Hour,
	}
	read := func() (header, payload map[string]any) {
		raw, err := key.Issue(claims)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(raw, ".")
		for i, into := range []*map[string]any{&header, &payload} {
			if err := json.Unmarshal(decode64(t, parts[i]), into); err != nil {
				t.Fatal(err)
			}
		}
		return header, payload
	}
	header, payload := read()
	if want := map[string]any{"alg": "EdDSA", "typ": "JWT", "kid": key.Public().ID()}; !reflect.DeepEqual(header, want) {
		t.Errorf("header %v, want %v", header, want)
	}
	if life := payload["exp"].(float64) - payload["iat"].(float64); life != claims.TTL.Seconds() {
		t.Errorf("lives for %v seconds", life)
	}
	_, second := read()
	if payload["jti"] == "" || payload["jti"] == second["jti"] {
		t.Errorf("two tokens with the ids %v and %v", payload["jti"], second["jti"])
	}
	for _, varying := range []string{"iat", "exp", "jti"} {
		delete(payload, varying)
	}
	want := map[string]any{
		"iss": claims.Issuer, "aud": claims.Audience, "sub": claims.Subject, "role": "storefront",
	}
	if !reflect.DeepEqual(payload, want) {
		t.Errorf("claims %v, want %v", payload, want)
	}
}

func TestIssueRefuses(t *testing.T) {
	t.Parallel()
	key := signingKey(t)
	for name, bad := range map[string]struct {
		change  func(*auth.Claims)
		because string
	}{
		"no subject":      {func(c *auth.Claims) { c.Subject = "" }, "the subject is empty"},
		"NUL":             {func(c *auth.Claims) { c.Subject = "a\x00" }, "the subject has a control character"},
		"not UTF-8":       {func(c *auth.Claims) { c.Subject = "\xff" }, "the subject is not valid text"},
		"long subject":    {func(c *auth.Claims) { c.Subject = strings.Repeat("ü", 201) }, "the subject has more than 200"},
		"bad issuer":      {func(c *auth.Claims) { c.Issuer = "\n" }, "the issuer has a control character"},
		"bad audience":    {func(c *auth.Claims) { c.Audience = "\n" }, "the audience has a control character"},
		"no role":         {func(c *auth.Claims) { c.Role = "" }, `unknown role ""`},
		"unknown role":    {func(c *auth.Claims) { c.Role = "ROOT" }, `unknown role "ROOT"`},
		"lower-case role": {func(c *auth.Claims) { c.Role = "supplier" }, `unknown role "supplier"`},
		"no ttl":          {func(c *auth.Claims) { c.TTL = 0 }, "a life of 0s"},
		"negative ttl":    {func(c *auth.Claims) { c.TTL = -time.Hour }, "a life of -1h"},
		"short ttl":       {func(c *auth.Claims) { c.TTL = auth.MinTTL - 1 }, "a life of 999"},
		"long ttl":        {func(c *auth.Claims) { c.TTL = auth.MaxTTL + 1 }, "a life of 8784h"},
		"unknown scope":   {func(c *auth.Claims) { c.Scopes = []string{"stock:eat"} }, `unknown scope "stock:eat"`},
		"two in one":      {func(c *auth.Claims) { c.Scopes = []string{"orders:read inventory:read"} }, "unknown scope"},
		"foreign scope": {
			func(c *auth.Claims) { c.Scopes = []string{redline.ScopeOrdersRead, redline.ScopeOrdersManage} },
			`SUPPLIER does not have the scope "orders:manage"`,
		},
		"empty scope":    {func(c *auth.Claims) { c.Scopes = []string{} }, "an empty scope"},
		"no supplier":    {func(c *auth.Claims) { c.Suppliers = nil }, "at least one supplier code"},
		"empty code":     {func(c *auth.Claims) { c.Suppliers = []string{""} }, "a supplier code is empty"},
		"a code twice":   {func(c *auth.Claims) { c.Suppliers = []string{"a", "a"} }, "twice"},
		"its customer":   {func(c *auth.Claims) { c.Customer = "ALFKI" }, "a customer id is for the role CUSTOMER only"},
		"other's codes":  {func(c *auth.Claims) { c.Role = redline.RoleAdmin }, "supplier codes are for the role SUPPLIER only"},
		"no customer":    {func(c *auth.Claims) { c.Role, c.Suppliers = redline.RoleCustomer, nil }, "needs the customer's id"},
		"a bad customer": {func(c *auth.Claims) { c.Role, c.Suppliers, c.Customer = redline.RoleCustomer, nil, "\x00" }, "the customer id has"},
		"too long": {func(c *auth.Claims) {
			c.Suppliers = nil
			for i := range auth.MaxTokenBytes / 200 {
				c.Suppliers = append(c.Suppliers, strings.Repeat("x", 150)+string(rune('A'+i)))
			}
		}, "bytes long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims := auth.Claims{
				Subject: "feed", Role: redline.RoleSupplier, Suppliers: []string{"exotic-liquids"}, TTL: time.Hour,
			}
			if _, err := key.Issue(claims); err != nil {
				t.Fatalf("the good claims were refused: %v", err)
			}
			bad.change(&claims)
			raw, err := key.Issue(claims)
			if err == nil || !strings.Contains(err.Error(), bad.because) {
				t.Errorf("error %v, want one of %q", err, bad.because)
			}
			if raw != "" {
				t.Error("refused, but with a token")
			}
		})
	}
}
