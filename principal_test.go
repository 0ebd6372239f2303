package redline_test

import (
	"context"
	"slices"
	"testing"

	"redline"
)

// TestDefaultScopes is who may do what unless the token narrows it.
func TestDefaultScopes(t *testing.T) {
	t.Parallel()
	supplier := []string{
		"inventory:read", "inventory:write", "orders:read", "fulfillments:write", "catalog:own", "catalog:cost", "conflicts:read",
	}
	buyer := []string{"orders:read", "orders:write"}
	operator := slices.Concat(supplier, []string{"orders:write", "orders:manage", "catalog:write", "conflicts:write", "audit:read", "schema:read", "pulse:read"})
	for role, want := range map[redline.Role][]string{
		redline.RoleStorefront: buyer,
		redline.RoleCustomer:   buyer,
		redline.RoleSupplier:   supplier,
		redline.RoleOperator:   operator,
		redline.RoleAdmin:      slices.Concat(operator, []string{"clients:read", "clients:write"}),
		"NOBODY":               nil,
	} {
		got := redline.DefaultScopes(role)
		mustEqual(t, slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)), "the scopes of %s", role)
		for i := range got {
			got[i] = "audit:read"
		}
		mustEqual(t, slices.Contains(redline.DefaultScopes(role), "audit:read"), slices.Contains(want, "audit:read"),
			"whether %s reads the audit after a caller changed its copy", role)
		mustEqual(t, role.Valid(), want != nil, "whether %s is a role", role)
	}
	mustEqual(t, redline.Role("storefront").Valid(), false, "whether a role in lower case is one")
}

func TestAnonymous(t *testing.T) {
	t.Parallel()
	p := redline.Anonymous()
	mustEqual(t, p.Role, redline.RoleStorefront, "the role")
	mustEqual(t, p.Authenticated(), false, "authenticated")
	for _, scope := range redline.DefaultScopes(redline.RoleAdmin) {
		mustEqual(t, p.Has(scope), false, "has %s", scope)
	}
}

func TestHasMatchesExactly(t *testing.T) {
	t.Parallel()
	p := redline.Principal{Scopes: []string{"orders:read", "catalog:own"}}
	mustEqual(t, p.Has("orders:write", "catalog:own"), true, "one of two")
	for _, scope := range []string{"", "orders", "orders:", "orders:read ", "Orders:read", "orders:read catalog:own", "orders:*"} {
		mustEqual(t, p.Has(scope), false, "has %q", scope)
	}
	mustEqual(t, p.Has(), false, "has none of none")
}

// TestSpeaksFor: a supplier's token for its own codes, those who work
// everywhere for all, nobody else for any; a stray claim gives nothing.
func TestSpeaksFor(t *testing.T) {
	t.Parallel()
	for _, role := range redline.Roles {
		p := redline.Principal{Role: role, Subject: "s", Suppliers: []string{acme}}
		everywhere := role == redline.RoleOperator || role == redline.RoleAdmin
		mustEqual(t, p.Everywhere(), everywhere, "%s is everywhere", role)
		mustEqual(t, p.SpeaksFor(acme), everywhere || role == redline.RoleSupplier, "%s speaks for its own", role)
		mustEqual(t, p.SpeaksFor(globex), everywhere, "%s speaks for another", role)
		mustEqual(t, p.SpeaksFor(""), everywhere, "%s speaks for no code", role)
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	mustEqual(t, redline.PrincipalFrom(ctx), redline.Anonymous(), "who asks, unsaid")
	mustEqual(t, redline.RequestIDFrom(ctx), "", "the request, unsaid")
	p := as(redline.RoleSupplier, acme)
	ctx = redline.WithRequestID(redline.WithPrincipal(ctx, p), "r-1")
	mustEqual(t, redline.PrincipalFrom(ctx), p, "who asks")
	mustEqual(t, redline.RequestIDFrom(ctx), "r-1", "the request")
}
