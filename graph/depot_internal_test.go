package graph

import (
	"context"
	"math"
	"slices"
	"time"

	"redline"
)

// depot is a repository of a few things that hang together, made anew for each
// call. Some are as they must never be: what mustn't be null is, and a number
// is too large.
type depot struct{ Store }

const (
	depotProduct  = "prod_01h455vb4pex5vsknk084sn02q"
	depotOther    = "prod_01h455vb4pex5vsknk084sn02r"
	depotLevel    = "lvl_01h455vb4pex5vsknk084sn02q"
	depotOrder    = "ord_01h455vb4pex5vsknk084sn02q"
	depotLine     = "line_01h455vb4pex5vsknk084sn02q"
	depotSupplier = "sup_01h455vb4pex5vsknk084sn02q"
	depotLocation = "loc_01h455vb4pex5vsknk084sn02q"
	depotAudit    = "audit_01h455vb4pex5vsknk084sn02q"
	depotHold     = "res_01h455vb4pex5vsknk084sn02q"
	depotReturn   = "ret_01h455vb4pex5vsknk084sn02q"
	depotConflict = "conf_01h455vb4pex5vsknk084sn02q"
	depotClient   = "cli_01h455vb4pex5vsknk084sn02q"
)

var depotTime = time.Date(2024, 5, 31, 10, 0, 0, 123456789, time.FixedZone("", 2*60*60))

func ref[T any](v T) *T { return &v }

func depotMoney(s string) *redline.Money {
	amount, err := redline.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return &redline.Money{Amount: amount, Currency: "EUR"}
}

func (depot) suppliers() []*redline.Supplier {
	return []*redline.Supplier{
		{ID: depotSupplier, Code: "acme", Name: "Acme \"Parts\" & <Söhne>\u2028"},
		{ID: "sup_2", Code: "other", Name: "Other\\\t\n\r\x01\x7f"},
	}
}

func (d depot) locations() []*redline.Location {
	s := d.suppliers()
	return []*redline.Location{
		{ID: depotLocation, Code: "ACME-1", Kind: redline.LocationSupplier, SupplierID: &s[0].ID, Supplier: s[0]},
		{ID: "loc_2", Code: "OURS", Kind: redline.LocationWarehouse},
		{ID: "loc_3", Code: "LATE", Kind: redline.LocationSupplier, SupplierID: &s[1].ID},
	}
}

func (depot) products() []*redline.Product {
	return []*redline.Product{
		{
			ID: depotProduct, SKU: "BRK-1", Name: "Disc", Brand: ref("Acme"), Category: "brakes", BaseUnit: redline.UnitPiece, Price: *depotMoney("12.5"),
			Active: true, Attributes: redline.Attributes{{Name: "a", Value: "b"}, {Name: "c"}}, Version: 3, CreatedAt: depotTime,
		},
		{ID: depotOther, SKU: "BRK-2", Price: *depotMoney("-0.657812"), Version: math.MaxInt32 + 1},
	}
}

func page[T any](items []T) *redline.Page[T] {
	p := &redline.Page[T]{Items: items, HasNext: true, Total: ref(7)}
	for range items {
		p.Cursors = append(p.Cursors, "cursor")
	}
	return p
}

func byID[T any](items []*T, id func(*T) string) map[string]*T {
	found := map[string]*T{}
	for _, v := range items {
		found[id(v)] = v
	}
	return found
}

func (d depot) Products(
	context.Context, redline.Principal, redline.ProductFilter, redline.ProductOrder, redline.PageRequest, redline.ProductParts,
) (*redline.Page[*redline.Product], error) {
	return page(append(d.products(), nil)), nil
}

func (d depot) ProductBy(_ context.Context, _ redline.Principal, by redline.ProductBy, _ redline.ProductParts) (*redline.Product, error) {
	if by.SKU == nil {
		return nil, nil
	}
	return d.products()[0], nil
}

func (d depot) ProductsByID(context.Context, redline.Principal, []string) (map[string]*redline.Product, error) {
	return byID(d.products(), func(p *redline.Product) string { return p.ID }), nil
}

