package auth_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"redline"
	"redline/auth"
)

func verifierOf(t *testing.T, issuers ...auth.Issuer) *auth.Verifier {
	t.Helper()
	verifier, err := auth.NewVerifier(auth.VerifierOptions{Issuers: issuers})
	if err != nil {
		t.Fatal(err)
	}
	return verifier
}

func keysOf(t *testing.T, parties ...party) *auth.StaticKeys {
	t.Helper()
	keys := make([]*auth.Key, len(parties))
	for i, p := range parties {
		keys[i] = p.key
	}
	set, err := auth.NewStaticKeys(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Each issuer has its own names, keys and audiences, and none can speak for another.
func TestIssuersStandApart(t *testing.T) {
	t.Parallel()
	a, b, secret := ed25519Party(t, 1), ed25519Party(t, 2), secretParty(t, "")
	verifier := verifierOf(t,
		auth.Issuer{Name: "https://a.example", Audiences: []string{"one", "two"}, Keys: keysOf(t, a)},
		auth.Issuer{Name: "https://b.example", Audiences: []string{"three"}, Keys: keysOf(t, b)},
		auth.Issuer{Name: "https://c.example", Audiences: []string{"one"}, Keys: keysOf(t, secret)},
	)
	claims := func(issuer string, audience any) string {
		return goodClaims().With("iss", issuer).With("aud", audience).String()
	}
	token := func(p party, issuer string, audience any) string {
		return p.token(p.header().Without("kid").String(), claims(issuer, audience))
	}
	for _, good := range []struct {
		by       party
		issuer   string
		audience any
	}{
		{a, "https://a.example", "one"}, {a, "https://a.example", []string{"zero", "two"}},
		{b, "https://b.example", "three"}, {secret, "https://c.example", "one"},
	} {
		if got := accept(t, verifier, token(good.by, good.issuer, good.audience)); got.Issuer != good.issuer {
			t.Errorf("%s gives a principal of %s", good.issuer, got.Issuer)
		}
	}
	refuse(t, verifier, token(a, "https://a.example", "three"), "audience")
	refuse(t, verifier, token(b, "https://b.example", []string{"one", "two"}), "audience")
	refuse(t, verifier, token(a, "https://b.example", "three"), "the signature")
	refuse(t, verifier, token(b, "https://a.example", "one"), "the signature")
	refuse(t, verifier, token(a, "https://c.example", "one"), "not signed with HS256")
	refuse(t, verifier, token(secret, "https://a.example", "one"), "not signed with EdDSA")
	refuse(t, verifier, token(a, "https://a.example/", "one"), "unknown issuer")
	refuse(t, verifier, token(a, "HTTPS://a.example", "one"), "unknown issuer")
	// A kid is looked for at the issuer alone.
	refuse(t, verifier, b.token(b.header().String(), claims("https://a.example", "one")), "unknown key")
}

// What an issuer may not say is refused, or taken out, however well it is signed.
func TestIssuersAreBound(t *testing.T) {
	t.Parallel()
	p := ed25519Party(t, 1)
	issuer := ours(keysOf(t, p))
	issuer.Roles = []redline.Role{redline.RoleSupplier}
	issuer.Suppliers = []string{"sauce", "spice"}
	issuer.Scopes = []string{redline.ScopeInventoryRead, redline.ScopeOrdersRead, redline.ScopeOrdersManage}
	verifier := verifierOf(t, issuer)
	token := func(claims object) string { return p.token(p.header().String(), claims.String()) }
	good := goodClaims().With("suppliers", []string{"sauce"})

	both := []string{redline.ScopeInventoryRead, redline.ScopeOrdersRead}
	if got := accept(t, verifier, token(good)); !slices.Equal(got.Scopes, both) {
		t.Errorf("scopes %v", got.Scopes)
	}
	narrowed := accept(t, verifier, token(good.With("scope", "orders:read inventory:write orders:manage")))
	if !slices.Equal(narrowed.Scopes, []string{redline.ScopeOrdersRead}) {
		t.Errorf("narrowed to %v", narrowed.Scopes)
	}
	accept(t, verifier, token(good.With("suppliers", []string{"spice", "sauce"})))
	refuse(t, verifier, token(good.With("suppliers", []string{"tea"})), "may not speak for this supplier")
	refuse(t, verifier, token(good.With("suppliers", []string{"sauce", "tea"})), "may not speak for this supplier")
	refuse(t, verifier, token(good.With("suppliers", []string{"Sauce"})), "may not speak for this supplier")
	for _, role := range []string{"operator", "admin", "storefront", "customer"} {
		refuse(t, verifier, token(good.With("role", role).With("customer", "c")), "may not give this role")
	}
}

// Suppliers are no bound beside a role that names none and acts for all.
func TestSuppliersBoundNoOperator(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		roles []redline.Role
		taken bool
	}{
		"all roles":             {nil, false},
		"operator":              {[]redline.Role{redline.RoleSupplier, redline.RoleOperator}, false},
		"admin":                 {[]redline.Role{redline.RoleAdmin}, false},
		"supplier and customer": {[]redline.Role{redline.RoleSupplier, redline.RoleCustomer}, true},
	} {
		issuer := ours(keysOf(t, ed25519Party(t, 1)))
		issuer.Roles, issuer.Suppliers = test.roles, []string{"sauce"}
		_, err := auth.NewVerifier(auth.VerifierOptions{Issuers: []auth.Issuer{issuer}})
		if (err == nil) != test.taken || err != nil && !strings.Contains(err.Error(), "suppliers bound no issuer") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClaimNames(t *testing.T) {
	t.Parallel()
	p := ed25519Party(t, 1)
	base := goodClaims().Without("role").Without("suppliers")
	supplier := func(scopes ...string) redline.Principal {
		return redline.Principal{Role: redline.RoleSupplier, Suppliers: []string{"sauce"}, Scopes: scopes}
	}
	for name, test := range map[string]struct {
		names   auth.ClaimNames
		claims  object
		want    redline.Principal
		because string
	}{
		"names of members": {
			auth.ClaimNames{Role: "https://shop.example/role", Suppliers: "custom:suppliers", Scope: "scp"},
			base.With("https://shop.example/role", "supplier").With("custom:suppliers", []string{"sauce"}).With("scp", "orders:read"),
			supplier(redline.ScopeOrdersRead), "",
		},
		"pointers": {
			auth.ClaimNames{Role: "/realm_access/roles/1", Suppliers: "/shop/a~1b~0c"},
			base.With("realm_access", object{"roles": []string{"x", "supplier"}}).With("shop", object{"a/b~c": []string{"sauce"}}),
			supplier(redline.DefaultScopes(redline.RoleSupplier)...), "",
		},
		"a customer, by a pointer to an empty name": {
			auth.ClaimNames{Customer: "/shop/"},
			base.With("role", "customer").With("shop", object{"": "ALFKI"}),
			redline.Principal{Role: redline.RoleCustomer, Customer: "ALFKI", Scopes: redline.DefaultScopes(redline.RoleCustomer)}, "",
		},
		"an array of scopes": {
			auth.ClaimNames{Scope: "permissions", ScopeIsArray: true},
			base.With("role", "supplier").With("suppliers", []string{"sauce"}).With("permissions", []string{"orders:read", "else"}),
			supplier(redline.ScopeOrdersRead), "",
		},
		"an empty array of scopes": {
			auth.ClaimNames{Scope: "permissions", ScopeIsArray: true},
			base.With("role", "supplier").With("suppliers", []string{"sauce"}).With("permissions", []string{}),
			supplier(), "",
		},
		"a string where an array is said": {
			auth.ClaimNames{ScopeIsArray: true},
			base.With("role", "supplier").With("suppliers", []string{"sauce"}).With("scope", "orders:read"), redline.Principal{}, "scope",
		},
		"the usual name counts for nothing": {
			auth.ClaimNames{Role: "their_role"},
			base.With("role", "supplier").With("suppliers", []string{"sauce"}), redline.Principal{}, "role",
		},
		"a pointer past the end":       {auth.ClaimNames{Role: "/roles/1"}, base.With("roles", []string{"supplier"}), redline.Principal{}, "role"},
		"an index with a zero before":  {auth.ClaimNames{Role: "/roles/00"}, base.With("roles", []string{"supplier"}), redline.Principal{}, "role"},
		"a pointer through a string":   {auth.ClaimNames{Role: "/role/0"}, base.With("role", "supplier"), redline.Principal{}, "role"},
		"a pointer to another kind":    {auth.ClaimNames{Role: "/roles"}, base.With("roles", []string{"supplier"}), redline.Principal{}, "role"},
		"a name with a dot is no path": {auth.ClaimNames{Role: "a.b"}, base.With("a", object{"b": "supplier"}), redline.Principal{}, "role"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer := ours(keysOf(t, p))
			issuer.Claims = test.names
			verifier := verifierOf(t, issuer)
			raw := p.token(p.header().String(), test.claims.String())
			if test.because != "" {
				refuse(t, verifier, raw, test.because)
				return
			}
			got := accept(t, verifier, raw)
			if got.Role != test.want.Role || !reflect.DeepEqual(got.Suppliers, test.want.Suppliers) ||
				got.Customer != test.want.Customer || !slices.Equal(got.Scopes, test.want.Scopes) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// An issuer whose keys fail is nobody else's trouble, and is remembered apart.
func TestRememberedTokensBelongToTheirIssuer(t *testing.T) {
	t.Parallel()
	a, b := ed25519Party(t, 1), ed25519Party(t, 2)
	keys := &changingKeys{byID: map[string]*auth.Key{a.key.ID(): a.key}}
	verifier := verifierOf(t, ours(keys), auth.Issuer{Name: "b", Audiences: []string{"redline"}, Keys: keysOf(t, b)})
	first := a.token(a.header().String(), goodClaims().String())
	second := b.token(b.header().String(), goodClaims().With("iss", "b").String())
	accept(t, verifier, first)
	accept(t, verifier, second)
	keys.set(a.key.ID(), nil)
	refuse(t, verifier, first, "unknown key")
	accept(t, verifier, second)
}
