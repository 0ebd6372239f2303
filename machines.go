package redline

import "slices"

type partStatuses = []FulfillmentOrderStatus

// PartMachine is what may become of a fulfilment order. Nothing of it but what
// has happened moves while the order is held.
//
// A part is cancelled at once where nobody has taken it on, or where it is our
// own; else its supplier is asked. A supplier that ships what it was asked to
// cancel has answered that, and one that ships after the end is taken by its
// word.
var PartMachine = &Machine[FulfillmentOrderStatus]{
	Name: "fulfillment order", Start: PartSubmitted,
	Moves: slices.Concat(
		moves(ActAccept, partStatuses{PartSubmitted}, partStatuses{PartAccepted}),
		moves(ActAcceptSome, partStatuses{PartSubmitted}, partStatuses{PartPartiallyAccepted}),
		moves(ActReject, partStatuses{PartSubmitted}, partStatuses{PartRejected}),
		moves(ActPrepare, partStatuses{PartSubmitted, PartAccepted, PartPartiallyAccepted, PartInProgress}, partStatuses{PartInProgress}),
		moves(ActShip, openStatuses, partStatuses{PartInProgress, PartClosed}),
		moves(ActCancel, partStatuses{PartSubmitted, PartAccepted, PartPartiallyAccepted}, partStatuses{PartCancelled}),
		moves(ActCancel, partStatuses{PartInProgress}, partStatuses{PartCancelled, PartClosed}),
		moves(ActAsk, partStatuses{PartAccepted, PartPartiallyAccepted, PartInProgress}, partStatuses{PartCancellationRequested}),
		moves(ActAcceptCancellation, partStatuses{PartCancellationRequested}, partStatuses{PartCancelled, PartClosed}),
		moves(ActRejectCancellation, partStatuses{PartCancellationRequested}, partStatuses{PartAccepted, PartPartiallyAccepted, PartInProgress}),
		moves(ActWithdraw, partStatuses{PartSubmitted, PartAccepted, PartPartiallyAccepted}, partStatuses{PartCancelled}),
		moves(ActWithdraw, partStatuses{PartInProgress, PartCancellationRequested}, partStatuses{PartCancelled, PartClosed}),
		moves(ActShipLate, partStatuses{PartRejected, PartCancelled, PartClosed}, partStatuses{PartClosed}),
	),
}

type shipmentStatuses = []FulfillmentStatus

// ShipmentMachine is what may become of a shipment.
var ShipmentMachine = &Machine[FulfillmentStatus]{
	Name: "shipment", Start: ShipmentPending,
	Moves: slices.Concat(
		moves(ActShip, shipmentStatuses{ShipmentPending}, shipmentStatuses{ShipmentShipped}),
		moves(ActCancel, shipmentStatuses{ShipmentPending}, shipmentStatuses{ShipmentCancelled}),
		moves(ActDeliver, shipmentStatuses{ShipmentShipped}, shipmentStatuses{ShipmentDelivered}),
		moves(ActFail, shipmentStatuses{ShipmentShipped}, shipmentStatuses{ShipmentFailed}),
		moves(ActShipLate, shipmentStatuses{ShipmentCancelled}, shipmentStatuses{ShipmentShipped}),
	),
}

// OrderMachine is what an order rolls up through. Its status follows from its
// lines, parts and shipments, and is set by nobody: the actions are what is done
// to those.
var OrderMachine = &Machine[OrderStatus]{
	Name: "order", Start: OrderPending,
	Moves: []Move[OrderStatus]{
		{OrderPending, ActAccept, OrderProcessing},
		{OrderPending, ActAcceptSome, OrderProcessing},
		{OrderPending, ActPrepare, OrderProcessing},
		{OrderPending, ActShip, OrderPartiallyShipped},
		{OrderPending, ActShip, OrderShipped},
		{OrderPending, ActShipLate, OrderPartiallyShipped},
		{OrderPending, ActShipLate, OrderShipped},
		{OrderPending, ActCancel, OrderCancelled},
		{OrderProcessing, ActWithdraw, OrderPending},
		{OrderProcessing, ActShip, OrderPartiallyShipped},
		{OrderProcessing, ActShip, OrderShipped},
		{OrderProcessing, ActShipLate, OrderPartiallyShipped},
		{OrderProcessing, ActCancel, OrderCancelled},
		{OrderPartiallyShipped, ActShip, OrderShipped},
		{OrderPartiallyShipped, ActShipLate, OrderShipped},
		{OrderPartiallyShipped, ActCancel, OrderShipped},
		{OrderPartiallyShipped, ActCancel, OrderDelivered},
		// A supplier was asked to cancel, and does; or its stock is gone, which comes
		// to the same.
		{OrderProcessing, ActAcceptCancellation, OrderPending},
		{OrderProcessing, ActAcceptCancellation, OrderCancelled},
		{OrderProcessing, ActWithdraw, OrderCancelled},
		{OrderPartiallyShipped, ActAcceptCancellation, OrderShipped},
		{OrderPartiallyShipped, ActAcceptCancellation, OrderDelivered},
		{OrderPartiallyShipped, ActWithdraw, OrderShipped},
		{OrderPartiallyShipped, ActWithdraw, OrderDelivered},
		{OrderShipped, ActDeliver, OrderDelivered},
		{OrderCancelled, ActShipLate, OrderShipped},
		{OrderDelivered, ActShipLate, OrderShipped},
		{OrderPending, ActHold, OrderOnHold},
		{OrderProcessing, ActHold, OrderOnHold},
		{OrderPartiallyShipped, ActHold, OrderOnHold},
		{OrderOnHold, ActRelease, OrderPending},
		{OrderOnHold, ActRelease, OrderProcessing},
		{OrderOnHold, ActRelease, OrderPartiallyShipped},
		// What a supplier was asked to cancel can end while the order is held.
		{OrderOnHold, ActRelease, OrderShipped},
		{OrderOnHold, ActRelease, OrderDelivered},
		{OrderOnHold, ActRelease, OrderCancelled},
	},
}

// ReturnMachine is what may become of a return.
var ReturnMachine = &Machine[ReturnStatus]{
	Name: "return", Start: ReturnRequested,
	Moves: []Move[ReturnStatus]{
		{ReturnRequested, ActReceiveSome, ReturnPartiallyReceived},
		{ReturnRequested, ActReceive, ReturnReceived},
		{ReturnRequested, ActCancel, ReturnCancelled},
		{ReturnPartiallyReceived, ActReceiveSome, ReturnPartiallyReceived},
		{ReturnPartiallyReceived, ActReceive, ReturnReceived},
		{ReturnPartiallyReceived, ActCancel, ReturnReceived},
	},
}

// ReservationMachine is what may become of a reservation, once.
var ReservationMachine = &Machine[ReservationStatus]{
	Name: "reservation", Start: ReservationActive,
	Moves: []Move[ReservationStatus]{
		{ReservationActive, ActTakeOver, ReservationCommitted},
		{ReservationActive, ActRelease, ReservationReleased},
		{ReservationActive, ActExpire, ReservationExpired},
	},
}

// ConflictMachine is what may become of a conflict, once.
var ConflictMachine = &Machine[ConflictStatus]{
	Name: "conflict", Start: ConflictOpen,
	Moves: []Move[ConflictStatus]{
		{ConflictOpen, ActResolve, ConflictResolved},
		{ConflictOpen, ActDismiss, ConflictDismissed},
	},
}