func (d depot) ProductsOf(context.Context, []string) (map[string]*redline.Product, error) {
	return byID(d.products(), func(p *redline.Product) string { return p.ID }), nil
}

func (d depot) Suppliers(context.Context, redline.PageRequest) (*redline.Page[*redline.Supplier], error) {
	return page(d.suppliers()), nil
}

func (d depot) SuppliersByID(context.Context, []string) (map[string]*redline.Supplier, error) {
	return byID(d.suppliers(), func(s *redline.Supplier) string { return s.ID }), nil
}

func (d depot) SuppliersByCode(context.Context, []string) ([]*redline.Supplier, error) {
	return d.suppliers()[:1], nil
}

// Standings knows of one of the suppliers.
func (d depot) Standings(context.Context, redline.Principal, []string) (map[string]*redline.SupplierStanding, error) {
	return map[string]*redline.SupplierStanding{depotSupplier: {
		LastSeenAt: &depotTime, Status: redline.SupplierDegraded, Terms: redline.SupplierTerms{ConfirmWithinSeconds: ref(60), Version: 2},
	}}, nil
}

// ItemVersions has two of one of the items.
func (d depot) ItemVersions(context.Context, redline.Principal, []string) (map[string][]*redline.SupplierItemVersion, error) {
	return map[string][]*redline.SupplierItemVersion{"sitem_1": {
		{Version: 2, ProductID: depotProduct, GTIN: ref("1"), Unit: redline.UnitCase, Cost: depotMoney("1"), LeadTimeDays: ref(2), Actor: "a", At: depotTime},
		{Version: 1, ProductID: "prod_none"},
	}}, nil
}

func (d depot) items() []*redline.SupplierItem {
	return []*redline.SupplierItem{
		{ID: "sitem_1", ProductID: depotProduct, SupplierSKU: "x", Unit: redline.UnitCase, Supplier: d.suppliers()[0], Cost: depotMoney("1"), LeadTimeDays: ref(2)},
		{ID: "sitem_2", ProductID: "prod_none", GTIN: ref("1")},
	}
}

func (d depot) SupplierItemsOfSuppliers(
	_ context.Context, _ redline.Principal, _ []string, asked redline.PageRequest,
) (map[string]*redline.Page[*redline.SupplierItem], error) {
	if asked.First != nil && *asked.First == 0 {
		return nil, redline.Invalid([]string{"first"}, "none is too few")
	}
	return map[string]*redline.Page[*redline.SupplierItem]{depotSupplier: page(d.items())}, nil
}

func (d depot) FeedsOfSuppliers(
	_ context.Context, _ redline.Principal, _ []string, asked redline.PageRequest,
) (map[string]*redline.Page[*redline.SupplierFeed], error) {
	if asked.First != nil && *asked.First == 0 {
		return nil, redline.Invalid([]string{"first"}, "none is too few")
	}
	return map[string]*redline.Page[*redline.SupplierFeed]{depotSupplier: page([]*redline.SupplierFeed{
		{
			ID: "feed_2", Sequence: ref(int64(math.MaxInt64)), Mode: redline.FeedFull, Measure: redline.FeedAvailable, AsOf: depotTime, ReceivedAt: depotTime,
			Actor: "erp", Status: redline.SupplierFeedHeld, RowCount: 3, Applied: 2, Emptied: 1,
		},
		{ID: "feed_1", Rejected: math.MaxInt32 + 1},
	})}, nil
}

// Pulse is there unless so many minutes are asked for.
func (depot) Pulse(_ context.Context, _ redline.Principal, minutes int) (*redline.Pulse, error) {
	switch minutes {
	case 0:
		return nil, redline.Invalid([]string{"minutes"}, "none is too few")
	case 2:
		return nil, nil
	}
	return &redline.Pulse{At: depotTime, Minutes: []redline.PulseMinute{{At: depotTime, Orders: 2, Units: math.MaxInt64}, {Orders: math.MaxInt32 + 1}}}, nil
}

func depotLoad() redline.Load {
	return redline.Load{LogLagMs: 250, Websockets: 1, Streams: 2, Subscriptions: 3}
}

