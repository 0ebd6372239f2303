package test_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"

	"redline"
	"redline/auth"
)

// A supplier of this file, and what it has.
const (
	badSupplier    = "specialty-biscuits-ltd"
	badSKU         = "NW-019" // "10 boxes x 12 pieces", a case of 120
	badSupplierSKU = "19"
	foreignSKU     = "NW-064"
)

// leaky is what no answer may have: SQL, the driver, Go's types, paths.
var leaky = regexp.MustCompile(`(?i)pq:|sqlstate|\bselect .* from\b|insert into|violates|\bcheck constraint|relation "|redline\.[A-Z]|\*?graphql\.|map\[string\]|interface \{\}|goroutine|runtime error|panic|\.go:\d|/root/|/home/|/tmp/|\bnil pointer|json: cannot|strconv\.|reflect\.|internal error`)

// checkClean looks for what a refusal must not be.
func checkClean(t *testing.T, a answer) {
	t.Helper()
	if a.status >= http.StatusInternalServerError {
		t.Errorf("status %d: %s", a.status, a.body)
	}
	if found := leaky.FindString(a.body); found != "" {
		t.Errorf("the answer leaks %q: %.500s", found, a.body)
	}
}

// Inputs that are refused by mutations: by whom, as what, and where.
func TestBadInputOfMutations(t *testing.T) {
	t.Parallel()
	s := demo(t)
	operator, supplier, shop := s.as(operatorToken(t)), s.as(supplierToken(t, badSupplier)), s.as(shopToken(t, "bad-input.example "+newKey()))
	setAvailable(t, operator, badSKU, badSupplier, 1000)
	placed := shop.place(t, orderInput(vars{"name": "B"}, map[string]int{badSKU: 3}))
	order, part, line := placed.text("order.id"), placed.text("order.fulfillmentOrders.0.id"), placed.text("order.fulfillmentOrders.0.lines.0.id")
	level := operator.level(t, badSKU, badSupplier)
	locationID, productID := text(level, "location.id"), text(level, "product.id")

	adjust := func(change vars) vars {
		return vars{"idempotencyKey": newKey(), "reason": "CORRECTED", "changes": []any{mergeVars(vars{"delta": 1}, change)}}
	}
	count := func(count vars) vars {
		return vars{"idempotencyKey": newKey(), "counts": []any{mergeVars(vars{"stock": vars{"sku": badSKU}, "onHand": 1, "basis": vars{"override": true}}, count)}}
	}
	buy := func(line vars) vars {
		return vars{"idempotencyKey": newKey(), "customer": vars{}, "lines": []any{mergeVars(vars{"sku": badSKU, "quantity": 1}, line)}}
	}
	const max = redline.MaxQuantity
	for name, test := range map[string]struct {
		who        caller
		mutation   string
		input      vars
		code, path string
	}{
		"unknown product":           {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"sku": "NO-SUCH"}}), "NOT_FOUND", "changes.0.stock.sku"},
		"unknown product id":        {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"productId": redline.NewID(redline.PrefixProduct)}}), "NOT_FOUND", "changes.0.stock.productId"},
		"an id of another type":     {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"productId": locationID}}), "NOT_FOUND", "changes.0.stock.productId"},
		"somebody else's SKU":       {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"sku": foreignSKU}}), "NOT_FOUND", "changes.0.stock.sku"},
		"unmapped supplier SKU":     {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"supplierSku": "64"}}), "UNMAPPED_SKU", "changes.0.stock.supplierSku"},
		"no product":                {supplier, "inventoryAdjust", adjust(vars{"stock": vars{}}), "INVALID", "changes.0.stock"},
		"two names":                 {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"sku": badSKU, "productId": productID}}), "INVALID", "changes.0.stock"},
		"wrong unit":                {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"sku": badSKU, "unit": "LITRE"}}), "PACK_MISMATCH", "changes.0.stock.unit"},
		"unknown location":          {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"sku": badSKU, "locationCode": "MOON"}}), "NOT_FOUND", "changes.0.stock.locationCode"},
		"our warehouse":             {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"sku": badSKU, "locationCode": east}}), "NOT_FOUND", "changes.0.stock.locationCode"},
		"below nothing":             {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"sku": badSKU}, "delta": -max}), "INSUFFICIENT_STOCK", "changes.0.delta"},
		"huge delta":                {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"sku": badSKU}, "delta": max + 1}), "INVALID", "changes.0.delta"},
		"huge delta in cases":       {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"supplierSku": badSupplierSKU}, "delta": max}), "INVALID", "changes.0.delta"},
		"too much in all":           {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"sku": badSKU}, "delta": max}), "INVALID", "changes.0.delta"},
		"nothing":                   {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"sku": badSKU}, "delta": 0}), "INVALID", "changes.0.delta"},
		"stale version":             {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"sku": badSKU}, "expectedVersion": 1}), "VERSION_MISMATCH", "changes.0.expectedVersion"},
		"no changes":                {supplier, "inventoryAdjust", vars{"idempotencyKey": newKey(), "reason": "CORRECTED", "changes": []any{}}, "INVALID", "changes"},
		"no key":                    {supplier, "inventoryAdjust", mergeVars(adjust(vars{"stock": vars{"sku": badSKU}}), vars{"idempotencyKey": ""}), "INVALID", "idempotencyKey"},
		"long key":                  {supplier, "inventoryAdjust", mergeVars(adjust(vars{"stock": vars{"sku": badSKU}}), vars{"idempotencyKey": strings.Repeat("k", 1000)}), "INVALID", "idempotencyKey"},
		"NUL in a key":              {supplier, "inventoryAdjust", mergeVars(adjust(vars{"stock": vars{"sku": badSKU}}), vars{"idempotencyKey": "a\x00b"}), "INVALID", "idempotencyKey"},
		"NUL in a SKU":              {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"sku": "NW\x00"}}), "INVALID", "changes.0.stock.sku"},
		"NUL in a supplier's SKU":   {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"supplierSku": "1\x00"}}), "INVALID", "changes.0.stock.supplierSku"},
		"NUL in a location":         {supplier, "inventoryAdjust", adjust(vars{"stock": vars{"sku": badSKU, "locationCode": "\x00"}}), "INVALID", "changes.0.stock.locationCode"},
		"NUL in a reference":        {supplier, "inventoryAdjust", mergeVars(adjust(vars{"stock": vars{"sku": badSKU}}), vars{"reference": "PO\x00"}), "INVALID", "reference"},
		"long reference":            {supplier, "inventoryAdjust", mergeVars(adjust(vars{"stock": vars{"sku": badSKU}}), vars{"reference": strings.Repeat("r", 5000)}), "INVALID", "reference"},
		"negative count":            {supplier, "inventorySet", count(vars{"onHand": -1}), "INVALID", "counts.0.onHand"},
		"huge count":                {supplier, "inventorySet", count(vars{"onHand": max + 1}), "INVALID", "counts.0.onHand"},
		"the same level twice":      {supplier, "inventorySet", vars{"idempotencyKey": newKey(), "counts": []any{count(nil)["counts"].([]any)[0], count(nil)["counts"].([]any)[0]}}, "INVALID", "counts.0.stock"},
		"stale basis":               {supplier, "inventorySet", count(vars{"basis": vars{"expectedVersion": 1}}), "VERSION_MISMATCH", "counts.0.basis.expectedVersion"},
		"counted in the future":     {supplier, "inventorySet", count(vars{"basis": vars{"countedAt": "2999-01-01T00:00:00Z"}}), "INVALID", "counts.0.basis.countedAt"},
		"a transfer of a supplier":  {supplier, "inventoryTransfer", vars{"idempotencyKey": newKey(), "productId": productID, "fromLocationId": locationID, "toLocationId": locationID, "quantity": 1}, "INVALID", ""},
		"a negative transfer":       {operator, "inventoryTransfer", vars{"idempotencyKey": newKey(), "productId": productID, "fromLocationId": locationID, "toLocationId": text(operator.level(t, filterSKU, east), "location.id"), "quantity": -5}, "INVALID", "quantity"},
		"an unknown product bought": {shop, "orderPlace", buy(vars{"sku": "NO-SUCH"}), "NOT_FOUND", "lines.0.sku"},
		"none bought":               {shop, "orderPlace", buy(vars{"quantity": 0}), "INVALID", "lines.0.quantity"},
		"less than none":            {shop, "orderPlace", buy(vars{"quantity": -3}), "INVALID", "lines.0.quantity"},
		"more than can be counted":  {shop, "orderPlace", buy(vars{"quantity": max + 1}), "INVALID", "lines.0.quantity"},
		"more than there is":        {shop, "orderPlace", buy(vars{"quantity": max}), "INSUFFICIENT_STOCK", "lines.0.quantity"},
		"from an unknown location":  {shop, "orderPlace", buy(vars{"locationId": redline.NewID(redline.PrefixLocation)}), "NOT_FOUND", "lines.0.locationId"},
		"no lines":                  {shop, "orderPlace", vars{"idempotencyKey": newKey(), "customer": vars{}, "lines": []any{}}, "INVALID", "lines"},
		"NUL in a name":             {shop, "orderPlace", mergeVars(buy(nil), vars{"customer": vars{"name": "a\x00"}}), "INVALID", "customer.name"},
		"NUL in a product":          {shop, "orderPlace", buy(vars{"sku": "\x00"}), "INVALID", "lines.0.sku"},
		"an empty address":          {shop, "orderPlace", mergeVars(buy(nil), vars{"shipTo": vars{"lines": []any{}, "city": "C", "country": "US"}}), "INVALID", "shipTo.lines"},
		"an unknown order":          {operator, "orderHold", vars{"orderId": redline.NewID(redline.PrefixOrder), "reason": "r"}, "NOT_FOUND", "orderId"},
		"NUL in an order's id":      {operator, "orderHold", vars{"orderId": "ord_\x00", "reason": "r"}, "INVALID", "orderId"},
		"NUL in a reason":           {operator, "orderHold", vars{"orderId": order, "reason": "r\x00"}, "INVALID", "reason"},
		"no reason":                 {operator, "orderHold", vars{"orderId": order, "reason": " "}, "INVALID", "reason"},
		"a stale order":             {operator, "orderHold", vars{"orderId": order, "reason": "r", "expectedVersion": 77}, "VERSION_MISMATCH", "expectedVersion"},
		"not held":                  {operator, "orderReleaseHold", vars{"orderId": order}, "INVALID_TRANSITION", ""},
		"delivered before shipped":  {supplier, "orderSetStatus", vars{"idempotencyKey": newKey(), "orderId": order, "status": "DELIVERED"}, "INVALID_TRANSITION", ""},
		"back to pending":           {operator, "orderSetStatus", vars{"idempotencyKey": newKey(), "orderId": order, "status": "PENDING"}, "INVALID_TRANSITION", ""},
		"an unknown part":           {supplier, "fulfillmentOrderAccept", vars{"fulfillmentOrderId": redline.NewID(redline.PrefixFulfillmentOrder)}, "NOT_FOUND", "fulfillmentOrderId"},
		"accepting more":            {supplier, "fulfillmentOrderAccept", vars{"fulfillmentOrderId": part, "lines": []any{vars{"lineId": line, "accepted": 4}}}, "INVALID", "lines.0.accepted"},
		"accepting less than none":  {supplier, "fulfillmentOrderAccept", vars{"fulfillmentOrderId": part, "lines": []any{vars{"lineId": line, "accepted": -1}}}, "INVALID", "lines.0.accepted"},
		"an unknown line":           {supplier, "fulfillmentCreate", vars{"idempotencyKey": newKey(), "fulfillmentOrderId": part, "lines": []any{vars{"lineId": "foline_x", "quantity": 1}}}, "NOT_FOUND", "lines.0.lineId"},
		"shipping more":             {supplier, "fulfillmentCreate", vars{"idempotencyKey": newKey(), "fulfillmentOrderId": part, "lines": []any{vars{"lineId": line, "quantity": 4}}}, "INVALID", "lines.0.quantity"},
		"shipping none":             {supplier, "fulfillmentCreate", vars{"idempotencyKey": newKey(), "fulfillmentOrderId": part, "lines": []any{vars{"lineId": line, "quantity": 0}}}, "INVALID", "lines.0.quantity"},
		"NUL in a carrier":          {supplier, "fulfillmentCreate", vars{"idempotencyKey": newKey(), "fulfillmentOrderId": part, "carrier": "\x00"}, "INVALID", "carrier"},
		"NUL in a tracking URL":     {supplier, "fulfillmentCreate", vars{"idempotencyKey": newKey(), "fulfillmentOrderId": part, "trackingUrl": "https://example.com/\x00"}, "", ""},
		"a tracking URL of script":  {supplier, "fulfillmentCreate", vars{"idempotencyKey": newKey(), "fulfillmentOrderId": part, "trackingUrl": "javascript:alert(1)"}, "", "trackingUrl"},
		"an unknown shipment":       {supplier, "fulfillmentMarkDelivered", vars{"fulfillmentId": redline.NewID(redline.PrefixFulfillment)}, "NOT_FOUND", "fulfillmentId"},
	} {
		a := test.who.attempt(t, test.mutation, test.input, "")
		checkClean(t, a)
		e := at(a.list("userErrors"), "0")
		code, path := text(e, "code"), fields(e, "field")
		if len(a.errors) > 0 {
			code, path = a.errors[0].Extensions.Code, strings.TrimPrefix(strings.Join(a.errors[0].Extensions.Field, "."), "input.")
		}
		if len(a.errors)+len(a.list("userErrors")) == 0 || a.data != nil && len(a.list("rows")) > 0 {
			t.Errorf("%s: was done: %s", name, a.body)
		}
		if test.code != "" && code != test.code || test.path != "" && path != test.path && !strings.HasPrefix(path, test.path+".") {
			t.Errorf("%s: %s at %q; want %s at %q: %s", name, code, path, test.code, test.path, a.body)
		}
	}
	if after := operator.level(t, badSKU, badSupplier); fmt.Sprint(after) != fmt.Sprint(level) {
		t.Errorf("the level went from %v to %v", level, after)
	}
	orders := shop.ask(t, `{ orders { totalCount nodes { version status } } }`, nil)
	if orders.num("orders.totalCount") != 1 || orders.num("orders.nodes.0.version") != 1 {
		t.Errorf("the shop's orders are %s", orders.body)
	}
}

