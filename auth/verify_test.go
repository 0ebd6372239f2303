package auth_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"redline"
	"redline/auth"
)

func TestVerifyAcceptsEachKindOfKey(t *testing.T) {
	t.Parallel()
	parties := map[string]party{
		"Ed25519": ed25519Party(t, 1), "RSA": rsaParty(t), "P-256": ecdsaParty(t),
		"secret": secretParty(t, "shared"), "secret without an id": secretParty(t, ""),
	}
	for name, issuer := range parties {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims := goodClaims()
			got := accept(t, verifierFor(t, issuer.key), issuer.token(issuer.header().String(), claims.String()))
			want := redline.Principal{
				Issuer: auth.DefaultIssuer, Subject: canary + "-subject", Role: redline.RoleSupplier,
				Scopes: redline.DefaultScopes(redline.RoleSupplier), Suppliers: []string{canary + "-code"},
				ExpiresAt: time.Unix(claims["exp"].(int64), 0).UTC(),
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestVerifyPicksTheKeyByID(t *testing.T) {
	t.Parallel()
	parties := []party{ed25519Party(t, 1), ed25519Party(t, 2), rsaParty(t), ecdsaParty(t), secretParty(t, "shared")}
	renamed := parties[1]
	renamed.key = renamed.key.WithID("2024")
	parties[1] = renamed

	keys := make([]*auth.Key, len(parties))
	for i, issuer := range parties {
		keys[i] = issuer.key
	}
	verifier := verifierFor(t, keys...)
	claims := goodClaims().String()
	for _, issuer := range parties {
		accept(t, verifier, issuer.token(issuer.header().String(), claims))
		refuse(t, verifier, issuer.token(issuer.header().Without("kid").String(), claims), "names no key")
		refuse(t, verifier, issuer.token(issuer.header().With("kid", canary).String(), claims), "unknown key")
		for _, other := range parties {
			if other.key == issuer.key {
				continue
			}
			// Signed by one under the name of another.
			because := "not signed with " + other.alg
			if other.alg == issuer.alg {
				because = "the signature"
			}
			refuse(t, verifier, issuer.token(issuer.header().With("kid", other.key.ID()).String(), claims), because)
		}
	}
}

func TestVerifyBindsTheAlgorithmToTheKey(t *testing.T) {
	t.Parallel()
	claims := goodClaims().String()
	private, err := rsaPrivate()
	if err != nil {
		t.Fatal(err)
	}
	public := publicPEM(t, private.Public())
	// The public key of an RSA issuer as the secret of an HMAC.
	confused := rsaParty(t)
	confused.alg = "HS256"
	confused.sign = func(text string) []byte { return hs256(text, public) }
	refuse(t, verifierFor(t, confused.key), confused.token(confused.header().String(), claims), "not signed with RS256")

	for _, issuer := range []party{ed25519Party(t, 1), rsaParty(t), ecdsaParty(t), secretParty(t, "shared")} {
		verifier := verifierFor(t, issuer.key)
		for _, alg := range []string{
			"none", "None", "NONE", "HS256", "HS384", "HS512", "RS256", "RS512", "PS256", "ES256", "ES384",
			"EdDSA", "eddsa", "Ed25519", " EdDSA", canary,
		} {
			header := issuer.header().With("alg", alg).String()
			unsigned := b64(header) + "." + b64(claims) + "."
			if alg == issuer.alg {
				accept(t, verifier, issuer.token(header, claims))
				refuse(t, verifier, unsigned, "the signature")
				continue
			}
			refuse(t, verifier, unsigned, "not signed with "+issuer.alg)
			refuse(t, verifier, issuer.token(header, claims), "not signed with "+issuer.alg)
		}
	}
}

func TestVerifyHeaders(t *testing.T) {
	t.Parallel()
	issuer := ed25519Party(t, 1)
	verifier := verifierFor(t, issuer.key)
	good := issuer.header()
	claims := goodClaims().String()

	for _, header := range []object{
		good, good.Without("kid"), good.Without("typ"), good.With("typ", "jwt"), good.With("typ", "at+jwt"),
		good.With("typ", "AT+JWT"), good.With("x5t", "a thumbprint fetches nothing"),
	} {
		accept(t, verifier, issuer.token(header.String(), claims))
	}

	plain := good.String()
	also := func(members string) string { return strings.TrimSuffix(plain, "}") + "," + members + "}" }
	for _, bad := range []struct{ header, because string }{
		{good.Without("alg").String(), "alg"},
		{good.With("alg", nil).String(), "alg"},
		{good.With("alg", 5).String(), "alg"},
		{good.With("alg", []string{"EdDSA"}).String(), "alg"},
		{good.With("typ", "").String(), "typ"},
		{good.With("typ", nil).String(), "typ"},
		{good.With("typ", 1).String(), "typ"},
		{good.With("typ", "dpop+jwt").String(), "typ"},
		{good.With("typ", "logout+jwt").String(), "typ"},
		{good.With("typ", "JWT ").String(), "typ"},
		{good.With("typ", canary).String(), "typ"},
		{good.With("crit", []string{"exp"}).String(), "crit"},
		{good.With("crit", []string{}).String(), "crit"},
		{good.With("crit", nil).String(), "crit"},
		{good.With("crit", []string{"b64"}).With("b64", false).String(), "crit"},
		{good.With("jku", "https://canary.example/keys").String(), "jku"},
		{good.With("x5u", "https://canary.example/chain").String(), "x5u"},
		{good.With("x5c", []string{canary}).String(), "x5c"},
		{good.With("jwk", object{"kty": "OKP", "crv": "Ed25519", "x": canary}).String(), "jwk"},
		{good.With("kid", "").String(), "kid"},
		{good.With("kid", nil).String(), "kid"},
		{good.With("kid", 1).String(), "kid"},
		{good.With("kid", canary).String(), "unknown key"},
		{good.With("kid", canary+"\x00").String(), "kid"},
		{good.With("kid", strings.Repeat(canary, 100)).String(), "kid"},
		{also(`"alg":"EdDSA"`), "twice"},
		{also(`"\u0061lg":"none"`), "twice"},
		{also(`"kid":"` + canary + `"`), "twice"},
		{also(`"other":{"canary":1,"canary":2}`), "twice"},
		{also(`"other":[[{"canary":{"a":1,"a":1}}]]`), "twice"},
		{plain + plain, "not JSON"},
		{plain + "x", "not JSON"},
		{"\ufeff" + plain, "not JSON"},
		{strings.TrimSuffix(plain, "}"), "not JSON"},
		{also("\"other\":\"\xff\""), "not UTF-8"},
		{"", "not JSON"},
		{canary, "not JSON"},
		{"null", "not a JSON object"},
		{"[]", "not a JSON object"},
		{`"canary"`, "not a JSON object"},
	} {
		t.Run(bad.header, func(t *testing.T) {
			t.Parallel()
			refuse(t, verifier, issuer.token(bad.header, claims), bad.because)
		})
	}
}

func TestVerifyShape(t *testing.T) {
	t.Parallel()
	issuer := ed25519Party(t, 1)
	verifier := verifierFor(t, issuer.key)
	header, claims := issuer.header().String(), goodClaims().String()
	good := issuer.token(header, claims)
	accept(t, verifier, good)

	parts := strings.Split(good, ".")
	for name, bad := range map[string]string{
		"empty": "", "one dot": ".", "one part": parts[0], "two parts": parts[0] + "." + parts[1],
		"four parts": good + ".", "five parts": good + "." + parts[0] + "." + parts[1],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuse(t, verifier, bad, "not three parts")
		})
	}
	refuse(t, verifier, "..", "the header")
	refuse(t, verifier, parts[0]+".."+parts[2], "the claims")
	refuse(t, verifier, parts[0]+"."+parts[1]+".", "the signature")
	refuse(t, verifier, issuer.tokenOf(parts[0], ""), "the claims")
	refuse(t, verifier, issuer.tokenOf("", parts[1]), "the header")

	t.Run("longest", func(t *testing.T) {
		t.Parallel()
		padded := func(n int) string { return issuer.token(header, claims+strings.Repeat(" ", n)) }
		n := 0
		for len(padded(n)) < auth.MaxTokenBytes-1 {
			n++
		}
		accept(t, verifier, padded(n))
		refuse(t, verifier, padded(n+3), "longer than")
	})
}

// TestVerifySloppyBase64 signs what is sloppily written, so that nothing but
// the spelling is wrong.
func TestVerifySloppyBase64(t *testing.T) {
	t.Parallel()
	issuer := ed25519Party(t, 1)
	verifier := verifierFor(t, issuer.key)
	// White space brings the segments to a length that leaves bits unused.
	unaligned := func(text string) string {
		for len(text)%3 != 1 {
			text += " "
		}
		return b64(text)
	}
	header, claims := unaligned(issuer.header().String()), unaligned(goodClaims().With("x", "\u00ff?\u00fe>~~~").String())
	accept(t, verifier, issuer.tokenOf(header, claims))

	sloppy := map[string]func(segment string) string{
		"padding":             func(s string) string { return s + "==" },
		"one sign of padding": func(s string) string { return s + "=" },
		"newline at the end":  func(s string) string { return s + "\n" },
		"newline inside":      func(s string) string { return s[:8] + "\n" + s[8:] },
		"carriage return":     func(s string) string { return s[:8] + "\r" + s[8:] },
		"space in front":      func(s string) string { return " " + s },
		"space at the end":    func(s string) string { return s + " " },
		"unused bits set":     setUnusedBit,
		"one character":       func(s string) string { return s + "AAA" },
	}
	for name, write := range sloppy {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuse(t, verifier, issuer.tokenOf(write(header), claims), "the header: ")
			refuse(t, verifier, issuer.tokenOf(header, write(claims)), "the claims: ")
			signed := header + "." + claims
			refuse(t, verifier, signed+"."+write(b64(string(issuer.sign(signed)))), "the signature: ")
		})
	}

	t.Run("the other alphabet", func(t *testing.T) {
		t.Parallel()
		for _, member := range []string{"~~~", "???"} { // one gives "-", the other "_"
			tried := false
			for range 3 {
				member = " " + member
				segment := b64(goodClaims().With("x", member).String())
				accept(t, verifier, issuer.tokenOf(header, segment))
				if standard := strings.NewReplacer("-", "+", "_", "/").Replace(segment); standard != segment {
					refuse(t, verifier, issuer.tokenOf(header, standard), "the claims: not base64url")
					tried = true
				}
			}
			if !tried {
				t.Errorf("no spelling of %q differs between the alphabets", member)
			}
		}
	})
}