func (d depot) SupplierItemsOfProducts(context.Context, redline.Principal, []string) (map[string][]*redline.SupplierItem, error) {
	return map[string][]*redline.SupplierItem{depotProduct: d.items()}, nil
}

func (d depot) Locations(context.Context) ([]*redline.Location, error) { return d.locations(), nil }

func (d depot) LocationsByID(context.Context, []string) (map[string]*redline.Location, error) {
	return byID(d.locations(), func(l *redline.Location) string { return l.ID }), nil
}

func (d depot) Availability(context.Context, []string) (map[string][]*redline.LocationAvailability, error) {
	l := d.locations()
	return map[string][]*redline.LocationAvailability{depotProduct: {
		{Available: 3, Location: l[0], AsOf: depotTime}, {Available: 2, Location: l[1], Stale: true},
	}, depotOther: {{Location: nil}, {Location: l[2], Available: math.MaxInt32}}}, nil
}

func (d depot) Promises(context.Context, redline.Principal, []redline.AvailabilityLine, bool) ([]*redline.Availability, error) {
	p := d.products()
	return []*redline.Availability{
		{Product: p[0], Requested: 3, Promises: []*redline.Promise{{Location: d.locations()[0], Quantity: 3, LeadTimeDays: ref(1)}}}, {Product: p[1]},
	}, nil
}

func (d depot) levels() []*redline.InventoryLevel {
	return []*redline.InventoryLevel{
		{ID: depotLevel, ProductID: depotProduct, LocationID: depotLocation, OnHand: 5, Available: 5, Location: d.locations()[0], AsOf: depotTime},
		{ID: "lvl_2", ProductID: depotOther, LocationID: "loc_2", Shortfall: 1},
		{ID: "lvl_3", ProductID: "prod_none", LocationID: "loc_none"},
	}
}

func (d depot) Levels(
	context.Context, redline.Principal, redline.InventoryFilter, redline.PageRequest,
) (*redline.Page[*redline.InventoryLevel], error) {
	return page(d.levels()), nil
}

func (d depot) LevelsByID(context.Context, redline.Principal, []string) (map[string]*redline.InventoryLevel, error) {
	return byID(d.levels(), func(l *redline.InventoryLevel) string { return l.ID }), nil
}

func (d depot) LevelsOfProducts(context.Context, redline.Principal, []string) (map[string][]*redline.InventoryLevel, error) {
	return map[string][]*redline.InventoryLevel{depotProduct: d.levels()[:1]}, nil
}

func (d depot) Movements(
	context.Context, redline.Principal, redline.MovementFilter, redline.PageRequest,
) (*redline.Page[*redline.InventoryMovement], error) {
	return page([]*redline.InventoryMovement{{
		ID: "mov_1", ProductID: depotProduct, Location: d.locations()[1], Reason: redline.ReasonReceived,
		Changes: []redline.QuantityChange{{State: redline.StateOnHand, Delta: -4, After: 5}, {State: redline.StateReserved}},
	}, {ID: "mov_2", ProductID: depotOther, Reference: ref("r")}}), nil
}

func (d depot) orders() []*redline.Order {
	o := small{}.order()
	o.ID, o.ShipTo, o.PlacedAt, o.Lines[1].Total = depotOrder, nil, depotTime, depotMoney("3.14")
	o.FulfillmentOrders[0].Fulfillments = []*redline.Fulfillment{{
		ID: "ship_1", Status: redline.ShipmentShipped, Carrier: ref("c"), TrackingURL: ref("https://example.com/?a=b&c"), ShippedAt: &depotTime,
		Lines: []*redline.FulfillmentLine{{OrderLine: o.Lines[0], Quantity: 1}, {Quantity: 2}},
	}}
	o.FulfillmentOrders[1].LocationID, o.FulfillmentOrders[1].SupplierID = depotLocation, ref(depotSupplier)
	o.FulfillmentOrders[2].Order = nil
	for _, p := range []*redline.Product{o.Lines[0].Product} {
		p.Availability, p.SupplierItems = nil, nil
	}
	o.Returns = []*redline.Return{{
		ID: depotReturn, Order: o, Status: redline.ReturnPartiallyReceived, Reason: ref("broken"), Version: 2, CreatedAt: depotTime,
		Lines: []*redline.ReturnLine{{ID: "retline_1", OrderLine: o.Lines[0], Quantity: 3, Restocked: 1, WrittenOff: 1}, {ID: "retline_2"}},
	}}
	return []*redline.Order{o, {ID: "ord_2", Lines: []*redline.OrderLine{}, History: []*redline.OrderStatusChange{}}}
}

