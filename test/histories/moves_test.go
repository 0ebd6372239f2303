package histories_test

import (
	"slices"

	"redline"
)

// What calls are made on, where there is such a one.
var (
	notHeld   = []redline.OrderStatus{redline.OrderPending, redline.OrderProcessing, redline.OrderPartiallyShipped}
	submitted = []redline.FulfillmentOrderStatus{redline.PartSubmitted}
	taken     = []redline.FulfillmentOrderStatus{redline.PartAccepted, redline.PartPartiallyAccepted, redline.PartInProgress}
	asked     = []redline.FulfillmentOrderStatus{redline.PartCancellationRequested}
	shippable = []redline.FulfillmentOrderStatus{redline.PartSubmitted, redline.PartAccepted, redline.PartPartiallyAccepted, redline.PartInProgress}
)

// moves are all that callers do to stock and orders.
var moves = []move{
	{what: "adjust", make: func(w *world, s step) {
		w.do(s, "adjust", func(key string) outcome {
			return counted(w.InventoryAdjust(w.ctx, w.stockist(s), redline.InventoryAdjustInput{
				IdempotencyKey: key, Reason: redline.ReasonCorrected, Reference: &key, OnRowError: redline.SkipRow,
				Changes: []redline.InventoryChange{{Stock: w.stock(s.On), State: redline.StateOnHand, Delta: s.N - 4 + s.M}, {
					Stock: w.stock(s.On + s.M), State: []redline.InventoryState{redline.StateOnHand, redline.StateSafetyStock, redline.StateUnavailable}[s.N%3],
					Delta: s.M - 3,
				}},
			}))
		})
	}},
	{what: "count", make: func(w *world, s step) {
		basis := redline.CountBasis{Override: ref(true)}
		if s.M%2 == 0 {
			basis = redline.CountBasis{CountedAt: ref(until(s))}
		}
		w.do(s, "count", func(key string) outcome {
			return counted(w.InventorySet(w.ctx, w.stockist(s), redline.InventorySetInput{
				IdempotencyKey: key, Reference: &key, OnRowError: redline.RollBack,
				Counts: []redline.InventoryCount{{Stock: w.stock(s.On), OnHand: s.N, Basis: basis}},
			}))
		})
	}},
	{what: "transfer", make: func(w *world, s step) {
		w.do(s, "transfer", func(key string) outcome {
			return counted(w.InventoryTransfer(w.ctx, w.people.operator, redline.InventoryTransferInput{
				IdempotencyKey: key, ProductID: w.products[s.On%3], FromLocationID: w.locations[s.M%4], ToLocationID: w.locations[s.N%4],
				Quantity: s.N%4 + 1, Reference: &key,
			}))
		})
	}},
	{what: "feed", make: func(w *world, s step) {
		supplier := s.On % 2
		mode := redline.FeedPartial
		if s.N%3 == 0 {
			mode = redline.FeedFull
		}
		measure := redline.FeedOnHand
		if s.M%3 == 0 {
			measure = redline.FeedAvailable
		}
		asOf := until(s)
		w.do(s, "feed", func(key string) outcome {
			result, err := w.SupplierFeedSubmit(w.ctx, w.people.suppliers[supplier], redline.SupplierFeedInput{
				IdempotencyKey: key, Mode: mode, Measure: measure, Sequence: sequence(s), AsOf: asOf, OnRowError: redline.SkipRow,
				Rows: w.rows(s, supplier),
			})
			if err != nil {
				return outcome{err: err}
			}
			return counted(&result.InventoryResult, nil)
		})
	}},
	{what: "reserve", make: func(w *world, s step) {
		id := w.do(s, "reserve", func(key string) outcome {
			return called(w.ReservationCreate(w.ctx, w.people.shop, redline.ReservationCreateInput{
				IdempotencyKey: key, Lines: w.lines(s), TTLSeconds: 600, AllowStale: true,
			}))
		})
		if id != "" {
			w.know(&w.reservations, id)
		}
	}},
	{what: "extend", make: func(w *world, s step) {
		if id := w.one(&w.reservations, s.On); id != "" {
			w.do(s, "extend", func(key string) outcome {
				return called(w.ReservationExtend(w.ctx, w.people.shop, redline.ReservationExtendInput{IdempotencyKey: &key, ReservationID: id, TTLSeconds: 900}))
			})
		}
	}},
	{what: "release", make: func(w *world, s step) {
		if id := w.one(&w.reservations, s.On); id != "" {
			w.do(s, "release", func(key string) outcome {
				return called(w.ReservationRelease(w.ctx, w.people.shop, redline.ReservationReleaseInput{IdempotencyKey: &key, ReservationID: id}))
			})
		}
	}},
	// Time passes, for one reservation.
	{what: "fall due", job: true, make: func(w *world, s step) {
		if id := w.one(&w.reservations, s.On); id != "" {
			if _, err := w.DB().ExecContext(w.ctx, `UPDATE reservations SET expires_at = clock_timestamp() WHERE id = $1 AND status = 'ACTIVE'`, id); err != nil {
				w.fault("letting time pass: %v", err)
			}
		}
	}},
	{what: "place", make: place}, {what: "place", make: place}, {what: "place", make: place},
	{what: "take over", make: func(w *world, s step) {
		held := w.one(&w.reservations, s.On)
		if held == "" {
			return
		}
		id := w.do(s, "take over", func(key string) outcome {
			return called(w.OrderPlace(w.ctx, w.people.shop, redline.OrderPlaceInput{IdempotencyKey: key, ReservationID: &held, AllowStale: true}))
		})
		if id != "" {
			w.know(&w.orders, id)
		}
	}},
	onOrder("cancel", notHeld, func(w *world, _ step, o *redline.Order, key string) outcome {
		return called(w.OrderCancel(w.ctx, w.people.shop, redline.OrderCancelInput{IdempotencyKey: key, OrderID: o.ID, Reason: "changed my mind"}))
	}),
	{what: "ask to cancel", make: func(w *world, s step) {
		taken := func(f *redline.FulfillmentOrder) bool { return f.SupplierID != nil && slices.Contains(taken, f.Status) }
		if o := w.pick(s, func(o *redline.Order) bool { return slices.ContainsFunc(o.FulfillmentOrders, taken) }); o != nil {
			w.do(s, "ask to cancel", func(key string) outcome {
				return called(w.OrderCancel(w.ctx, w.people.operator, redline.OrderCancelInput{IdempotencyKey: key, OrderID: o.ID, Reason: "fraud"}))
			})
		}
	}},
	onOrder("hold", notHeld, func(w *world, _ step, o *redline.Order, key string) outcome {
		return called(w.OrderHold(w.ctx, w.people.operator, redline.OrderHoldInput{IdempotencyKey: &key, OrderID: o.ID, Reason: "fraud check"}))
	}),
	onOrder("go on", []redline.OrderStatus{redline.OrderOnHold}, func(w *world, _ step, o *redline.Order, key string) outcome {
		return called(w.OrderReleaseHold(w.ctx, w.people.operator, redline.OrderReleaseHoldInput{IdempotencyKey: &key, OrderID: o.ID}))
	}),
	onOrder("set status", notHeld, func(w *world, s step, o *redline.Order, key string) outcome {
		to := []redline.OrderStatus{redline.OrderProcessing, redline.OrderShipped, redline.OrderDelivered, redline.OrderCancelled}[s.N%4]
		return called(w.OrderSetStatus(w.ctx, w.people.operator, redline.OrderStatusInput{IdempotencyKey: key, OrderID: o.ID, Status: to}))
	}),
	onPart("accept", submitted, accept), onPart("accept", submitted, accept),
	onPart("reject", submitted, func(w *world, _ step, f *redline.FulfillmentOrder, by redline.Principal, key string) outcome {
		return called(w.FulfillmentOrderReject(w.ctx, by, redline.FulfillmentOrderRespondInput{IdempotencyKey: &key, FulfillmentOrderID: f.ID}))
	}),
	onPart("accept cancellation", asked, acceptCancellation), onPart("accept cancellation", asked, acceptCancellation),
	onPart("reject cancellation", asked, rejectCancellation), onPart("reject cancellation", asked, rejectCancellation),
	onPart("ship", shippable, ship), onPart("ship", shippable, ship),
	onShipment("mark shipped", redline.ShipmentPending, markShipped), onShipment("mark shipped", redline.ShipmentPending, markShipped),
	onShipment("deliver", redline.ShipmentShipped, func(w *world, _ step, id string, by redline.Principal, key string) outcome {
		return called(w.FulfillmentMarkDelivered(w.ctx, by, redline.FulfillmentDeliveredInput{IdempotencyKey: &key, FulfillmentID: id}))
	}),
	onShipment("fail", redline.ShipmentShipped, func(w *world, _ step, id string, by redline.Principal, key string) outcome {
		return called(w.FulfillmentMarkFailed(w.ctx, by, redline.FulfillmentEndInput{IdempotencyKey: &key, FulfillmentID: id, Reason: "lost"}))
	}),
	onShipment("call off", redline.ShipmentPending, callOff), onShipment("call off", redline.ShipmentPending, callOff),
	{what: "announce a return", make: func(w *world, s step) {
		o := w.pick(s, func(o *redline.Order) bool {
			return slices.ContainsFunc(o.Lines, func(l *redline.OrderLine) bool { return l.Shipped > l.Returned })
		})
		if o == nil {
			return
		}
		l := o.Lines[s.N%len(o.Lines)]
		id := w.do(s, "announce a return", func(key string) outcome {
			return called(w.ReturnCreate(w.ctx, w.people.shop, redline.ReturnCreateInput{
				IdempotencyKey: key, OrderID: o.ID, Lines: []redline.ReturnLineInput{{OrderLineID: l.ID, Quantity: s.M%3 + 1}},
			}))
		})
		if id != "" {
			w.know(&w.returns, id)
		}
	}},
	{what: "receive a return", make: receive}, {what: "receive a return", make: receive}, {what: "receive a return", make: receive},
	{what: "give up a return", make: func(w *world, s step) {
		if id := w.one(&w.returns, s.On); id != "" {
			w.do(s, "give up a return", func(key string) outcome {
				return called(w.ReturnCancel(w.ctx, w.people.shop, redline.ReturnCancelInput{IdempotencyKey: &key, ReturnID: id}))
			})
		}
	}},
	{what: "settle a conflict", make: func(w *world, s step) {
		status := redline.ConflictOpen
		page, err := w.Conflicts(w.ctx, w.people.suppliers[s.On%2], redline.ConflictFilter{Status: &status}, redline.PageRequest{})
		if err != nil {
			w.fault("listing conflicts: %v", err)
			return
		}
		if len(page.Items) == 0 {
			return
		}
		c := page.Items[s.N%len(page.Items)]
		to := redline.ConflictResolved
		if s.M == 0 {
			to = redline.ConflictDismissed
		}
		in := redline.ConflictResolveInput{ConflictID: c.ID, Status: to, Resolution: "so be it"}
		if c.Kind == redline.ConflictUnmappedSKU && to == redline.ConflictResolved {
			in.Mapping = &redline.ConflictMappingInput{ProductID: w.products[s.On%3], Unit: redline.UnitCase, PackQuantity: pack}
		}
		w.do(s, "settle a conflict", func(key string) outcome {
			in := in // two calls have one key each
			in.IdempotencyKey = &key
			return called(w.ConflictResolve(w.ctx, w.people.operator, in))
		})
	}},
	{what: "repack", make: func(w *world, s step) {
		supplier := s.On % 2
		w.do(s, "repack", func(key string) outcome {
			return called(w.SupplierItemUpsert(w.ctx, w.people.suppliers[supplier], redline.SupplierItemUpsertInput{
				IdempotencyKey: &key, ProductID: w.products[s.M%3], SupplierSKU: w.sku(supplier, s.M%3), Unit: redline.UnitCase,
				PackQuantity: s.N%4 + 2, MinimumOrderQuantity: 1, OrderMultiple: 1, LeadTimeDays: &s.N,
			}))
		})
	}},
	{what: "agree on terms", make: func(w *world, s step) {
		w.do(s, "agree on terms", func(key string) outcome {
			return called(w.SupplierTermsSet(w.ctx, w.people.operator, redline.SupplierTermsSetInput{
				IdempotencyKey: &key, SupplierID: w.suppliers[s.On%2], ConfirmWithinSeconds: ref(s.M * 3600), ZeroingLimitPercent: ref(s.N * 9),
			}))
		})
	}},
	// Time passes, for all that a supplier has told us.
	{what: "fall silent", job: true, make: func(w *world, s step) {
		if _, err := w.DB().ExecContext(w.ctx, `WITH silent AS (UPDATE suppliers SET stale_due_at = '-infinity' WHERE id = $1)
			UPDATE inventory_levels SET as_of = as_of - interval '1 day' WHERE location_id = $2 AND version > 0`,
			w.suppliers[s.On%2], w.locations[2+s.On%2]); err != nil {
			w.fault("letting time pass: %v", err)
		}
	}},
	job("mark stale", func(w *world) (int, error) { return w.MarkStale(w.ctx) }),
	job("expire", func(w *world) (int, error) { return w.ExpireReservations(w.ctx) }),
	job("fill", func(w *world) (int, error) { return w.FillBackorders(w.ctx) }),
}