func fields(v any, path string) string {
	var steps []string
	for _, step := range list(v, path) {
		steps = append(steps, fmt.Sprint(step))
	}
	return strings.Join(steps, ".")
}

// Requests that are no good as such: a code, and a word on what is wrong.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	s := demo(t)
	operator := s.as(operatorToken(t))
	cursor := operator.ask(t, `{ orders(first: 1) { pageInfo { endCursor } } }`, nil).text("orders.pageInfo.endCursor")
	for name, test := range map[string]struct {
		query string
		v     vars
		code  string
		words string
	}{
		"an unknown field":          {`{ products { nodes { price { cents } } } }`, nil, "GRAPHQL_VALIDATION_FAILED", "cents"},
		"an unknown argument":       {`{ products(limit: 3) { nodes { id } } }`, nil, "GRAPHQL_VALIDATION_FAILED", "limit"},
		"an unknown input field":    {`query($f: ProductFilter) { products(filter: $f) { nodes { id } } }`, vars{"f": vars{"colour": "red"}}, "GRAPHQL_VALIDATION_FAILED", "colour"},
		"an unknown enum value":     {`{ orders(filter: {statuses: [LOST]}) { nodes { id } } }`, nil, "GRAPHQL_VALIDATION_FAILED", "LOST"},
		"another case":              {`query($s: [OrderStatus!]) { orders(filter: {statuses: $s}) { nodes { id } } }`, vars{"s": []any{"pending"}}, "GRAPHQL_VALIDATION_FAILED", "pending"},
		"a text for a number":       {`query($n: Int) { products(first: $n) { nodes { id } } }`, vars{"n": "ten"}, "GRAPHQL_VALIDATION_FAILED", "n"},
		"beyond 32 bits":            {`query($n: Int) { products(first: $n) { nodes { id } } }`, vars{"n": 1 << 40}, "", ""},
		"a missing variable":        {`query($n: Int!) { products(first: $n) { nodes { id } } }`, nil, "GRAPHQL_VALIDATION_FAILED", "n"},
		"two members of a oneOf":    {`query($by: ProductBy!) { product(by: $by) { id } }`, vars{"by": vars{"id": "a", "sku": "b"}}, "", ""},
		"no member of a oneOf":      {`{ product(by: {}) { id } }`, nil, "", ""},
		"no syntax":                 {`{ products { `, nil, "GRAPHQL_PARSE_FAILED", ""},
		"no page":                   {`{ products(first: 0) { nodes { id } } }`, nil, "INVALID", "250"},
		"a negative page":           {`{ products(first: -1) { nodes { id } } }`, nil, "INVALID", "250"},
		"too long a page":           {`{ products(first: 251) { nodes { id } } }`, nil, "INVALID", "250"},
		"first and last":            {`{ products(first: 1, last: 1) { nodes { id } } }`, nil, "INVALID", "last"},
		"a made-up cursor":          {`{ products(after: "abc") { nodes { id } } }`, nil, "INVALID", "cursor"},
		"a cursor of another list":  {`query($c: String) { products(after: $c) { nodes { id } } }`, vars{"c": cursor}, "INVALID", "cursor"},
		"a cursor in another order": {`query($c: String) { orders(after: $c, orderBy: {field: TOTAL}) { nodes { id } } }`, vars{"c": cursor}, "INVALID", "cursor"},
		"NUL in a cursor":           {`query($c: String) { products(after: $c) { nodes { id } } }`, vars{"c": base64.RawURLEncoding.EncodeToString([]byte(`["product.NAME","\u0000","x"]`))}, "INVALID", "cursor"},
		"too many ids":              {`query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, vars{"ids": strings.Split(strings.Repeat("x,", 100)+"x", ",")}, "INVALID", "100"},
		"too many lines":            {`query($l: [AvailabilityLine!]!) { availability(lines: $l) { available } }`, vars{"l": repeat(101, vars{"productId": "x", "quantity": 1})}, "INVALID", "100"},
		"a negative availability":   {`{ availability(lines: [{productId: "x", quantity: -1}]) { available } }`, nil, "INVALID", "quantity"},
		"a deep query":              {deep(40), nil, "LIMIT_EXCEEDED", "levels"},
		"a wide query":              {`{ ` + strings.Repeat("a: __typename ", 2000) + `}`, nil, "", ""},
		"no time":                   {`{ orders(filter: {placedFrom: "yesterday"}) { nodes { id } } }`, nil, "", ""},
		"a time beyond time":        {`{ orders(filter: {placedFrom: "99999-01-01T00:00:00Z"}) { nodes { id } } }`, nil, "", ""},
		"a subscription by POST":    {`subscription { availabilityChanged { cursor } }`, nil, "WEBSOCKET_REQUIRED", "websocket"},
	} {
		a := operator.tell(t, test.query, test.v)
		checkClean(t, a)
		if len(a.errors) == 0 {
			t.Errorf("%s: no error: %s", name, a.body)
			continue
		}
		if e := a.errors[0]; test.code != "" && e.Extensions.Code != test.code || !strings.Contains(a.body, test.words) {
			t.Errorf("%s: %s; want %s and %q", name, a.body, test.code, test.words)
		}
	}
	// What isn't there is null, and no error.
	for name, query := range map[string]string{
		"unknown id":       `query { node(id: "prod_unknown") { id } }`,
		"NUL in an id":     `query { node(id: "prod_\u0000") { id } }`,
		"NUL in a SKU":     `query { product(by: {sku: "\u0000"}) { id } }`,
		"NUL in a number":  `query { order(by: {number: "\u0000"}) { id } }`,
		"another type's":   `query { order(by: {id: "prod_00000000000000000000000000"}) { id } }`,
		"NUL in a search":  `query { products(filter: {search: "\u0000"}) { nodes { id } } }`,
		"NUL in a filter":  `query { inventoryLevels(filter: {skus: ["\u0000"], category: ["\u0000"], locationIds: ["\u0000"]}) { nodes { id } } }`,
		"NUL in orders":    `query { orders(filter: {search: "\u0000", customerId: "\u0000"}) { nodes { id } } }`,
		"NUL in movements": `query { inventoryMovements(filter: {reference: "\u0000"}) { nodes { id } } }`,
		"NUL in the audit": `query { auditEntries(actor: "\u0000", subject: "\u0000") { nodes { id } } }`,
		"a wildcard":       `query { products(filter: {search: "%"}) { nodes { id } } }`,
	} {
		a := operator.tell(t, query, nil)
		checkClean(t, a)
		root, _ := a.data.(map[string]any)
		for _, v := range root {
			if v != nil && len(list(v, "nodes")) > 0 {
				t.Errorf("%s: found %s", name, a.body)
			}
		}
		for _, code := range a.codes() {
			if code != "INVALID" {
				t.Errorf("%s: %s", name, a.body)
			}
		}
	}
}

func repeat(n int, v any) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func deep(n int) string {
	return `{ orders { nodes { ` + strings.Repeat("fulfillmentOrders { order { ", n) + "id" + strings.Repeat(" } }", n) + ` } } }`
}

// Bodies that are no request.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	s := demo(t)
	const secret = "SECRET"
	for name, test := range map[string]struct {
		contentType string
		body        []byte
		status      int
		words       string
	}{
		"malformed JSON": {"application/json", []byte(`{"query": "` + secret), 400, "JSON"},
		"invalid UTF-8":  {"application/json", []byte("{\"query\":\"{ " + secret + "\xff }\"}"), 400, "UTF-8"},
		"a list":         {"application/json", []byte(`[{"query":"{ ` + secret + ` }"}]`), 400, "batch"},
		"a form":         {"application/x-www-form-urlencoded", []byte(`query={` + secret + `}`), 415, "application/json"},
		"a text":         {"text/plain", []byte(`{"query":"{ ` + secret + ` }"}`), 415, "application/json"},
		"10 MB":          {"application/json", append([]byte(`{"query":"`+secret), bytes.Repeat([]byte(" "), 10<<20)...), 413, "larger than"},
	} {
		a, err := s.as("").send(t.Context(), test.contentType, test.body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkClean(t, a)
		if a.status != test.status || !strings.Contains(a.body, test.words) || strings.Contains(a.body, secret) || len(a.errors) != 1 {
			t.Errorf("%s: status %d %s; want %d and %q", name, a.status, a.body, test.status, test.words)
		}
	}
}

// The same over a websocket: what is too big, and what is no message.
func TestBadMessages(t *testing.T) {
	t.Parallel()
	s := demo(t)
	for name, test := range map[string]struct {
		kind int
		body []byte
		code int
	}{
		"10 MB":               {websocket.TextMessage, bytes.Repeat([]byte(" "), 10<<20), 1009},
		"malformed JSON":      {websocket.TextMessage, []byte(`{"type":`), 4400},
		"an unknown type":     {websocket.TextMessage, []byte(`{"type":"start","id":"1"}`), 4400},
		"binary":              {websocket.BinaryMessage, []byte(`{"type":"ping"}`), 4400},
		"a subscribe too few": {websocket.TextMessage, []byte(`{"type":"subscribe","id":"1"}`), 4400},
		"a second init":       {websocket.TextMessage, []byte(`{"type":"connection_init"}`), 4429},
	} {
		w := s.socket(t, "")
		if err := w.conn.WriteMessage(test.kind, test.body); err != nil {
			t.Errorf("%s: sending: %v", name, err)
		}
		if code, reason := w.closed(); code != test.code || leaky.MatchString(reason) {
			t.Errorf("%s: closed with %d %q; want %d", name, code, reason, test.code)
		}
	}
	w := s.socket(t, "")
	for id, query := range map[string]string{
		"unknown field": `subscription { availabilityChanged { colour } }`,
		"no syntax":     `subscription {`,
		"deep":          deep(40),
		"long filter":   `subscription($s: [String!]) { availabilityChanged(filter: {skus: $s}) { cursor } }`,
	} {
		w.subscribe(id, query, vars{"s": repeat(1001, "x")})
		m := w.next(id)
		if m.Type != "error" || text(parsed(t, m.Payload), "0.message") == "" || leaky.Match(m.Payload) {
			t.Errorf("%s: %s %s", id, m.Type, m.Payload)
		}
	}
}

// Tokens that aren't good: 401 over HTTP, all alike, and 4403 over a websocket.
func TestBadTokens(t *testing.T) {
	t.Parallel()
	s := demo(t)
	good := operatorToken(t)
	head, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	other, err := auth.LoadOrCreateKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	forged, err := other.Issue(auth.Claims{Issuer: auth.DefaultIssuer, Audience: auth.DefaultAudience, Subject: "x", Role: redline.RoleAdmin, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	answers := map[string]bool{}
	for name, token := range map[string]string{
		"expired":            resigned(t, good, func(c jwt.MapClaims) { c["exp"] = time.Now().Add(-time.Minute).Unix() }),
		"not yet good":       resigned(t, good, func(c jwt.MapClaims) { c["nbf"] = time.Now().Add(time.Hour).Unix() }),
		"another audience":   resigned(t, good, func(c jwt.MapClaims) { c["aud"] = "somebody" }),
		"another issuer":     resigned(t, good, func(c jwt.MapClaims) { c["iss"] = "somebody" }),
		"no expiry":          resigned(t, good, func(c jwt.MapClaims) { delete(c, "exp") }),
		"an unknown role":    resigned(t, good, func(c jwt.MapClaims) { c["role"] = "root" }),
		"a supplier of none": resigned(t, good, func(c jwt.MapClaims) { c["role"] = "supplier" }),
		"another key":        forged,
		"no signature":       head + "." + payload + ".",
		"no algorithm":       encode(`{"alg":"none","typ":"JWT"}`) + "." + payload + ".",
		"a changed payload":  head + "." + encode(`{"sub":"x","role":"admin"}`) + "." + signature,
		"a cut signature":    good[:len(good)-4],
		"not a token":        "hello",
		"nothing":            " ",
		"a NUL":              "a.b.c%00",
		"a very long one":    strings.Repeat("a", 30_000),
	} {
		a := s.as(token).tell(t, `{ viewer { subject } }`, nil)
		if a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
			t.Errorf("%s: status %d, %q: %s", name, a.status, a.header.Get("WWW-Authenticate"), a.body)
		}
		answers[requestIDs.ReplaceAllString(a.body, "")] = true

		w := s.dial(t)
		w.init(token)
		if code, _ := w.closed(); code != 4403 {
			t.Errorf("%s: the websocket was closed with %d; want 4403", name, code)
		}
	}
	if len(answers) != 1 {
		t.Errorf("bad tokens are told apart: %v", answers)
	}
	if a := s.as("").ask(t, `{ viewer { role } }`, nil); a.text("viewer.role") != string(redline.RoleStorefront) {
		t.Errorf("no token at all: %s", a.body)
	}
}

var requestIDs = regexp.MustCompile(`"requestId":"[^"]*"`)

// resigned changes the claims of a token and signs it with the same key.
func resigned(t *testing.T, token string, change func(jwt.MapClaims)) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(template(), "signing-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	claims := jwt.MapClaims{}
	parsed, _, err := jwt.NewParser().ParseUnverified(token, claims)
	if err != nil {
		t.Fatal(err)
	}
	change(claims)
	next := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	next.Header = parsed.Header
	signed, err := next.SignedString(key.(ed25519.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}
