package test_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"redline"
	"redline/auth"
)

// The two suppliers of this file, with a product of each.
const (
	mine, mySKU       = "exotic-liquids", "NW-003"
	theirs, theirSKU  = "grandma-kellys-homestead", "NW-006"
	theirsSupplierSKU = "6"
	// Another product of theirs, which changes.
	theirOther, theirOtherSupplierSKU = "NW-007", "7"
)

// stranger is what one supplier has: ids and names that another must not get to
// by any path. Made of nothing it is the ids of what doesn't exist.
type stranger struct {
	level, movement, item, order, number, line, part, partLine, shipment, audit, reservation, returned, returnLine, conflict, client string
	// What anybody may know.
	product, location, supplier string
}

// theirThings lets the other supplier have one of everything.
func theirThings(t *testing.T, s *server, sku string) stranger {
	t.Helper()
	operator, shop, supplier := s.as(operatorToken(t)), s.as(shopToken(t, "strangers.example")), s.as(supplierToken(t, theirs))
	operator.adjust(t, sku, theirs, "ON_HAND", 100)
	placed := shop.place(t, orderInput(vars{"name": "Theirs"}, map[string]int{sku: 2}))
	x := stranger{
		order: placed.text("order.id"), number: placed.text("order.number"), line: placed.text("order.lines.0.id"),
		part: placed.text("order.fulfillmentOrders.0.id"), partLine: placed.text("order.fulfillmentOrders.0.lines.0.id"),
	}
	shipped := supplier.do(t, "fulfillmentCreate", vars{
		"idempotencyKey": newKey(), "fulfillmentOrderId": x.part, "lines": []any{vars{"lineId": x.partLine, "quantity": 1}},
	}, `fulfillmentOrder { fulfillments { id } location { id } supplier { id } }`)
	x.reservation = shop.do(t, "reservationCreate", vars{
		"idempotencyKey": newKey(), "lines": []any{vars{"sku": sku, "quantity": 1}}, "ttlSeconds": 86_400,
	}, `reservation { id }`).text("reservation.id")
	returned := shop.do(t, "returnCreate", vars{
		"idempotencyKey": newKey(), "orderId": x.order, "lines": []any{vars{"orderLineId": x.line, "quantity": 1}},
	}, `return { id lines { id } }`)
	x.returned, x.returnLine = returned.text("return.id"), returned.text("return.lines.0.id")
	x.conflict = supplier.feed(t, vars{"rows": []any{vars{"supplierSku": newKey(), "quantity": 1}}}, `conflicts { id }`).text("conflicts.0.id")
	x.client = s.as(adminToken(t)).do(t, "clientCreate", vars{
		"idempotencyKey": newKey(), "name": "Theirs", "role": "SUPPLIER", "supplierCodes": []any{theirs},
	}, `client { id }`).text("client.id")
	x.shipment, x.location, x.supplier = shipped.text("fulfillmentOrder.fulfillments.0.id"), shipped.text("fulfillmentOrder.location.id"), shipped.text("fulfillmentOrder.supplier.id")
	found := operator.ask(t, `query($sku: String!, $location: ID!, $order: ID!) {
		product(by: {sku: $sku}) { id supplierItems { id } inventory { levels { id } } }
		inventoryMovements(filter: {locationIds: [$location]}, first: 1) { nodes { id } }
		auditEntries(subject: $order, first: 1) { nodes { id } } }`, vars{"sku": sku, "location": x.location, "order": x.order})
	x.product, x.item, x.level = found.text("product.id"), found.text("product.supplierItems.0.id"), found.text("product.inventory.levels.0.id")
	x.movement, x.audit = found.text("inventoryMovements.nodes.0.id"), found.text("auditEntries.nodes.0.id")
	for name, id := range x.secrets() {
		if id == "" {
			t.Fatalf("they have no %s", name)
		}
	}
	return x
}