// setUnusedBit gives the last character of a segment another spelling, which a
// lax decoder reads the same.
func setUnusedBit(segment string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, segment[len(segment)-1])
	return segment[:len(segment)-1] + alphabet[last|1:][:1]
}

func TestVerifyClaims(t *testing.T) {
	t.Parallel()
	issuer := ed25519Party(t, 1)
	verifier := verifierFor(t, issuer.key)
	header, good := issuer.header().String(), goodClaims()

	for _, claims := range []object{
		good,
		good.Without("iat"),
		good.With("aud", []string{"other", auth.DefaultAudience}),
		good.With("exp", float64(time.Now().Unix()+60)+0.5),
		good.With("nbf", time.Now().Unix()),
		good.With("SUB", "another").With("Role", "admin").With("Exp", 1),
		good.With("nested", object{"deep": []any{nil, true, 1.5, object{}}}),
		good.With("customer", "ignored for this role"),
		good.With("sub", strings.Repeat("ü", 200)),
	} {
		accept(t, verifier, issuer.token(header, claims.String()))
	}

	plain := good.String()
	also := func(members string) string { return strings.TrimSuffix(plain, "}") + "," + members + "}" }
	customer := good.With("role", "customer").Without("suppliers").With("customer", canary)
	accept(t, verifier, issuer.token(header, customer.String()))

	type forgery struct{ claims, because string }
	forgeries := []forgery{
		{good.With("iss", "other").String(), "issuer"},
		{good.With("iss", "Redline").String(), "issuer"},
		{good.With("aud", "other").String(), "audience"},
		{good.With("aud", []string{"other", "Redline"}).String(), "audience"},
		{good.With("aud", []string{}).String(), "aud"},
		{good.With("aud", []any{auth.DefaultAudience, 1}).String(), "aud"},
		{good.With("aud", []any{auth.DefaultAudience, ""}).String(), "aud"},
		{good.With("exp", 0).String(), "expired"},
		{good.With("exp", "9999999999").String(), "exp"},
		{also(`"nbf":1e999`), "nbf"},
		{also(`"nbf":-1`), "nbf"},
		{also(`"nbf":1e30`), "nbf"},
		{good.With("role", "Supplier").String(), "role"},
		{good.With("role", "SUPPLIER").String(), "role"},
		{good.With("role", " supplier").String(), "role"},
		{good.With("role", "root").String(), "role"},
		{good.With("suppliers", canary).String(), "suppliers"},
		{good.With("suppliers", []string{}).String(), "suppliers"},
		{good.With("suppliers", []any{canary, nil}).String(), "suppliers"},
		{good.With("suppliers", []any{[]string{canary}}).String(), "suppliers"},
		{good.With("suppliers", []string{canary, canary}).String(), "twice"},
		{good.Without("suppliers").String(), "suppliers"},
		{customer.Without("customer").String(), "customer"},
		{customer.With("suppliers", "also checked where unused").String(), "suppliers"},
		{good.With("customer", 5).String(), "customer"},
		{good.With("scope", []string{redline.ScopeOrdersRead}).String(), "scope"},
		{good.With("scope", "").String(), "scope"},
		{good.With("scope", " ").String(), "scope"},
		{good.With("scope", " orders:read").String(), "scope"},
		{good.With("scope", "orders:read ").String(), "scope"},
		{good.With("scope", "orders:read  inventory:read").String(), "scope"},
		{good.With("scope", "orders:read\tinventory:read").String(), "scope"},
		{good.With("scope", `orders:read "inventory:read"`).String(), "scope"},
		{good.With("scope", "orders:réad").String(), "scope"},
		{also(`"sub":"canary-subject"`), "twice"},
		{also(`"s\u0075b":"canary-subject"`), "twice"},
		{also(`"exp":99999999999`), "twice"},
		{also(`"nested":{"a":{"canary":1,"canary":1}}`), "twice"},
		{also(`"nested":[{"canary":1,"canary":1}]`), "twice"},
		{plain + "{}", "not JSON"},
		{strings.TrimSuffix(plain, "}"), "not JSON"},
		{also("\"x\":\"\xff\""), "not UTF-8"},
		{"null", "not a JSON object"},
		{"[" + plain + "]", "not a JSON object"},
	}
	for _, name := range []string{"iss", "sub", "aud", "exp", "role"} {
		forgeries = append(forgeries, forgery{good.Without(name).String(), name})
	}
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "role", "scope", "suppliers", "customer"} {
		for _, value := range []any{nil, true, object{"canary": canary}} {
			forgeries = append(forgeries, forgery{good.With(name, value).String(), name})
		}
	}
	for _, name := range []string{"iss", "sub", "aud", "role", "customer"} {
		for _, text := range []string{"", canary + "\x00", canary + "\n", strings.Repeat("ü", 201)} {
			forgeries = append(forgeries, forgery{good.With(name, text).String(), name})
		}
		// Half a surrogate pair, of which JSON makes U+FFFD.
		forgeries = append(forgeries, forgery{strings.TrimSuffix(good.Without(name).String(), "}") + `,"` + name + `":"\ud800"}`, name})
	}
	for _, code := range []string{"", canary + "\x00", strings.Repeat("x", 201), "\ufffd"} {
		forgeries = append(forgeries, forgery{good.With("suppliers", []string{"fine", code}).String(), "suppliers"})
	}
	for _, bad := range forgeries {
		t.Run(bad.claims, func(t *testing.T) {
			t.Parallel()
			refuse(t, verifier, issuer.token(header, bad.claims), bad.because)
		})
	}
}

