package auth_test

import (
	"reflect"
	"strings"
	"testing"

	"redline"
	"redline/auth"
)

func TestParseIssuers(t *testing.T) {
	t.Parallel()
	got, err := auth.ParseIssuers([]byte(`[
		{"issuer": "https://id.shop.example/", "audience": ["shop", "https://api.shop.example"], "roles": ["storefront", "customer"],
		 "jwksUrl": "https://id.shop.example/keys",
		 "claims": {"role": "https://shop.example/role", "scope": "permissions", "scopeIsArray": true, "suppliers": "/a/b", "customer": "c"}},
		{"issuer": "https://id.sauce.example", "audience": "redline", "roles": ["supplier"], "suppliers": ["sauce"],
		 "scopes": ["inventory:read", "inventory:write"], "publicKeysFile": "sauce.pem"},
		{"issuer": "batch", "audience": "redline", "roles": ["operator", "admin"], "secretFile": "/run/secrets/batch"},
		{"issuer": "https://id.tea.example", "audience": "redline", "roles": ["supplier"]}
	]`), "redline")
	if err != nil {
		t.Fatal(err)
	}
	want := []auth.IssuerSettings{
		{Issuer: auth.Issuer{
			Name: "https://id.shop.example/", Audiences: []string{"shop", "https://api.shop.example"},
			Roles:  []redline.Role{redline.RoleStorefront, redline.RoleCustomer},
			Claims: auth.ClaimNames{Role: "https://shop.example/role", Scope: "permissions", ScopeIsArray: true, Suppliers: "/a/b", Customer: "c"},
		}, JWKSURL: "https://id.shop.example/keys"},
		{Issuer: auth.Issuer{
			Name: "https://id.sauce.example", Audiences: []string{"redline"}, Roles: []redline.Role{redline.RoleSupplier},
			Suppliers: []string{"sauce"}, Scopes: []string{"inventory:read", "inventory:write"},
		}, PublicKeysFile: "sauce.pem"},
		{Issuer: auth.Issuer{
			Name: "batch", Audiences: []string{"redline"}, Roles: []redline.Role{redline.RoleOperator, redline.RoleAdmin},
		}, SecretFile: "/run/secrets/batch"},
		{Issuer: auth.Issuer{Name: "https://id.tea.example", Audiences: []string{"redline"}, Roles: []redline.Role{redline.RoleSupplier}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// All that is wrong is told at once, each with the path of what it is about.
func TestParseIssuersNamesAllFaults(t *testing.T) {
	t.Parallel()
	_, err := auth.ParseIssuers([]byte(`[
		{"issuer": "a", "audience": "x", "roles": ["supplier"], "secretFile": "s", "jwksUrl": "https://a.example/", "colour": "red"},
		{"issuer": "a", "audience": ["x", ""], "roles": ["root", "OPERATOR", "admin"], "secretFile": "s"},
		{"issuer": "redline", "audience": [], "roles": [], "secretFile": "s", "scopes": ["all"], "suppliers": ["t", "t"]},
		{"issuer": "no url", "audience": 5, "roles": "admin"},
		{"issuer": "https://b.example", "audience": "x", "roles": ["supplier"], "jwksUrl": "http://b.example/keys",
		 "claims": {"role": "/~2", "rôle": "x", "scopeIsArray": "yes", "customer": ""}},
		{"audience": "x", "issuer": null, "secretFile": "s"},
		"c", {}, {"issuer": "d", "audience": "x", "roles": ["admin"], "secretFile": "", "scopes": [], "suppliers": {}, "claims": []},
		{"issuer": "e", "audience": "x", "roles": ["supplier", "operator"], "secretFile": "s", "suppliers": ["t"]},
		{"issuer": "f", "audience": "x", "roles": ["admin"], "secretFile": "s", "suppliers": ["t"]}
	]`), "redline")
	if err == nil {
		t.Fatal("accepted")
	}
	faults := strings.Split(err.Error(), "\n")
	for _, want := range []string{
		`[0]: unknown member "colour"`, `[0]: jwksUrl, publicKeysFile and secretFile don't go together`,
		`[1].issuer: [0] has the same`, `[1].audience[1]: it has to be a string`, `[1].roles[0]: unknown role "root"`, `[1].roles[1]: unknown role "OPERATOR"`,
		`[2].issuer: that is the gateway's own name`, `[2].audience: it is empty`, `[2].roles: no role`, `[2].scopes: unknown scope "all"`, `[2].suppliers: a supplier code stands twice`,
		`[3].issuer: the issuer has white space`, `[3].audience: it has to be an array`, `[3].roles: it has to be an array`, `[3]: it has none of jwksUrl`,
		`[4].jwksUrl: the URL of keys is not https`, `[4].claims: unknown member "rôle"`, `[4].claims.scopeIsArray: it has to be true or false`,
		`[4].claims.customer: it has to be a string`, `[4].claims: where the claim role is: a pointer has`,
		`[5].issuer: it has to be a string`, `[5].roles: it is required`,
		`[6]: it has to be an object`, `[7].issuer: it is required`, `[7].audience: it is required`, `[7].roles: it is required`,
		`[8].secretFile: it has to be a string`, `[8].scopes: no scope`, `[8].suppliers: it has to be an array`, `[8].claims: it has to be an object`,
		`[9].suppliers: suppliers bound no issuer`, `[10].suppliers: suppliers bound no issuer`,
	} {
		found := false
		for i, fault := range faults {
			if strings.HasPrefix(fault, want) {
				found, faults[i] = true, ""
				break
			}
		}
		if !found {
			t.Errorf("not told of: %s", want)
		}
	}
	for _, more := range faults {
		if more != "" && !strings.HasPrefix(more, "[8]: it has none") {
			t.Errorf("told of as well: %s", more)
		}
	}

	for text, because := range map[string]string{
		"": "not JSON", "{}": "not an array", "[]": "0 issuers", `[{"issuer":"a","issuer":"b"}]`: "twice",
		"[" + strings.Repeat("{},", 1000) + "{}]": "1001 issuers",
	} {
		if _, err := auth.ParseIssuers([]byte(text), "redline"); err == nil || !strings.Contains(err.Error(), because) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

// FuzzParseIssuers looks for a file that is taken, and of which no Verifier can
// be made.
func FuzzParseIssuers(f *testing.F) {
	f.Add(`[{"issuer":"https://a.example","audience":"x","roles":["supplier"],"claims":{"role":"/a/0","scopeIsArray":true}}]`)
	f.Add(`[{"issuer":"a","audience":["x","y"],"roles":["supplier"],"secretFile":"s","scopes":["orders:read"],"suppliers":["s"]}]`)
	f.Add(`[{}]`)
	keys, err := auth.NewStaticKeys(ed25519Party(f, 1).key)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		settings, err := auth.ParseIssuers([]byte(text), "redline")
		if err != nil {
			return // what it could read comes along, for its files to be looked at
		}
		issuers := make([]auth.Issuer, len(settings))
		for i, s := range settings {
			if len(s.Roles) == 0 || s.Name == "redline" {
				t.Errorf("taken: %+v", s)
			}
			issuers[i] = s.Issuer
			issuers[i].Keys = keys
		}
		if _, err := auth.NewVerifier(auth.VerifierOptions{Issuers: issuers}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}