// nobodys is the like of a stranger's things, of what doesn't exist.
func (x stranger) nobodys() stranger {
	return stranger{
		level: redline.NewID(redline.PrefixLevel), movement: redline.NewID(redline.PrefixMovement), item: redline.NewID(redline.PrefixSupplierItem),
		order: redline.NewID(redline.PrefixOrder), number: "99999999", line: redline.NewID(redline.PrefixOrderLine),
		part: redline.NewID(redline.PrefixFulfillmentOrder), partLine: redline.NewID(redline.PrefixFulfillmentOrderLine),
		shipment: redline.NewID(redline.PrefixFulfillment), audit: redline.NewID(redline.PrefixAuditEntry),
		reservation: redline.NewID(redline.PrefixReservation), returned: redline.NewID(redline.PrefixReturn),
		returnLine: redline.NewID(redline.PrefixReturnLine), conflict: redline.NewID(redline.PrefixConflict),
		client:  redline.NewID(redline.PrefixClient),
		product: x.product, location: redline.NewID(redline.PrefixLocation), supplier: redline.NewID(redline.PrefixSupplier),
	}
}

func (x stranger) secrets() map[string]string {
	return map[string]string{
		"level": x.level, "movement": x.movement, "item": x.item, "order": x.order, "number": x.number, "line": x.line,
		"part": x.part, "partLine": x.partLine, "shipment": x.shipment, "audit": x.audit,
		"reservation": x.reservation, "returned": x.returned, "returnLine": x.returnLine, "conflict": x.conflict,
		"client": x.client,
	}
}

// vars are the things as variables of every operation below.
func (x stranger) vars() vars {
	v := vars{"product": x.product, "location": x.location, "supplier": x.supplier}
	for name, id := range x.secrets() {
		v[name] = id
	}
	return v
}

// blind takes the ids and numbers that were asked with out of an answer.
func (x stranger) blind(body string) string {
	for _, name := range slices.Sorted(maps.Keys(x.vars())) {
		body = strings.ReplaceAll(body, fmt.Sprint(x.vars()[name]), "<"+name+">")
	}
	return body
}

// probe is an operation with a stranger's things.
type probe struct {
	document string
	// public says that the answer tells of what anybody may know, so that it
	// differs from that of what doesn't exist. What is secret mustn't be in it.
	public bool
}