func TestVerifyRoles(t *testing.T) {
	t.Parallel()
	issuer := ed25519Party(t, 1)
	verifier := verifierFor(t, issuer.key)
	for _, role := range redline.Roles {
		claims := goodClaims().With("role", strings.ToLower(string(role))).With("customer", "ALFKI")
		got := accept(t, verifier, issuer.token(issuer.header().String(), claims.String()))
		if got.Role != role || !slices.Equal(got.Scopes, redline.DefaultScopes(role)) {
			t.Errorf("%s: role %s with %v", role, got.Role, got.Scopes)
		}
		if has := len(got.Suppliers) > 0; has != (role == redline.RoleSupplier) {
			t.Errorf("%s: suppliers %v", role, got.Suppliers)
		}
		if has := got.Customer != ""; has != (role == redline.RoleCustomer) {
			t.Errorf("%s: customer %q", role, got.Customer)
		}
	}
}

func TestScopeOnlyNarrows(t *testing.T) {
	t.Parallel()
	issuer := ed25519Party(t, 1)
	verifier := verifierFor(t, issuer.key)
	for scope, want := range map[string][]string{
		"inventory:read":                             {redline.ScopeInventoryRead},
		"orders:read inventory:read":                 {redline.ScopeInventoryRead, redline.ScopeOrdersRead},
		"orders:read orders:read":                    {redline.ScopeOrdersRead},
		"orders:read orders:manage openid":           {redline.ScopeOrdersRead},
		"orders:manage":                              nil,
		"ORDERS:READ orders orders:* * orders:read:": nil,
	} {
		claims := goodClaims().With("scope", scope)
		got := accept(t, verifier, issuer.token(issuer.header().String(), claims.String()))
		if !slices.Equal(got.Scopes, want) {
			t.Errorf("%q gives %v, want %v", scope, got.Scopes, want)
		}
	}
}

