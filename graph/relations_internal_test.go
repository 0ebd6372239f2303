package graph

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"redline"
	"redline/graph/generated"
	"redline/graph/model"
)

// TestRelationsAreComplete: every field of the contract that leads from one
// object to another with relations is one that the preloader follows. One that
// was forgotten would be null, or a query for each object.
func TestRelationsAreComplete(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	for name, fields := range relations {
		def := schema.Types[name]
		if def == nil {
			t.Errorf("the contract has no type %s", name)
			continue
		}
		for field := range fields {
			if def.Fields.ForName(field) == nil {
				t.Errorf("the contract has no field %s.%s", name, field)
			}
		}
	}
	roots := []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription}
	for name, def := range schema.Types {
		page := strings.HasSuffix(name, "Connection") || strings.HasSuffix(name, "Edge")
		if def.Kind != ast.Object || def.BuiltIn || slices.Contains(roots, def) || page {
			continue
		}
		for _, f := range def.Fields {
			leadsTo := f.Type.Name()
			item, isPage := strings.CutSuffix(leadsTo, "Connection")
			if isPage {
				leadsTo = item
			}
			known := relations[name][f.Name]
			if relations[leadsTo] != nil && known.next == nil && known.page == nil {
				t.Errorf("%s.%s leads to %s, and the preloader doesn't follow", name, f.Name, f.Type)
			}
			if isPage && known.page == nil {
				t.Errorf("%s.%s has pages, and the preloader doesn't read them", name, f.Name)
			}
		}
	}
}

// objects has one of each type that resolvers return or relations lead to.
var objects = []any{
	&redline.Product{}, &redline.ProductAvailability{}, &redline.LocationAvailability{}, &redline.ProductInventory{},
	&redline.Supplier{}, &redline.SupplierItem{}, &redline.Location{}, &redline.InventoryLevel{}, &redline.InventoryMovement{},
	&redline.Availability{}, &redline.Promise{}, &redline.Order{}, &redline.OrderLine{}, &redline.FulfillmentOrder{},
	&redline.FulfillmentOrderLine{}, &redline.Fulfillment{}, &redline.FulfillmentLine{}, &redline.Return{}, &redline.ReturnLine{},
	&redline.Reservation{}, &redline.ReservationLine{}, &redline.SupplierItemVersion{}, &redline.SupplierTerms{}, &redline.Conflict{},
	&model.Viewer{}, &model.InventoryPayload{}, &model.InventoryRow{}, &model.OrderPayload{}, &model.FulfillmentOrderPayload{},
	&model.ReservationPayload{}, &model.ReturnPayload{}, &model.SupplierFeedPayload{}, &model.SupplierItemPayload{}, &model.SupplierPayload{},
	&model.ConflictPayload{}, &redline.Client{}, &redline.ClientSecret{}, &model.ClientPayload{},
	&model.InsufficientStock{}, &model.InvalidInput{}, &model.NotFound{}, &model.VersionMismatch{}, &model.InvalidTransition{},
	&model.IdempotencyError{}, &model.GenericUserError{}, &redline.AuditEntry{}, &model.AvailabilityEvent{}, &model.InventoryEvent{},
	&model.OrderEvent{}, &model.ConflictEvent{}, &redline.SupplierFeed{}, &redline.Pulse{}, &redline.PulseMinute{},
}

// TestKindsAreNamed: every type of objects has a Go type by that name.
func TestKindsAreNamed(t *testing.T) {
	t.Parallel()
	named := map[string]bool{}
	for _, v := range objects {
		name := kindNames[kindOf(v)]
		if !strings.Contains(reflect.TypeOf(v).String(), strings.TrimSuffix(name, "Payload")) || named[name] {
			t.Errorf("%T is named %q", v, name)
		}
		named[name] = true
	}
	for name := range relations {
		if !named[name] {
			t.Errorf("no Go type is named %s", name)
		}
	}
	if kind := kindOf(0); kind >= 0 {
		t.Errorf("a number is named %s", kindNames[kind])
	}
}
