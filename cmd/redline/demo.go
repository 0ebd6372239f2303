package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"redline"
	"redline/auth"
	"redline/demo"
	"redline/store"
)

// demoShop is who placed Northwind's orders, and whose token the demo prints.
const demoShop = "northwind-traders"

// demoSupplier is the first third-party supplier: the one that makes hot sauce.
const demoSupplier = "new-orleans-cajun-delights"

// loadDemo fills an empty database; one that isn't is left alone.
func (g *gateway) loadDemo(ctx context.Context) error {
	data, err := demo.Load()
	if err != nil {
		return fmt.Errorf("reading the demo data: %w", err)
	}
	set, err := demoDataset(data)
	if err != nil {
		return fmt.Errorf("reading the demo data: %w", err)
	}
	loader := redline.Principal{Issuer: auth.DefaultIssuer, Subject: demoShop, Role: redline.RoleAdmin}
	err = g.store.Load(ctx, loader, *set)
	if errors.Is(err, store.ErrNotEmpty) {
		g.log.Info("demo data not loaded: " + err.Error())
		return nil
	}
	if err != nil {
		return fmt.Errorf("loading the demo data: %w", err)
	}
	g.log.Info("demo data loaded", "suppliers", len(set.Suppliers), "products", len(set.Products), "orders", len(set.Orders))
	return nil
}

// demoReader turns the demo's codes, SKUs and texts into rows with ids.
type demoReader struct {
	set       *redline.Dataset
	supplier  map[string]*redline.Supplier
	location  map[string]*redline.Location
	product   map[string]*redline.Product
	available map[[2]string]int // by product and location id
	err       error
}

func demoDataset(data *demo.Dataset) (*redline.Dataset, error) {
	r := &demoReader{
		set: &redline.Dataset{LeadTimeDays: map[string]int{}}, supplier: map[string]*redline.Supplier{},
		location: map[string]*redline.Location{}, product: map[string]*redline.Product{}, available: map[[2]string]int{},
	}
	for _, s := range data.Suppliers {
		row := &redline.Supplier{ID: redline.NewID(redline.PrefixSupplier), Code: s.Code, Name: s.Name}
		r.supplier[s.Code] = row
		r.set.Suppliers = append(r.set.Suppliers, row)
	}
	for _, l := range data.Locations {
		row := &redline.Location{ID: redline.NewID(redline.PrefixLocation), Code: l.Code, Name: l.Name, Kind: redline.LocationKind(l.Kind)}
		if l.SupplierCode != "" {
			row.SupplierID = &r.supplier[l.SupplierCode].ID
		}
		r.location[l.Code] = row
		r.set.LeadTimeDays[row.ID] = l.LeadTimeDays
		r.set.Locations = append(r.set.Locations, row)
	}
	for _, p := range data.Products {
		r.addProduct(p)
	}
	for _, i := range data.SupplierItems {
		lead := r.set.LeadTimeDays[r.location[i.SupplierCode].ID]
		r.set.SupplierItems = append(r.set.SupplierItems, &redline.SupplierItem{
			ID: redline.NewID(redline.PrefixSupplierItem), SupplierID: r.supplier[i.SupplierCode].ID, ProductID: r.product[i.ProductSKU].ID,
			SupplierSKU: i.SupplierSKU, Unit: redline.UnitOfMeasure(i.Unit), PackQuantity: i.PackQuantity, MinimumOrderQuantity: 1,
			OrderMultiple: 1, LeadTimeDays: &lead, Cost: r.money(i.Cost, i.Currency),
		})
	}
	for _, l := range data.Levels {
		row := &redline.InventoryLevel{
			ID: redline.NewID(redline.PrefixLevel), ProductID: r.product[l.ProductSKU].ID, LocationID: r.location[l.LocationCode].ID,
			OnHand: l.OnHand, Incoming: l.Incoming, ReorderPoint: l.ReorderPoint, SafetyStock: l.SafetyStock,
		}
		r.available[[2]string{row.ProductID, row.LocationID}] = l.OnHand - l.SafetyStock
		r.set.Levels = append(r.set.Levels, row)
	}
	for _, o := range data.Orders { // oldest first: the older order gets what is there
		r.addOrder(o)
	}
	return r.set, r.err
}

func (r *demoReader) addProduct(p demo.Product) {
	row := &redline.Product{
		ID: redline.NewID(redline.PrefixProduct), SKU: p.SKU, Name: p.Name, Description: orNil(p.Description), Brand: orNil(p.Brand),
		Category: p.Category, BaseUnit: redline.UnitOfMeasure(p.BaseUnit), Price: *r.money(p.Price, p.Currency), Active: p.Active,
	}
	for _, a := range p.Attributes {
		row.Attributes = append(row.Attributes, redline.Attribute{Name: a.Name, Value: a.Value})
	}
	r.product[p.SKU] = row
	r.set.Products = append(r.set.Products, row)
}