func (d depot) OrderBy(_ context.Context, _ redline.Principal, by redline.OrderBy, _ redline.OrderParts) (*redline.Order, error) {
	if by.ID == nil {
		return nil, redline.NotFound(nil, "no such order")
	}
	return d.orders()[0], nil
}

func (d depot) Orders(
	context.Context, redline.Principal, redline.OrderFilter, redline.OrderSort, redline.PageRequest, redline.OrderParts,
) (*redline.Page[*redline.Order], error) {
	return page(d.orders()), nil
}

func (d depot) OrdersByID(context.Context, redline.Principal, []string) (map[string]*redline.Order, error) {
	return byID(d.orders(), func(o *redline.Order) string { return o.ID }), nil
}

func (d depot) OrderLinesByID(context.Context, redline.Principal, []string) (map[string]*redline.OrderLine, error) {
	return map[string]*redline.OrderLine{depotLine: d.orders()[0].Lines[0]}, nil
}

func (d depot) LoadOrders(_ context.Context, _ redline.Principal, orders []*redline.Order, _ redline.OrderParts) error {
	for _, o := range orders {
		if o.FulfillmentOrders == nil {
			o.FulfillmentOrders = []*redline.FulfillmentOrder{{ID: "fo_9", Order: o}}
		}
		if o.Returns == nil {
			o.Returns = []*redline.Return{{ID: "ret_9"}}
		}
		if o.History == nil {
			o.History = []*redline.OrderStatusChange{{To: redline.OrderPending, At: depotTime}}
		}
	}
	return nil
}

func (d depot) FulfillmentOrders(
	context.Context, redline.Principal, redline.FulfillmentOrderFilter, redline.PageRequest,
) (*redline.Page[*redline.FulfillmentOrder], error) {
	return page(d.orders()[0].FulfillmentOrders), nil
}

func (d depot) FulfillmentOrdersByID(context.Context, redline.Principal, []string) (map[string]*redline.FulfillmentOrder, error) {
	return byID(d.orders()[0].FulfillmentOrders, func(f *redline.FulfillmentOrder) string { return f.ID }), nil
}

func (depot) AuditEntries(
	context.Context, redline.Principal, redline.AuditFilter, redline.PageRequest,
) (*redline.Page[*redline.AuditEntry], error) {
	return page([]*redline.AuditEntry{{ID: depotAudit, Role: redline.RoleAdmin, Subject: ref("s")}, {ID: "b", At: depotTime}}), nil
}

func (d depot) AuditEntriesByID(context.Context, redline.Principal, []string) (map[string]*redline.AuditEntry, error) {
	return map[string]*redline.AuditEntry{depotAudit: {ID: depotAudit}}, nil
}

func (d depot) ReservationsByID(context.Context, redline.Principal, []string) (map[string]*redline.Reservation, error) {
	return map[string]*redline.Reservation{depotHold: {
		ID: depotHold, Status: redline.ReservationActive, ExpiresAt: depotTime, Version: 1, Lines: []*redline.ReservationLine{
			{Product: d.products()[0], Location: d.locations()[0], Quantity: 2}, {ProductID: "prod_none", LocationID: "loc_none"},
			{ProductID: depotProduct, LocationID: "loc_2", Quantity: 1},
		},
	}}, nil
}

func (d depot) ReturnsByID(context.Context, redline.Principal, []string) (map[string]*redline.Return, error) {
	return map[string]*redline.Return{depotReturn: d.orders()[0].Returns[0]}, nil
}

