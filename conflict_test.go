package redline_test

import (
	"testing"

	"redline"
)

// TestConflictEventsAreToldToThoseWhomTheyAreAbout is whom a conflict's event is
// shown, which has to be what the repositories say of its row.
func TestConflictEventsAreToldToThoseWhomTheyAreAbout(t *testing.T) {
	t.Parallel()
	code := "cajun"
	about, nobodys := redline.ConflictEvent{SupplierCode: &code}, redline.ConflictEvent{}
	for _, c := range []struct {
		who             string
		by              redline.Principal
		about, nobodies bool
	}{
		{"its supplier", redline.Principal{Role: redline.RoleSupplier, Suppliers: []string{"tokyo", "cajun"}}, true, false},
		{"another supplier", redline.Principal{Role: redline.RoleSupplier, Suppliers: []string{"tokyo"}}, false, false},
		{"an operator", redline.Principal{Role: redline.RoleOperator}, true, true},
		{"an admin", redline.Principal{Role: redline.RoleAdmin}, true, true},
		{"a shop", redline.Principal{Role: redline.RoleStorefront, Subject: "shop"}, false, false},
		{"a customer", redline.Principal{Role: redline.RoleCustomer, Customer: "ann"}, false, false},
		{"anybody", redline.Anonymous(), false, false},
	} {
		mustEqual(t, about.VisibleTo(c.by), c.about, "whether %s is told of what is about a supplier", c.who)
		mustEqual(t, nobodys.VisibleTo(c.by), c.nobodies, "whether %s is told of what is about none", c.who)
	}
}

// TestWhatThingsCostIsNotForEverybody is what of a conflict is kept from those
// who may see it, but not what things cost.
func TestWhatThingsCostIsNotForEverybody(t *testing.T) {
	t.Parallel()
	facts := redline.Attributes{{Name: "agreed", Value: "2.50"}}
	for _, kind := range []redline.ConflictKind{redline.ConflictPriceMismatch, redline.ConflictOversold} {
		c := &redline.Conflict{Kind: kind, Facts: facts}
		for _, scopes := range [][]string{{redline.ScopeConflictsRead}, {redline.ScopeConflictsRead, redline.ScopeCatalogCost}} {
			hidden := kind == redline.ConflictPriceMismatch && len(scopes) == 1
			got := c.For(redline.Principal{Role: redline.RoleOperator, Scopes: scopes})
			mustEqual(t, len(got.Facts) == 0, hidden, "whether the facts of %s are hidden from who has %v", kind, scopes)
		}
		mustEqual(t, len(c.Facts), 1, "the facts of the conflict itself")
	}
}

// TestOversold is by how much more is promised than there is.
func TestOversold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		l    redline.InventoryLevel
		want int
	}{
		{redline.InventoryLevel{OnHand: 5, Reserved: 2, Committed: 3}, 0},
		{redline.InventoryLevel{OnHand: 5, Reserved: 2, Committed: 4}, 1},
		{redline.InventoryLevel{OnHand: 5, Committed: 4, SafetyStock: 9, Shortfall: 8}, 0},
		{redline.InventoryLevel{OnHand: 5, Committed: 4, Unavailable: 3}, 2},
		{redline.InventoryLevel{}, 0},
	} {
		mustEqual(t, c.l.Oversold(), c.want, "by how much %+v is oversold", c.l)
	}
}