// TestTimes runs on a clock that stands still.
func TestTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issuer := ed25519Party(t, 1)
		keys, err := auth.NewStaticKeys(issuer.key)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now().Unix()
		for option, leeway := range map[time.Duration]int64{
			0: int64(auth.DefaultLeeway.Seconds()), time.Second: 1, auth.MaxLeeway: int64(auth.MaxLeeway.Seconds()),
		} {
			verifier, err := auth.NewVerifier(auth.VerifierOptions{Issuers: []auth.Issuer{ours(keys)}, Leeway: option})
			if err != nil {
				t.Fatal(err)
			}
			token := func(name string, at int64) string {
				return issuer.token(issuer.header().String(), goodClaims().With(name, at).String())
			}
			accept(t, verifier, token("exp", now-leeway+1))
			refuse(t, verifier, token("exp", now-leeway), "expired")
			accept(t, verifier, token("nbf", now+leeway))
			refuse(t, verifier, token("nbf", now+leeway+1), "not valid yet")
			accept(t, verifier, token("iat", now+leeway))
			refuse(t, verifier, token("iat", now+leeway+1), "used before issued")
		}
	})
}

func TestVerifierOptions(t *testing.T) {
	t.Parallel()
	issuer := ed25519Party(t, 1)
	keys, err := auth.NewStaticKeys(issuer.key)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*auth.Issuer)) auth.VerifierOptions {
		one := ours(keys)
		change(&one)
		return auth.VerifierOptions{Issuers: []auth.Issuer{one}}
	}
	good := []auth.Issuer{ours(keys)}
	for because, options := range map[string]auth.VerifierOptions{
		"no issuer":                      {},
		"leeway of 31":                   {Issuers: good, Leeway: auth.MaxLeeway + time.Second},
		"leeway of -1":                   {Issuers: good, Leeway: -time.Second},
		"two issuers of the name":        {Issuers: append(good, good...)},
		"no key":                         with(func(i *auth.Issuer) { i.Keys = nil }),
		"the issuer is empty":            with(func(i *auth.Issuer) { i.Name = "" }),
		"white space":                    with(func(i *auth.Issuer) { i.Name = "redline system" }),
		"control character":              with(func(i *auth.Issuer) { i.Name = "a\x00" }),
		"no audience":                    with(func(i *auth.Issuer) { i.Audiences = nil }),
		"the audience has more than 200": with(func(i *auth.Issuer) { i.Audiences = []string{strings.Repeat("a", 201)} }),
		`unknown role "root"`:            with(func(i *auth.Issuer) { i.Roles = []redline.Role{"root"} }),
		"no role":                        with(func(i *auth.Issuer) { i.Roles = []redline.Role{} }),
		`unknown scope "all"`:            with(func(i *auth.Issuer) { i.Scopes = []string{"all"} }),
		"no scope":                       with(func(i *auth.Issuer) { i.Scopes = []string{} }),
		"no supplier":                    with(func(i *auth.Issuer) { i.Suppliers = []string{} }),
		"code stands twice":              with(func(i *auth.Issuer) { i.Suppliers = []string{"a", "a"} }),
		"where the claim role is":        with(func(i *auth.Issuer) { i.Claims.Role = "/a~2b" }),
		"where the claim customer is":    with(func(i *auth.Issuer) { i.Claims.Customer = "/a~" }),
	} {
		if _, err := auth.NewVerifier(options); err == nil || !strings.Contains(err.Error(), because) {
			t.Errorf("%s: %v", because, err)
		} else if errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("%s: a wrong configuration is not a wrong token", because)
		}
	}
}