// probes ask with a stranger's things for each field of Query and Mutation.
var probes = map[string][]probe{
	// As others change things, two answers differ whoever asks; what is another's
	// mustn't be in any.
	"events": {{public: true, document: `{ events(first: 250) { nodes { __typename
		... on InventoryEvent { level { id } } ... on ConflictEvent { conflict { id } }
		... on OrderEvent { order { id number lines { id } fulfillmentOrders { id lines { id } } } fulfillmentOrder { id } } } } }`}},
	"node": {
		{document: `query($level: ID!, $movement: ID!, $item: ID!, $order: ID!) { a: node(id: $level) { id } b: node(id: $movement) { id }
			c: node(id: $item) { id } d: node(id: $order) { id } }`},
		{document: `query($line: ID!, $part: ID!, $partLine: ID!, $shipment: ID!, $audit: ID!) { e: node(id: $line) { id } f: node(id: $part) { id }
			g: node(id: $partLine) { id } h: node(id: $shipment) { id } i: node(id: $audit) { id } }`},
		{document: `query($reservation: ID!, $returned: ID!, $conflict: ID!, $client: ID!) { j: node(id: $reservation) { id } k: node(id: $returned) { id }
			l: node(id: $conflict) { id } m: node(id: $client) { id } }`},
		{public: true, document: `query($supplier: ID!) { node(id: $supplier) { ... on Supplier { code lastSeenAt status terms { version } items { nodes { id supplierSku } totalCount } feeds { nodes { id } totalCount } } } }`},
		{public: true, document: `query($product: ID!) { node(id: $product) { ... on Product { inventory { onHand available levels { id onHand } }
			supplierItems { id supplierSku cost { amount } } } } }`},
	},
	"nodes": {{document: `query($level: ID!, $movement: ID!, $item: ID!, $order: ID!, $line: ID!, $part: ID!, $shipment: ID!, $audit: ID!,
		$reservation: ID!, $returned: ID!, $conflict: ID!, $client: ID!) {
		nodes(ids: [$level, $movement, $item, $order, $line, $part, $shipment, $audit, $reservation, $returned, $conflict, $client]) { id } }`}},
	"viewer": {{document: `{ viewer { subject suppliers { code items { nodes { id } } } } }`}},
	"product": {
		{document: `query($supplier: ID!) { product(by: {supplierSku: {supplierId: $supplier, sku: "` + theirsSupplierSKU + `"}}) { id } }`},
		{document: `query($product: ID!) { product(by: {id: $product}) { inventory { onHand available incoming low levels { id } } supplierItems { id } } }`},
	},
	"products": {
		{public: true, document: `query($supplier: ID!) { products(filter: {supplierId: $supplier}) { totalCount nodes { inventory { onHand levels { id } } supplierItems { id } } } }`},
	},
	"suppliers": {{document: `{ suppliers(first: 250) { nodes { code lastSeenAt items(first: 250) { totalCount nodes { id supplierSku } } feeds { totalCount nodes { id actor } } } } }`}},
	"locations": {{document: `{ locations { code supplier { code lastSeenAt items { nodes { id } } } } }`}},
	"inventoryLevels": {
		{document: `query($product: ID!) { inventoryLevels(filter: {productIds: [$product]}) { totalCount nodes { id } } }`},
		{document: `query($location: ID!) { inventoryLevels(filter: {locationIds: [$location]}) { totalCount nodes { id } } }`},
		{document: `query($supplier: ID!) { inventoryLevels(filter: {supplierId: $supplier, skus: ["` + theirSKU + `"]}) { totalCount nodes { id } } }`},
		{document: `{ inventoryLevels(first: 250) { nodes { id product { sku } location { code } } } }`},
	},
	"inventoryMovements": {
		{document: `query($product: ID!, $location: ID!) { inventoryMovements(filter: {productIds: [$product], locationIds: [$location]}) { totalCount nodes { id } } }`},
		{document: `query($number: String!) { inventoryMovements(filter: {reference: $number}) { totalCount nodes { id } } }`},
		{document: `{ inventoryMovements(first: 250) { nodes { id location { code } } } }`},
	},
	"availability": {{document: `query($product: ID!) { availability(lines: [{productId: $product, quantity: 1}]) { available promises { location { code } } } }`}},
	"order": {
		{document: `query($order: ID!) { order(by: {id: $order}) { id number } }`},
		{document: `query($number: String!) { order(by: {number: $number}) { id number } }`},
	},
	"orders": {
		{document: `query($supplier: ID!) { orders(filter: {supplierId: $supplier}) { totalCount nodes { id number lines { product { sku } } fulfillmentOrders { id } } } }`},
		{document: `query($number: String!) { orders(filter: {search: $number}) { totalCount nodes { id number } } }`},
		{document: `query($product: ID!) { orders(filter: {productId: $product}, first: 250) { totalCount nodes { lines { product { sku } } } } }`},
		{document: `{ orders(first: 250, filter: {customerId: "ALFKI"}) { totalCount nodes { id } } }`},
	},
	"fulfillmentOrders": {
		{document: `query($supplier: ID!) { fulfillmentOrders(filter: {supplierId: $supplier}) { totalCount nodes { id } } }`},
		{document: `query($location: ID!) { fulfillmentOrders(filter: {locationId: $location}) { totalCount nodes { id } } }`},
	},
	"reservation": {{document: `query($reservation: ID!) { reservation(id: $reservation) { id status lines { product { sku } } } }`}},
	"conflicts": {
		{document: `{ conflicts(first: 250) { totalCount nodes { id supplier { code } subject { id } facts { value } } } }`},
		{document: `{ conflicts(kind: UNMAPPED_SKU, status: OPEN, first: 250) { totalCount nodes { id summary } } }`},
	},
	"auditEntries": {{document: `query($order: ID!) { auditEntries(subject: $order) { nodes { id } } }`}},
	"clients": {
		{document: `{ clients(first: 250) { totalCount nodes { id name suppliers { code } secrets { createdAt } } } }`},
		{document: `query($supplier: ID!) { clients(supplierId: $supplier) { totalCount nodes { id } } }`},
	},
	"pulse":     {{document: `{ pulse { minutes { orders units } websockets } }`}},
	"eventHead": {{document: `{ eventHead }`, public: true}},

	"inventoryAdjust": {
		change(`{locationId: $location, sku: "`+theirSKU+`"}`, "$location: ID!"),
		change(`{locationId: $location, productId: $product}`, "$location: ID!, $product: ID!"),
		change(`{supplierId: $supplier, supplierSku: "`+theirsSupplierSKU+`"}`, "$supplier: ID!"),
		change(`{supplierSku: "`+theirsSupplierSKU+`"}`, ""),
		change(`{productId: $product}`, "$product: ID!"),
	},
	"inventorySet": {{document: `mutation($location: ID!) { inventorySet(input: {idempotencyKey: "strangers", counts: [{
		stock: {locationId: $location, sku: "` + theirSKU + `"}, onHand: 0, basis: {override: true}}]}) { rows { level { id } } userErrors { code message field } } }`}},
	"inventoryTransfer": {{document: `mutation($location: ID!, $product: ID!) { inventoryTransfer(input: {idempotencyKey: "strangers", productId: $product,
		fromLocationId: $location, toLocationId: $location, quantity: 1}) { rows { level { id } } userErrors { code message field } } }`}},
	"supplierFeedSubmit": {{document: `mutation($supplier: ID!) { supplierFeedSubmit(input: {idempotencyKey: "strangers", supplierId: $supplier, mode: FULL,
		asOf: "2024-05-31T08:00:00Z", rows: [{supplierSku: "` + theirsSupplierSKU + `", quantity: 0}]}) { applied rows { level { id } } conflicts { id }
		userErrors { code message field } } }`}},
	"supplierItemUpsert": {{document: `mutation($supplier: ID!, $product: ID!) { supplierItemUpsert(input: {supplierId: $supplier, productId: $product,
		supplierSku: "` + theirsSupplierSKU + `", unit: CASE, packQuantity: 7}) { supplierItem { id } userErrors { code message field } } }`}},
	"supplierTermsSet": {{document: `mutation($supplier: ID!) { supplierTermsSet(input: {supplierId: $supplier, zeroingLimitPercent: 100}) {
		supplier { id } userErrors { code message field } } }`}},
	"reservationCreate": {{public: true, document: `mutation($product: ID!, $location: ID!) { reservationCreate(input: {idempotencyKey: "strangers",
		lines: [{productId: $product, locationId: $location, quantity: 1000000000}]}) { reservation { id } userErrors { code } } }`}},
	"reservationExtend": {{document: `mutation($reservation: ID!) { reservationExtend(input: {reservationId: $reservation, ttlSeconds: 1, expectedVersion: 99}) {
		reservation { id } userErrors { __typename code message field } } }`}},
	"reservationRelease": {{document: `mutation($reservation: ID!) { reservationRelease(input: {reservationId: $reservation}) {
		reservation { id } userErrors { __typename code message field } } }`}},
	"orderPlace": {{document: `mutation($reservation: ID!) { orderPlace(input: {idempotencyKey: "strangers", customer: {}, reservationId: $reservation}) {
		order { id } userErrors { code message field } } }`}},
	"orderCancel":      {{document: `mutation($order: ID!) { orderCancel(input: {idempotencyKey: "strangers", orderId: $order, reason: "r"}) { order { id } } }`}},
	"orderHold":        {{document: `mutation($order: ID!) { orderHold(input: {orderId: $order, reason: "r"}) { order { id } } }`}},
	"orderReleaseHold": {{document: `mutation($order: ID!) { orderReleaseHold(input: {orderId: $order}) { order { id } } }`}},
	"orderSetStatus": {
		{document: `mutation($order: ID!) { orderSetStatus(input: {idempotencyKey: "strangers", orderId: $order, status: SHIPPED}) {
			order { id } userErrors { code message field } } }`},
		{document: `mutation($order: ID!) { orderSetStatus(input: {idempotencyKey: "strangers", orderId: $order, status: DELIVERED, expectedVersion: 1}) {
			order { id } userErrors { __typename code message field } } }`},
	},
	"fulfillmentOrderAccept": {{document: `mutation($part: ID!) { fulfillmentOrderAccept(input: {fulfillmentOrderId: $part, expectedVersion: 99}) {
		fulfillmentOrder { id } userErrors { __typename code message field } } }`}},
	"fulfillmentOrderReject": {{document: `mutation($part: ID!) { fulfillmentOrderReject(input: {fulfillmentOrderId: $part}) {
		fulfillmentOrder { id } userErrors { __typename code message field } } }`}},
	"fulfillmentCreate": {{document: `mutation($part: ID!, $partLine: ID!) { fulfillmentCreate(input: {idempotencyKey: "strangers", fulfillmentOrderId: $part,
		lines: [{lineId: $partLine, quantity: 1}]}) { fulfillmentOrder { id } userErrors { __typename code message field } } }`}},
	"fulfillmentOrderAcceptCancellation": {{document: `mutation($part: ID!) { fulfillmentOrderAcceptCancellation(input: {fulfillmentOrderId: $part}) {
		fulfillmentOrder { id } userErrors { __typename code message field } } }`}},
	"fulfillmentOrderRejectCancellation": {{document: `mutation($part: ID!) { fulfillmentOrderRejectCancellation(input: {fulfillmentOrderId: $part}) {
		fulfillmentOrder { id } userErrors { __typename code message field } } }`}},
	"fulfillmentMarkShipped": {{document: `mutation($shipment: ID!) { fulfillmentMarkShipped(input: {fulfillmentId: $shipment}) {
		fulfillmentOrder { id } userErrors { __typename code message field } } }`}},
	"fulfillmentMarkFailed": {{document: `mutation($shipment: ID!) { fulfillmentMarkFailed(input: {fulfillmentId: $shipment, reason: "r"}) {
		fulfillmentOrder { id } userErrors { __typename code message field } } }`}},
	"fulfillmentCancel": {{document: `mutation($shipment: ID!) { fulfillmentCancel(input: {fulfillmentId: $shipment, reason: "r"}) {
		fulfillmentOrder { id } userErrors { __typename code message field } } }`}},
	"returnCreate": {{document: `mutation($order: ID!, $line: ID!) { returnCreate(input: {idempotencyKey: "strangers", orderId: $order,
		lines: [{orderLineId: $line, quantity: 1}]}) { return { id } userErrors { __typename code message field } } }`}},
	"returnReceive": {{document: `mutation($returned: ID!, $returnLine: ID!) { returnReceive(input: {idempotencyKey: "strangers", returnId: $returned,
		lines: [{lineId: $returnLine, restock: 1}]}) { return { id } userErrors { __typename code message field } } }`}},
	"returnCancel": {{document: `mutation($returned: ID!) { returnCancel(input: {returnId: $returned, expectedVersion: 99}) {
		return { id } userErrors { __typename code message field } } }`}},
	"conflictResolve": {{document: `mutation($conflict: ID!) { conflictResolve(input: {conflictId: $conflict, status: DISMISSED, resolution: "r"}) {
		conflict { id } userErrors { __typename code message field } } }`}},
	"clientCreate": {{document: `mutation { clientCreate(input: {idempotencyKey: "strangers", name: "n", role: SUPPLIER, supplierCodes: ["` + theirs + `"]}) {
		client { id } secret userErrors { code message field } } }`}},
	"clientRotateSecret": {{document: `mutation($client: ID!) { clientRotateSecret(input: {idempotencyKey: "strangers", clientId: $client, overlapSeconds: 0}) {
		client { id } secret userErrors { code message field } } }`}},
	"clientRevoke": {{document: `mutation($client: ID!) { clientRevoke(input: {clientId: $client}) {
		client { id } userErrors { code message field } } }`}},
	"fulfillmentMarkDelivered": {{document: `mutation($shipment: ID!) { fulfillmentMarkDelivered(input: {fulfillmentId: $shipment}) {
		fulfillmentOrder { id } userErrors { __typename code message field } } }`}},
}

