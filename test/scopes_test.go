package test_test

import (
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"redline"
	"redline/auth"
)

// asker is one kind of caller, with what the issue says it may do.
type asker struct {
	name   string
	token  string
	scopes []string
}

// askers are all roles, nobody, and a supplier whose token is narrowed.
func askers(t *testing.T) []asker {
	t.Helper()
	all := []asker{{name: "nobody"}}
	for _, role := range redline.Roles {
		c := auth.Claims{Role: role, Subject: "scopes"}
		switch role {
		case redline.RoleSupplier:
			c.Suppliers = []string{scopesSupplier}
		case redline.RoleCustomer:
			c.Customer = "scopes"
		}
		all = append(all, asker{string(role), issue(t, c), redline.DefaultScopes(role)})
	}
	narrow := []string{redline.ScopeInventoryRead}
	return append(all, asker{"a supplier that only reads", issue(t, auth.Claims{
		Role: redline.RoleSupplier, Subject: "scopes", Suppliers: []string{scopesSupplier}, Scopes: narrow,
	}), narrow})
}

// A supplier and a product of its, for this file.
const (
	scopesSupplier = "leka-trading"
	scopesSKU      = "NW-044"
)

// verdict is what an asker has to be told of a door with these scopes; "" is
// that it may pass.
func (a asker) verdict(scopes []string) string {
	switch {
	case scopes == nil || slices.ContainsFunc(a.scopes, func(s string) bool { return slices.Contains(scopes, s) }):
		return ""
	case a.token == "":
		return string(redline.CodeUnauthenticated)
	}
	return string(redline.CodeForbidden)
}

// verdictOf is what an answer says of that.
func verdictOf(codes []string) string {
	for _, refusal := range []redline.ErrorCode{redline.CodeUnauthenticated, redline.CodeForbidden} {
		if slices.Contains(codes, string(refusal)) {
			return string(refusal)
		}
	}
	return ""
}

// Who may ask for which field is what the contract's @scope directives say.
func TestScopesOfRootFields(t *testing.T) {
	t.Parallel()
	s, contract := demo(t), schema(t)
	for _, a := range askers(t) {
		for operation, root := range map[string]*ast.Definition{"query": contract.Query, "mutation": contract.Mutation} {
			for _, f := range rootFields(root) {
				got := s.as(a.token).tell(t, call(contract, operation, f), nil)
				want := a.verdict(scopesOf(f.Directives))
				if verdict := verdictOf(got.codes()); verdict != want {
					t.Errorf("%s asks for %s: %q; want %q: %s", a.name, f.Name, verdict, want, got.body)
				}
				for _, code := range got.codes() {
					if want == "" && code != string(redline.CodeNotFound) && code != string(redline.CodeInvalid) {
						t.Errorf("%s may ask for %s and gets %s", a.name, f.Name, got.body)
					}
				}
			}
		}
	}
}

// Who may subscribe to what, likewise: who may is told of a change that it sees.
func TestScopesOfSubscriptions(t *testing.T) {
	t.Parallel()
	s, contract := demo(t), schema(t)
	operator := s.as(operatorToken(t))
	// An order that each of them sees who sees any: placed with the subject of
	// all, for the customer.
	shop := s.as(shopToken(t, "scopes"))
	order := shop.place(t, orderInput(vars{"id": "scopes"}, map[string]int{scopesSKU: 1})).text("order.id")

	open := map[*socket][]string{}
	for _, a := range askers(t) {
		w := s.socket(t, a.token)
		for _, f := range rootFields(contract.Subscription) {
			w.subscribe(f.Name, `subscription { `+f.Name+` { __typename cursor } }`, nil)
			want := a.verdict(scopesOf(f.Directives))
			if want == "" {
				open[w] = append(open[w], f.Name)
				continue
			}
			if m := w.next(f.Name); m.Type != "error" || text(parsed(t, m.Payload), "0.extensions.code") != want {
				t.Errorf("%s subscribes to %s: %s %s; want %s", a.name, f.Name, m.Type, m.Payload, want)
			}
		}
	}
	await(t, open)
	operator.pokeStock(t, scopesSKU, scopesSupplier)()
	operator.pokeOrder(t, order)()
	s.as(supplierToken(t, scopesSupplier)).pokeConflict(t)()
	for w, names := range open {
		for _, name := range names {
			w.event(name)
		}
	}
}

// Who may look up an object by its id alone is what @scope on its type says,
// whether the object is there or not.
func TestScopesOfNodes(t *testing.T) {
	t.Parallel()
	s, contract := demo(t), schema(t)
	// An order line has no scope of its own; it is a part of its order.
	scopes := func(d *ast.Definition) []string {
		if d.Name == "OrderLine" {
			d = contract.Types["Order"]
		}
		return scopesOf(d.Directives)
	}
	for _, d := range contract.PossibleTypes["Node"] {
		prefix, ok := prefixes[d.Name]
		if !ok {
			t.Fatalf("%s is a Node, and its ids aren't known here", d.Name)
		}
		for _, a := range askers(t) {
			got := s.as(a.token).tell(t, `query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }`, vars{"id": redline.NewID(prefix)})
			want := a.verdict(scopes(d))
			if verdict := verdictOf(got.codes()); verdict != want || at(got.data, "node") != nil || at(got.data, "nodes.0") != nil {
				t.Errorf("%s looks up a %s: %q; want %q: %s", a.name, d.Name, verdict, want, got.body)
			}
		}
	}
}

// prefixes are those of the ids of every Node.
var prefixes = map[string]string{
	"Product": redline.PrefixProduct, "Supplier": redline.PrefixSupplier, "SupplierItem": redline.PrefixSupplierItem,
	"Location": redline.PrefixLocation, "InventoryLevel": redline.PrefixLevel, "InventoryMovement": redline.PrefixMovement,
	"Order": redline.PrefixOrder, "OrderLine": redline.PrefixOrderLine, "FulfillmentOrder": redline.PrefixFulfillmentOrder,
	"Fulfillment": redline.PrefixFulfillment, "AuditEntry": redline.PrefixAuditEntry, "Reservation": redline.PrefixReservation,
	"Return": redline.PrefixReturn, "Conflict": redline.PrefixConflict, "Client": redline.PrefixClient,
}
