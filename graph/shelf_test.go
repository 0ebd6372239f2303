package graph_test

import (
	"context"
	"fmt"

	"redline"
	"redline/graph"
)

// shelf is a repository of things that hang together as far as they do in the
// real one: an order's parts lead back to it, a product's levels to the
// product. What it doesn't have panics.
type shelf struct {
	graph.Store
	orders   []*redline.Order
	products []*redline.Product
	// locations are how many places each product lies at.
	locations int
	// done and rows are what mutations come to, and unread why what they
	// changed can't be read.
	done   redline.Outcome
	rows   *redline.InventoryResult
	unread error
}

// newShelf has orders of some lines, each line in a part of its own.
func newShelf(orders, lines, locations int) *shelf {
	s := &shelf{locations: locations}
	for i := range 100 {
		s.products = append(s.products, &redline.Product{ID: fmt.Sprint("prod_", i), SKU: fmt.Sprint("SKU-", i), Name: "Brake disc", Category: "brakes"})
	}
	for i := range orders {
		o := &redline.Order{ID: fmt.Sprint("ord_", i), Number: fmt.Sprint("R-", i)}
		for j := range lines {
			product := s.products[(i+j)%len(s.products)]
			o.Lines = append(o.Lines, &redline.OrderLine{ID: fmt.Sprint("line_", j), ProductID: product.ID, Quantity: 1, Product: product})
			o.FulfillmentOrders = append(o.FulfillmentOrders, &redline.FulfillmentOrder{ID: fmt.Sprint("fo_", j), Order: o})
		}
		s.orders = append(s.orders, o)
	}
	return s
}

func (s *shelf) Orders(
	context.Context, redline.Principal, redline.OrderFilter, redline.OrderSort, redline.PageRequest, redline.OrderParts,
) (*redline.Page[*redline.Order], error) {
	return &redline.Page[*redline.Order]{Items: s.orders, Cursors: make([]string, len(s.orders))}, nil
}

func (s *shelf) OrderBy(context.Context, redline.Principal, redline.OrderBy, redline.OrderParts) (*redline.Order, error) {
	return s.orders[0], nil
}

func (s *shelf) OrdersByID(_ context.Context, _ redline.Principal, ids []string) (map[string]*redline.Order, error) {
	found := map[string]*redline.Order{}
	for _, o := range s.orders {
		for _, id := range ids {
			if o.ID == id {
				found[id] = o
			}
		}
	}
	return found, s.unread
}

func (s *shelf) ProductBy(context.Context, redline.Principal, redline.ProductBy, redline.ProductParts) (*redline.Product, error) {
	p := *s.products[0]
	return &p, nil
}

func (s *shelf) ProductsOf(_ context.Context, ids []string) (map[string]*redline.Product, error) {
	found := map[string]*redline.Product{}
	for _, id := range ids {
		found[id] = &redline.Product{ID: id}
	}
	return found, s.unread
}

func (s *shelf) LevelsOfProducts(_ context.Context, _ redline.Principal, ids []string) (map[string][]*redline.InventoryLevel, error) {
	found := map[string][]*redline.InventoryLevel{}
	for _, id := range ids {
		for i := range s.locations {
			found[id] = append(found[id], &redline.InventoryLevel{ID: fmt.Sprint("lvl_", i), ProductID: id})
		}
	}
	return found, nil
}

func (s *shelf) Availability(_ context.Context, ids []string) (map[string][]*redline.LocationAvailability, error) {
	found := map[string][]*redline.LocationAvailability{}
	for _, id := range ids {
		for i := range s.locations {
			place := &redline.Location{ID: fmt.Sprint("loc_", i), Code: fmt.Sprint("ACME-", i)}
			found[id] = append(found[id], &redline.LocationAvailability{ProductID: id, LocationID: place.ID, Available: i, Location: place})
		}
	}
	return found, s.unread
}

func (s *shelf) SupplierItemsOfSuppliers(
	context.Context, redline.Principal, []string, redline.PageRequest,
) (map[string]*redline.Page[*redline.SupplierItem], error) {
	return nil, redline.Invalid([]string{"first"}, "no such page")
}

func (s *shelf) Suppliers(context.Context, redline.PageRequest) (*redline.Page[*redline.Supplier], error) {
	return &redline.Page[*redline.Supplier]{Items: []*redline.Supplier{{ID: "sup_1"}, {ID: "sup_2"}}, Cursors: make([]string, 2)}, nil
}

func (s *shelf) OrderHold(context.Context, redline.Principal, redline.OrderHoldInput) (string, redline.Outcome, error) {
	return "ord_0", s.done, nil
}

func (s *shelf) InventoryTransfer(context.Context, redline.Principal, redline.InventoryTransferInput) (*redline.InventoryResult, error) {
	return s.rows, nil
}