func (depot) conflicts() []*redline.Conflict {
	return []*redline.Conflict{
		{
			ID: depotConflict, Kind: redline.ConflictOversold, Status: redline.ConflictOpen, SupplierID: ref(depotSupplier), SubjectID: ref(depotLevel),
			Summary: "s", Facts: redline.Attributes{{Name: "a", Value: "b"}, {Name: "c"}}, OpenedAt: depotTime,
		},
		{ID: "conf_2", SubjectID: ref(depotOrder), SupplierID: ref("sup_none"), Resolution: ref("r"), ResolvedAt: &depotTime},
		{ID: "conf_3", SubjectID: ref(depotSupplier)},
		{ID: "conf_4", SubjectID: ref("nothing")},
		{ID: "conf_5", Version: math.MaxInt32 + 1},
	}
}

func (d depot) Conflicts(
	context.Context, redline.Principal, redline.ConflictFilter, redline.PageRequest,
) (*redline.Page[*redline.Conflict], error) {
	return page(d.conflicts()), nil
}

func (d depot) ConflictsByID(context.Context, redline.Principal, []string) (map[string]*redline.Conflict, error) {
	return byID(d.conflicts(), func(c *redline.Conflict) string { return c.ID }), nil
}

func (d depot) clients() []*redline.Client {
	return []*redline.Client{
		{
			ID: depotClient, Name: "ERP", Role: redline.RoleSupplier, Scopes: []string{redline.ScopeOrdersRead}, Suppliers: d.suppliers(),
			Secrets: []*redline.ClientSecret{{CreatedAt: depotTime}, {CreatedAt: depotTime, ExpiresAt: ref(depotTime)}}, CreatedAt: depotTime,
			CreatedBy: "ada", LastUsedAt: ref(depotTime), Version: 2,
		},
		{ID: "cli_2", Role: redline.RoleAdmin, RevokedAt: ref(depotTime), Version: math.MaxInt32 + 1},
	}
}

func (d depot) Clients(
	context.Context, redline.Principal, redline.ClientFilter, redline.PageRequest,
) (*redline.Page[*redline.Client], error) {
	return page(d.clients()), nil
}

func (d depot) ClientsByID(context.Context, redline.Principal, []string) (map[string]*redline.Client, error) {
	return byID(d.clients(), func(c *redline.Client) string { return c.ID }), nil
}

func (depot) ClientRotateSecret(_ context.Context, _ redline.Principal, in redline.ClientRotateSecretInput) (string, redline.Outcome, error) {
	if in.OverlapSeconds == 0 {
		return in.ClientID, redline.Outcome{Replayed: true}, nil
	}
	return in.ClientID, redline.Outcome{Secret: "rls_<secret>"}, nil
}

func (depot) RefusedAtDoor(context.Context, redline.Principal, string, redline.ErrorCode) {}

func (depot) OrderHold(_ context.Context, _ redline.Principal, in redline.OrderHoldInput) (string, redline.Outcome, error) {
	if in.Reason == "no" {
		return small{}.OrderHold(context.Background(), redline.Principal{}, in)
	}
	return depotOrder, redline.Outcome{EventID: 7, Replayed: in.Reason == "again"}, nil
}

func (d depot) InventoryTransfer(context.Context, redline.Principal, redline.InventoryTransferInput) (*redline.InventoryResult, error) {
	short := redline.Errorf(redline.CodeInsufficientStock, []string{"changes", "1"}, "too few")
	short.Product = d.products()[0]
	again := redline.Errorf(redline.CodeIdempotencyInProgress, nil, "wait")
	again.RetryAfter = time.Second
	return &redline.InventoryResult{Rows: []*redline.InventoryRow{
		{Level: d.levels()[0]}, {Index: 1, Errors: redline.Errors{short, again, redline.NotFound(nil, "none")}},
	}}, nil
}