func place(w *world, s step) {
	id := w.do(s, "place", func(key string) outcome {
		return called(w.OrderPlace(w.ctx, w.people.shop, redline.OrderPlaceInput{
			IdempotencyKey: key, ExternalReference: &key, Lines: w.lines(s), AllowBackorder: s.M >= 3, AllowStale: true,
		}))
	})
	if id != "" {
		w.know(&w.orders, id)
	}
}

func ship(w *world, s step, f *redline.FulfillmentOrder, by redline.Principal, key string) outcome {
	in := redline.FulfillmentCreateInput{IdempotencyKey: key, FulfillmentOrderID: f.ID, Pending: s.M < 3}
	if s.On%2 == 0 {
		l := f.Lines[s.M%len(f.Lines)]
		in.Lines = []redline.ShipLine{{LineID: l.ID, Quantity: min(s.N%4+1, l.Quantity+s.M/6)}}
	}
	return called(w.FulfillmentCreate(w.ctx, by, in))
}

func accept(w *world, s step, f *redline.FulfillmentOrder, by redline.Principal, key string) outcome {
	in := redline.FulfillmentOrderRespondInput{IdempotencyKey: &key, FulfillmentOrderID: f.ID}
	if s.On%2 == 0 {
		for i, l := range f.Lines {
			in.Lines = append(in.Lines, redline.LineResponse{LineID: l.ID, Accepted: max(l.Quantity-s.M-i, 0)})
		}
	}
	return called(w.FulfillmentOrderAccept(w.ctx, by, in))
}