func change(stock, variables string) probe {
	if variables != "" {
		variables = "(" + variables + ")"
	}
	return probe{document: `mutation` + variables + ` { inventoryAdjust(input: {idempotencyKey: "strangers", reason: CORRECTED,
		changes: [{stock: ` + stock + `, delta: -1}]}) { rows { level { id } } userErrors { __typename code message field } } }`}
}

// strangers are those who have nothing to do with a supplier's or a shop's
// things, each with all the scopes that its role may have.
func strangers(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"anybody":          "",
		"another supplier": supplierToken(t, mine),
		"another shop":     shopToken(t, "other.example"),
		"a customer":       issue(t, auth.Claims{Role: redline.RoleCustomer, Subject: "a customer", Customer: "somebody-else"}),
	}
}

// Nobody gets to what is another's, by any path: it is answered as if it weren't
// there, and nothing of it changes.
func TestStrangersByAnyPath(t *testing.T) {
	t.Parallel()
	s := demo(t)
	x := theirThings(t, s, theirSKU)
	before := s.everything(t, x)
	c := schema(t)
	for _, f := range append(rootFields(c.Query), rootFields(c.Mutation)...) {
		if len(probes[f.Name]) == 0 {
			t.Errorf("nothing tries %s", f.Name)
		}
	}
	for who, token := range strangers(t) {
		s.as(token).probe(t, who, x)
		if after := s.everything(t, x); after != before {
			t.Fatalf("something of theirs was changed by %s:\n%s\n%s", who, before, after)
		}
	}
	checkPublic(t, s.as(supplierToken(t, mine)), x)
}