// money reads an amount; what can't be read is kept as the reader's error.
func (r *demoReader) money(amount, currency string) *redline.Money {
	d, err := redline.ParseDecimal(amount)
	r.err = errors.Join(r.err, err)
	return &redline.Money{Amount: d, Currency: currency}
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// addOrder reads an order: history, delivered on the day it was shipped, or
// open, with what is left of the stock committed and the rest backordered.
func (r *demoReader) addOrder(o demo.Order) {
	row := &redline.Order{
		ID: redline.NewID(redline.PrefixOrder), Number: o.Number, OwnerIssuer: auth.DefaultIssuer, OwnerSubject: demoShop,
		ExternalReference: &o.Number, Customer: &redline.Customer{ID: &o.CustomerID, Name: &o.CustomerName},
		Total: r.money(o.Total, o.Currency), PlacedAt: o.PlacedAt, UpdatedAt: o.PlacedAt, AllowStale: true,
		ShipTo: &redline.Address{
			Name: orNil(o.ShipTo.Name), Lines: o.ShipTo.Lines, City: o.ShipTo.City, Region: orNil(o.ShipTo.Region),
			PostalCode: orNil(o.ShipTo.PostalCode), Country: o.ShipTo.Country,
		},
	}
	parts := map[string]*redline.FulfillmentOrder{}
	for _, l := range o.Lines {
		line := &redline.OrderLine{
			ID: redline.NewID(redline.PrefixOrderLine), OrderID: row.ID, ProductID: r.product[l.ProductSKU].ID, Quantity: l.Quantity,
			UnitPrice: r.money(l.UnitPrice, o.Currency), Discount: r.money(l.Discount, o.Currency), Total: r.money(l.Total, o.Currency),
		}
		row.Lines = append(row.Lines, line)
		location := r.location[l.SupplierCode]
		gets := l.Quantity
		if o.ShippedAt == nil {
			at := [2]string{line.ProductID, location.ID}
			gets = min(gets, r.available[at])
			r.available[at] -= gets
			line.Open, line.Backordered = gets, l.Quantity-gets
		} else {
			line.Shipped = l.Quantity
		}
		if gets == 0 {
			continue
		}
		f := parts[l.SupplierCode]
		if f == nil {
			f = newPart(o, row, location, l.SupplierCode)
			parts[l.SupplierCode] = f
			row.FulfillmentOrders = append(row.FulfillmentOrders, f)
		}
		addPartLine(f, line, l, gets)
	}
	row.Status = row.RollUp()
	row.History = demoHistory(row, o.ShippedAt)
	row.Version = len(row.History)
	if o.ShippedAt != nil {
		row.UpdatedAt = *o.ShippedAt
	}
	r.set.Orders = append(r.set.Orders, row)
}

func newPart(o demo.Order, order *redline.Order, at *redline.Location, supplier string) *redline.FulfillmentOrder {
	f := &redline.FulfillmentOrder{
		ID: redline.NewID(redline.PrefixFulfillmentOrder), OrderID: order.ID, LocationID: at.ID, SupplierID: at.SupplierID,
		SupplierCode: &supplier, Status: redline.PartSubmitted, Version: 1, SubmittedAt: o.PlacedAt,
	}
	if o.ShippedAt != nil {
		f.Status = redline.PartClosed
		f.Fulfillments = []*redline.Fulfillment{{
			ID: redline.NewID(redline.PrefixFulfillment), FulfillmentOrderID: f.ID, Status: redline.ShipmentDelivered,
			Carrier: orNil(o.Carrier), ShippedAt: o.ShippedAt, DeliveredAt: o.ShippedAt,
		}}
	}
	return f
}

// addPartLine adds a line to a part, and to the shipment that it left with.
func addPartLine(f *redline.FulfillmentOrder, line *redline.OrderLine, l demo.OrderLine, quantity int) {
	unit, pack := redline.UnitOfMeasure(l.SupplierUnit), l.PackQuantity
	packs := redline.SupplierQuantity(quantity, pack, 1, 1)
	fl := &redline.FulfillmentOrderLine{
		ID: redline.NewID(redline.PrefixFulfillmentOrderLine), FulfillmentOrderID: f.ID, OrderLineID: line.ID, Quantity: quantity,
		SupplierSKU: &l.SupplierSKU, SupplierUnit: &unit, PackQuantity: &pack, SupplierQuantity: &packs,
	}
	f.Lines = append(f.Lines, fl)
	if f.Status == redline.PartClosed {
		fl.Accepted, fl.Shipped = &quantity, quantity
		s := f.Fulfillments[0]
		s.Lines = append(s.Lines, &redline.FulfillmentLine{
			FulfillmentID: s.ID, FulfillmentOrderLineID: fl.ID, OrderLineID: line.ID, Quantity: quantity,
		})
	}
}

// demoHistory is what is known of an order's way: when it was placed, and when
// it was shipped, which is all that the data has for when it was delivered.
func demoHistory(o *redline.Order, shipped *time.Time) []*redline.OrderStatusChange {
	actor := demoShop
	placed := &redline.OrderStatusChange{OrderID: o.ID, To: o.Status, Actor: &actor, At: o.PlacedAt}
	if shipped == nil {
		return []*redline.OrderStatusChange{placed}
	}
	pending := redline.OrderPending
	placed.To = pending
	return []*redline.OrderStatusChange{placed, {OrderID: o.ID, From: &pending, To: o.Status, Actor: &actor, At: *shipped}}
}