func (d depot) SupplierFeedSubmit(_ context.Context, _ redline.Principal, in redline.SupplierFeedInput) (*redline.FeedResult, error) {
	if in.DryRun {
		return nil, redline.Errorf(redline.CodeSequenceStale, []string{"sequence"}, "too old")
	}
	unknown := redline.Errorf(redline.CodeUnmappedSKU, []string{"rows", "2", "supplierSku"}, "unknown")
	return &redline.FeedResult{
		InventoryResult: redline.InventoryResult{Rows: []*redline.InventoryRow{
			{LevelID: depotLevel}, {Index: 1, LevelID: "lvl_none"}, {Index: 2, Errors: redline.Errors{unknown}}, {Index: 3, Level: d.levels()[0]},
		}, Outcome: redline.Outcome{EventID: 8}},
		Applied: 2, Rejected: 1, Conflicts: d.conflicts()[:2],
	}, nil
}

func (d depot) ConflictResolve(_ context.Context, _ redline.Principal, in redline.ConflictResolveInput) (string, redline.Outcome, error) {
	return in.ConflictID, redline.Outcome{}, nil
}

func (d depot) ReservationRelease(_ context.Context, _ redline.Principal, in redline.ReservationReleaseInput) (string, redline.Outcome, error) {
	return in.ReservationID, redline.Outcome{EventID: 9}, nil
}

func (d depot) ReturnCancel(_ context.Context, _ redline.Principal, in redline.ReturnCancelInput) (string, redline.Outcome, error) {
	return in.ReturnID, redline.Outcome{EventID: 9}, nil
}

func (d depot) SupplierTermsSet(_ context.Context, _ redline.Principal, in redline.SupplierTermsSetInput) (string, redline.Outcome, error) {
	return in.SupplierID, redline.Outcome{}, nil
}

func (d depot) SupplierItemUpsert(context.Context, redline.Principal, redline.SupplierItemUpsertInput) (string, redline.Outcome, error) {
	return "sitem_1", redline.Outcome{}, nil
}

func (d depot) SupplierItemsByID(context.Context, redline.Principal, []string) (map[string]*redline.SupplierItem, error) {
	return byID(d.items(), func(i *redline.SupplierItem) string { return i.ID }), nil
}

// EventsBetween has events of each type, some of which are told as two.
func (d depot) EventsBetween(_ context.Context, after, upTo int64, types []string, limit int) (redline.EventBatch, error) {
	batch := redline.EventBatch{UpTo: upTo, Newest: upTo}
	levels := d.levels()
	for _, e := range []*redline.Event{
		{Level: &redline.LevelEvent{
			Level: *levels[0], SKU: "BRK-1", Category: "brakes", LocationCode: "ACME-1", SupplierCode: ref("acme"), Active: true,
			Reason: redline.ReasonSold, Changes: []redline.QuantityChange{{State: redline.StateOnHand, Delta: -4, After: 5}},
		}},
		{Level: &redline.LevelEvent{Level: *levels[2], SKU: "x", Active: true, Before: redline.LevelBefore{Available: 1}}},
		{Order: &redline.OrderEvent{Order: *d.orders()[0], From: ref(redline.OrderPending), To: redline.OrderPending, Suppliers: []string{"acme"}}},
		{Conflict: &redline.ConflictEvent{Conflict: *d.conflicts()[0], SupplierCode: ref("acme")}},
		{Conflict: &redline.ConflictEvent{Conflict: *d.conflicts()[4]}},
		{Level: &redline.LevelEvent{Level: *levels[1], SKU: "BRK-2", SupplierCode: ref("acme")}},
		{Kept: redline.EventPlaces},
	} {
		if slices.Contains(types, e.Type()) && len(batch.Events) < limit {
			e.ID, e.At = after+int64(len(batch.Events)+1), depotTime
			batch.Events = append(batch.Events, e)
		}
	}
	return batch, nil
}

func (depot) LogFloor(context.Context) (int64, error) { return 20, nil }

func (depot) LastIssued(context.Context) (int64, error) { return 42, nil }

// onlyEvent is a log that tells one thing.
type onlyEvent struct{ what redline.Telling }

func (l onlyEvent) Follow(_ context.Context, q *redline.LiveQuery) error {
	q.Tell([]redline.Telling{l.what})
	return nil
}

func (onlyEvent) Head() int64 { return 42 }

func (onlyEvent) Cursor(id int64) string { return redline.Cursor{Epoch: 1, ID: id}.String() }