// probe tries everything with another's things, and with what isn't there.
func (c caller) probe(t *testing.T, who string, x stranger) {
	t.Helper()
	none := x.nobodys()
	for _, root := range slices.Sorted(maps.Keys(probes)) {
		for i, p := range probes[root] {
			name := fmt.Sprintf("%s by %s %d", root, who, i)
			got := c.tell(t, p.document, used(p.document, x.vars()))
			data, err := json.Marshal(got.data)
			if err != nil {
				t.Fatal(err)
			}
			for what, secret := range x.secrets() {
				if strings.Contains(string(data), `"`+secret+`"`) {
					t.Errorf("%s tells of their %s: %s", name, what, data)
				}
			}
			if !p.public {
				other := c.tell(t, p.document, used(p.document, none.vars()))
				if a, b := x.blind(inOrder(t, got)), none.blind(inOrder(t, other)); a != b {
					t.Errorf("%s tells theirs from what isn't there:\n%s\n%s", name, a, b)
				}
			}
		}
	}
}

// inOrder is an answer's data and errors: root fields are answered side by side,
// and their errors come as they do.
func inOrder(t *testing.T, a answer) string {
	t.Helper()
	parts := []any{a.data}
	for _, e := range a.errors {
		parts = append(parts, e)
	}
	var texts []string
	for _, part := range parts {
		text, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	slices.Sort(texts[1:])
	return strings.Join(texts, "\n")
}

// used leaves the variables that a document declares.
func used(document string, v vars) vars {
	out := vars{}
	for name, value := range v {
		if strings.Contains(document, "$"+name+":") {
			out[name] = value
		}
	}
	return out
}

// checkPublic looks at what is public beside what isn't.
func checkPublic(t *testing.T, me caller, x stranger) {
	t.Helper()
	a := me.ask(t, `query($product: ID!, $supplier: ID!) { node(id: $product) { ... on Product { name availability { available }
		inventory { onHand levels { id } } supplierItems { id } } }
		nodes(ids: [$supplier]) { ... on Supplier { code lastSeenAt items { nodes { id } } } } }`, vars{"product": x.product, "supplier": x.supplier})
	if a.text("node.name") == "" || a.num("node.availability.available") < 0 {
		t.Errorf("their product isn't there for anybody: %s", a.body)
	}
	if a.num("node.inventory.onHand") > 0 || len(a.list("node.inventory.levels")) > 0 || len(a.list("node.supplierItems")) > 0 ||
		len(a.list("nodes.0.items.nodes")) > 0 || at(a.data, "nodes.0.lastSeenAt") != nil {
		t.Errorf("behind what is public there is %s", a.body)
	}
	for _, l := range me.pages(t, "inventoryLevels", `query($after: String) { inventoryLevels(first: 250, after: $after) {
		nodes { location { code } } pageInfo { hasNextPage endCursor } } }`, nil) {
		if text(l, "location.code") != mine {
			t.Errorf("among its levels is one at %s", text(l, "location.code"))
		}
	}
	for _, f := range me.pages(t, "fulfillmentOrders", `query($after: String) { fulfillmentOrders(first: 250, after: $after) {
		nodes { supplier { code } order { customer { id } total { amount } lines { total { amount } } fulfillmentOrders { supplier { code } } } }
		pageInfo { hasNextPage endCursor } } }`, nil) {
		if text(f, "supplier.code") != mine || len(list(f, "order.fulfillmentOrders")) != 1 || at(f, "order.customer") != nil ||
			at(f, "order.total") != nil || at(f, "order.lines.0.total") != nil {
			t.Errorf("its inbox shows %v", f)
		}
	}
}

// everything is all of theirs that a stranger could have changed, as those see
// it whose it is, and an operator.
func (s *server) everything(t *testing.T, x stranger) string {
	t.Helper()
	held := s.as(shopToken(t, "strangers.example")).ask(t, `query($reservation: ID!) {
		reservation(id: $reservation) { status expiresAt version lines { quantity } } }`, vars{"reservation": x.reservation})
	all := s.as(operatorToken(t)).ask(t, `query($level: ID!, $order: ID!, $location: ID!, $product: ID!, $item: ID!, $supplier: ID!, $conflict: ID!) {
		level: node(id: $level) { ... on InventoryLevel { `+levelFields+` } }
		order(by: {id: $order}) { version status holdReason lines { open shipped cancelled returned } history { to } updatedAt
			fulfillmentOrders { version status fulfillments { id status } } returns { id version status lines { restocked writtenOff } } }
		inventoryMovements(filter: {locationIds: [$location], productIds: [$product]}, first: 1) { totalCount }
		item: node(id: $item) { ... on SupplierItem { version } }
		supplier: node(id: $supplier) { ... on Supplier { terms { version } items { totalCount } } }
		conflict: node(id: $conflict) { ... on Conflict { version status } } }`, vars{
		"product": x.product, "level": x.level, "order": x.order, "location": x.location, "item": x.item, "supplier": x.supplier, "conflict": x.conflict,
	})
	client := s.as(adminToken(t)).ask(t, `query($client: ID!) { node(id: $client) { ... on Client { version revokedAt secrets { createdAt expiresAt } } } }`,
		vars{"client": x.client})
	return held.body + all.body + client.body
}

// Nothing of another supplier's arrives by a subscription, whatever its filter
// names.
func TestStrangersBySubscription(t *testing.T) {
	t.Parallel()
	s := demo(t)
	x := theirThings(t, s, theirOther)
	operator, shop := s.as(operatorToken(t)), s.as(shopToken(t, "strangers.example"))
	placed := shop.place(t, orderInput(vars{"name": "Mine"}, map[string]int{mySKU: 1}))
	own := placed.text("order.id")
	myLevel := operator.level(t, mySKU, mine)
	myProduct, myLocation := text(myLevel, "product.id"), text(myLevel, "location.id")

	w := s.socket(t, supplierToken(t, mine))
	stock := map[string]vars{
		"all":         nil,
		"skus":        {"skus": []any{theirOther, mySKU}},
		"productIds":  {"productIds": []any{x.product, myProduct}},
		"locationIds": {"locationIds": []any{x.location, myLocation}},
	}
	orders := map[string]vars{"all orders": nil, "orderIds": {"orderIds": []any{x.order, own}}}
	var ids []string
	for id, f := range stock {
		w.subscribe(id, watchStock, vars{"filter": f})
		ids = append(ids, id)
	}
	for id, f := range orders {
		w.subscribe(id, watchOrders, vars{"filter": f})
		ids = append(ids, id)
	}
	// These name theirs alone, so that nothing at all may come.
	w.subscribe("their supplier", watchStock, vars{"filter": vars{"supplierId": x.supplier}})
	w.subscribe("their orders", watchOrders, vars{"filter": vars{"supplierId": x.supplier}})
	w.subscribe("their product", watchOrders, vars{"filter": vars{"productId": x.product}})
	w.subscribe("conflicts", watchConflicts, nil)
	me, theirSupplier := s.as(supplierToken(t, mine)), s.as(supplierToken(t, theirs))
	await(t, map[*socket][]string{w: append(ids, "conflicts", "their supplier", "their orders", "their product")})
	w.floor = position(t, placed.text("cursor"))

	operator.adjust(t, theirOther, theirs, "ON_HAND", 1)
	operator.do(t, "orderHold", vars{"orderId": x.order, "reason": "r"}, "cursor")
	operator.do(t, "orderReleaseHold", vars{"orderId": x.order}, "cursor")
	changed := operator.adjust(t, mySKU, mine, "ON_HAND", 1).text("cursor")
	held := operator.do(t, "orderHold", vars{"orderId": own, "reason": "r"}, "cursor").text("cursor")
	theirSupplier.feed(t, vars{"rows": []any{vars{"supplierSku": newKey(), "quantity": 1}}}, "cursor")
	opened := me.feed(t, vars{"rows": []any{vars{"supplierSku": newKey(), "quantity": 1}}}, "cursor").text("cursor")
	if e := w.event("conflicts"); text(e, "cursor") != opened {
		t.Errorf("of conflicts came %v", e)
	}
	for id := range stock {
		if e := w.event(id); text(e, "cursor") != changed {
			t.Errorf("by %s came %v", id, e)
		}
	}
	for id := range orders {
		if e := w.event(id); text(e, "cursor") != held {
			t.Errorf("by %s came %v", id, e)
		}
	}
	for _, m := range w.held {
		if strings.HasPrefix(m.ID, "their ") {
			t.Errorf("by %s came %s %s", m.ID, m.Type, m.Payload)
		}
	}
}

// A token for both suppliers has both, and has to say whose SKU it means.
func TestTokenForSeveralSuppliers(t *testing.T) {
	t.Parallel()
	s := demo(t)
	both := s.as(supplierToken(t, mine, theirs))
	stock := vars{"supplierSku": theirOtherSupplierSKU}
	input := func() vars {
		return vars{"idempotencyKey": newKey(), "reason": "CORRECTED", "changes": []any{vars{"stock": stock, "state": "INCOMING", "delta": 1}}}
	}
	if a := both.attempt(t, "inventoryAdjust", input(), selectRows); !slices.Equal(a.refusals(), []string{"INVALID"}) ||
		!strings.Contains(a.body, "supplierId") {
		t.Errorf("without saying whose: %s", a.body)
	}
	stock["supplierId"] = supplierID(t, s, theirs)
	if a := both.do(t, "inventoryAdjust", input(), selectRows); a.text("rows.0.level.location.code") != theirs {
		t.Errorf("saying whose: %s", a.body)
	}
}