func acceptCancellation(w *world, _ step, f *redline.FulfillmentOrder, by redline.Principal, key string) outcome {
	return called(w.FulfillmentOrderAcceptCancellation(w.ctx, by, redline.FulfillmentOrderRespondInput{IdempotencyKey: &key, FulfillmentOrderID: f.ID}))
}

func rejectCancellation(w *world, _ step, f *redline.FulfillmentOrder, by redline.Principal, key string) outcome {
	return called(w.FulfillmentOrderRejectCancellation(w.ctx, by, redline.FulfillmentOrderRespondInput{IdempotencyKey: &key, FulfillmentOrderID: f.ID}))
}

func markShipped(w *world, _ step, id string, by redline.Principal, key string) outcome {
	return called(w.FulfillmentMarkShipped(w.ctx, by, redline.FulfillmentShippedInput{IdempotencyKey: &key, FulfillmentID: id}))
}

func callOff(w *world, _ step, id string, by redline.Principal, key string) outcome {
	return called(w.FulfillmentCancel(w.ctx, by, redline.FulfillmentEndInput{IdempotencyKey: &key, FulfillmentID: id, Reason: "damaged"}))
}

func receive(w *world, s step) {
	id := w.one(&w.returns, s.On)
	if id == "" {
		return
	}
	found, err := w.ReturnsByID(w.ctx, w.people.operator, []string{id})
	if err != nil || found[id] == nil {
		w.fault("reading return %s: %v", id, err)
		return
	}
	l := found[id].Lines[0]
	w.do(s, "receive a return", func(key string) outcome {
		return called(w.ReturnReceive(w.ctx, w.people.operator, redline.ReturnReceiveInput{
			IdempotencyKey: key, ReturnID: id, LocationID: &w.locations[s.N%2],
			Lines: []redline.ReturnReceiptInput{{LineID: l.ID, Restock: min(s.M%3, l.Quantity), WriteOff: s.N % 2}},
		}))
	})
}
