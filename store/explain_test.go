package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"redline"
)

// largeTables are those that grow with the shop: none of them is read from one
// end to the other for a request.
var largeTables = []string{
	"products", "supplier_items", "supplier_item_versions", "inventory_levels", "inventory_movements", "orders", "order_lines", "fulfillment_orders",
	"fulfillment_order_lines", "fulfillments", "fulfillment_lines", "order_status_changes", "events", "audit_entries", "idempotency_keys",
	"conflicts", "reservations", "reservation_lines", "returns", "return_lines", "supplier_feeds", "supplier_feeds_held",
	"tickets", "clients", "client_suppliers", "client_secrets",
}

// The people of a large world.
var (
	largeShop     = redline.Principal{Issuer: "redline", Subject: "shop-7", Role: redline.RoleStorefront, Scopes: redline.DefaultScopes(redline.RoleStorefront)}
	largeCustomer = redline.Principal{Issuer: "redline", Subject: "ann", Role: redline.RoleCustomer, Customer: "customer-77"}
	largeSupplier = redline.Principal{Issuer: "redline", Subject: "erp", Role: redline.RoleSupplier, Suppliers: []string{"sup-3"}}
	largePeople   = map[string]redline.Principal{
		"anybody": redline.Anonymous(), "shop": largeShop, "customer": largeCustomer, "supplier": largeSupplier, "operator": operator,
	}
)

// plan is a node of EXPLAIN's answer.
type plan struct {
	NodeType string   `json:"Node Type"`
	Relation string   `json:"Relation Name"`
	Index    string   `json:"Index Name"`
	Filter   string   `json:"Filter"`
	SortKey  []string `json:"Sort Key"`
	Rows     float64  `json:"Plan Rows"`
	Plans    []*plan  `json:"Plans"`
}

// manyRows are more than one answer has use for: whoever sorts as many to show a
// few of them lacks an index.
const manyRows = 2000

// scans finds the large tables that a plan reads from one end to the other.
func (p *plan) scans() []string {
	var found []string
	partition := strings.HasPrefix(p.Relation, "events_") && p.Relation != "events_id" // of the log
	if p.NodeType == "Seq Scan" && (partition || slices.Contains(largeTables, p.Relation)) {
		found = append(found, fmt.Sprintf("%s (%s)", p.Relation, p.Filter))
	}
	for _, child := range p.Plans {
		found = append(found, child.scans()...)
	}
	return found
}

// sorts finds where a plan sorts many rows.
func (p *plan) sorts() []string {
	var found []string
	if p.NodeType == "Sort" && p.Plans[0].Rows > manyRows {
		found = append(found, fmt.Sprintf("%.0f rows by %s", p.Plans[0].Rows, strings.Join(p.SortKey, ", ")))
	}
	for _, child := range p.Plans {
		found = append(found, child.sorts()...)
	}
	return found
}

// explain asks Postgres how it would run a statement, knowing its arguments.
func (w *world) explain(s statement) *plan {
	w.t.Helper()
	var text []byte
	w.must(w.DB().GetContext(w.ctx, &text, "EXPLAIN (FORMAT JSON) "+s.text, s.args...))
	return w.plan(text)
}

// explainSettled asks how it runs a statement that was prepared and has been run
// so often that it has settled on a plan: one for all arguments, where that seems
// to cost no more than the five that it made for these.
func (w *world) explainSettled(s statement) *plan {
	w.t.Helper()
	conn, err := w.DB().Connx(w.ctx)
	w.must(err)
	defer func() { w.must(conn.Close()) }()
	run := func(text string) {
		_, err := conn.ExecContext(w.ctx, text)
		w.must(err)
	}
	run(`PREPARE asked AS ` + s.text)
	defer run(`DEALLOCATE asked`)
	explain := `EXPLAIN (FORMAT JSON) EXECUTE asked` + literals(s.args)
	run(strings.Repeat(explain+";", 5))
	var text []byte
	w.must(conn.GetContext(w.ctx, &text, explain))
	return w.plan(text)
}

// literals writes arguments as EXECUTE takes them.
func literals(args []any) string {
	if len(args) == 0 {
		return ""
	}
	out := make([]string, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case nil:
			out[i] = "NULL"
		case []byte:
			out[i] = bytesLiteral(v)
		case time.Time:
			out[i] = pq.QuoteLiteral(v.Format(time.RFC3339Nano))
		default:
			out[i] = pq.QuoteLiteral(fmt.Sprint(v))
		}
	}
	return "(" + strings.Join(out, ", ") + ")"
}

func (w *world) plan(text []byte) *plan {
	w.t.Helper()
	var plans []struct{ Plan *plan }
	w.must(json.Unmarshal(text, &plans))
	return plans[0].Plan
}

// asked is one thing that is asked of the store.
type asked struct {
	what string
	run  func() error
}

// Why some statements may read large tables from one end to the other. Counting
// is only done where it is asked for, and stops after 10,001 rows.
const (
	countsMost = "it counts a good part of the table, and ends where it has seen 10,001"
	notIndexed = "an index on quantities would cost every change of a level its update in place"
	whatIsNot  = "what isn't there has no index; each product has to be looked at"
	goodPart   = "of 50,000 subjects at most it reads all; where these are a good part of a table, that is read once"
	soManyIDs  = "it looks at 200,000 ids at most; where these are all of a partition, the index saves nothing"
	ownToo     = "a supplier sees what is on sale or its own, an OR that no one index serves; it ends where it has seen 10,001"
)

// mayScan are those statements, by how what asks them begins.
var mayScan = map[string]string{
	"counting products all":           countsMost,
	"counting products of a supplier": ownToo,
	"counting products out of stock":  whatIsNot,
	"products out of stock":           whatIsNot,
	"counting products in stock":      countsMost,
	"counting levels all":             countsMost,
	"counting levels low":             notIndexed,
	"counting movements all":          countsMost,
	"counting movements of a reason":  countsMost,
	"counting orders all":             countsMost,
	"counting orders delivered":       countsMost,
	"counting parts all":              countsMost,
	"counting parts at a location":    countsMost,
	"counting parts not overdue":      countsMost,
	"counting audit all":              countsMost,
	"counting clients all":            countsMost,
	"what is behind a cursor":         soManyIDs,
	"the state of levels all":         goodPart,
	"the state of levels low":         notIndexed,
	"the state of levels at a":        goodPart,
	"the state of availability all":   goodPart,
	"the state of availability low":   notIndexed,
	"the state of availability at a":  goodPart,
}

// No statement that a request sends reads a table that grows with the shop from
// one end to the other, or sorts a good part of one, whoever asks, by whatever it
// is filtered and sorted; neither the first times, with a plan for its arguments,
// nor when it has settled on a plan.
func TestExplain(t *testing.T) {
	t.Parallel()
	w, y := newLargeWorld(t)
	told := map[string]bool{}
	for _, a := range slices.Concat(w.askProducts(), w.askStock(), w.askOrders(), w.askClients(), w.askRest()) {
		sent, _ := y.during(func() {
			if err := a.run(); err != nil {
				t.Fatalf("%s: %v", a.what, err)
			}
		})
		for _, s := range sent {
			if s.inTransaction() {
				continue
			}
			what := a.what
			if strings.Contains(s.text, ".count */ SELECT count(*)") {
				what = "counting " + what
			}
			if asked := s.text + fmt.Sprint(s.args); !told[asked] {
				told[asked] = true
				judge(t, what, s, w.explain(s))
			}
			if !told[s.text] {
				told[s.text] = true
				judge(t, what+", settled,", s, w.explainSettled(s))
			}
		}
	}
}

// What is overdue is found by the index of what waits for an answer, and not by
// looking at all that ever did.
func TestOverdueHasItsIndex(t *testing.T) {
	t.Parallel()
	w, y := newLargeWorld(t)
	sent, _ := y.during(func() {
		_, err := w.FulfillmentOrders(w.ctx, operator, redline.FulfillmentOrderFilter{Overdue: ref(true)}, redline.PageRequest{First: ref(20)})
		w.must(err)
	})
	for how, p := range map[string]*plan{"planned": w.explain(sent[0]), "settled": w.explainSettled(sent[0])} {
		if !slices.Contains(p.indexes(), "fulfillment_orders_overdue") {
			t.Errorf("%s, what is overdue goes by %v", how, p.indexes())
		}
	}
}

// indexes are those that a plan goes by.
func (p *plan) indexes() []string {
	var found []string
	if p.Index != "" {
		found = append(found, p.Index)
	}
	for _, child := range p.Plans {
		found = append(found, child.indexes()...)
	}
	return found
}

// judge tells of what a plan should not do. Nobody is excused from sorting.
func judge(t *testing.T, what string, s statement, p *plan) {
	t.Helper()
	for does, these := range map[string][]string{"reads all of": p.scans(), "sorts": p.sorts()} {
		switch {
		case len(these) == 0:
		case does != "sorts" && excused(what):
			t.Logf("%s %s %s", what, does, strings.Join(these, " and of "))
		default:
			t.Errorf("%s %s %s\n\t%s", what, does, strings.Join(these, " and of "), strings.Join(strings.Fields(s.text), " "))
		}
	}
}

// excused reports whether mayScan knows of a statement.
func excused(what string) bool {
	for known := range mayScan {
		if strings.HasPrefix(what, known) {
			return true
		}
	}
	return false
}

// pages asks for the first page of a list, the next, the last, which is in the
// other direction, and the count.
func pages(list func(redline.PageRequest) (after *string, err error)) func() error {
	return func() error {
		after, err := list(redline.PageRequest{First: ref(20), Count: true})
		if err != nil {
			return err
		}
		if after != nil {
			if _, err := list(redline.PageRequest{First: ref(20), After: after}); err != nil {
				return err
			}
		}
		_, err = list(redline.PageRequest{Last: ref(20)})
		return err
	}
}

// last is the cursor of a page's last item.
func last[T any](p *redline.Page[T], err error) (*string, error) {
	if err != nil || p == nil || len(p.Cursors) == 0 {
		return nil, err
	}
	return &p.Cursors[len(p.Cursors)-1], nil
}

func (w *world) askProducts() []asked {
	var all []asked
	filters := map[string]redline.ProductFilter{
		"all": {}, "a word": {Search: ref("model 17")}, "two categories": {Category: []string{"Category 3", "Category 4"}},
		"a brand": {Brand: []string{"Brand 7"}}, "of a supplier": {SupplierID: ref(largeID("sup", 3))}, "in stock": {InStock: ref(true)},
		"in stock, and not stale": {InStock: ref(true), IncludeStale: ref(false)},
		"out of stock":            {InStock: ref(false)}, "withdrawn": {Active: ref(false)}, "changed today": {UpdatedSince: ref(time.Now().Add(-24 * time.Hour))},
		"no such category": {Category: []string{"nothing"}},
	}
	for who, p := range largePeople {
		for what, f := range filters {
			for _, by := range []redline.ProductOrderField{redline.ProductsByName, redline.ProductsBySKU, redline.ProductsByPrice, redline.ProductsByUpdatedAt} {
				all = append(all, asked{fmt.Sprintf("products %s by %s for %s", what, by, who), pages(func(page redline.PageRequest) (*string, error) {
					return last(w.Products(w.ctx, p, f, redline.ProductOrder{Field: by}, page, redline.ProductParts{Availability: true}))
				})})
			}
		}
		for what, by := range map[string]redline.ProductBy{
			"id": {ID: ref(largeID("prod", 77))}, "sku": {SKU: ref("SKU-77")}, "gtin": {GTIN: ref("0000000000077")},
			"supplier SKU": {SupplierSKU: &redline.SupplierSKUInput{SupplierID: largeID("sup", 17), SKU: "S77"}},
		} {
			all = append(all, asked{fmt.Sprintf("a product by %s for %s", what, who), func() error {
				_, err := w.ProductBy(w.ctx, p, by, redline.ProductParts{Availability: true})
				return err
			}})
		}
		all = append(all, asked{"supplier items for " + who, pages(func(page redline.PageRequest) (*string, error) {
			page.First, page.Last = ref(20), nil // it has no last page
			found, err := w.SupplierItemsOfSuppliers(w.ctx, p, []string{largeID("sup", 3), largeID("sup", 4)}, page)
			return last(found[largeID("sup", 3)], err)
		})}, asked{"feeds for " + who, pages(func(page redline.PageRequest) (*string, error) {
			page.First, page.Last = ref(20), nil // it has no last page
			found, err := w.FeedsOfSuppliers(w.ctx, p, []string{largeID("sup", 3), largeID("sup", 4)}, page)
			return last(found[largeID("sup", 3)], err)
		})}, asked{"supplier items of products for " + who, func() error {
			_, err := w.SupplierItemsOfProducts(w.ctx, p, largeIDs("prod", 50))
			return err
		}}, asked{"versions of supplier items for " + who, func() error {
			_, err := w.ItemVersions(w.ctx, p, largeIDs("sitem", 50))
			return err
		}}, asked{"standings for " + who, func() error {
			_, err := w.Standings(w.ctx, p, []string{largeID("sup", 3), largeID("sup", 4)})
			return err
		}}, asked{"supplier items by id for " + who, func() error {
			_, err := w.SupplierItemsByID(w.ctx, p, largeIDs("sitem", 50))
			return err
		}}, asked{"products by id for " + who, func() error {
			_, err := w.ProductsByID(w.ctx, p, largeIDs("prod", 50))
			return err
		}})
	}
	return all
}

// largeIDs are so many ids, from all over the table.
func largeIDs(prefix string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = largeID(prefix, 300*i)
	}
	return ids
}

func (w *world) askStock() []asked {
	all := []asked{{"availability", func() error {
		_, err := w.Availability(w.ctx, largeIDs("prod", 50))
		return err
	}}}
	levels := map[string]redline.InventoryFilter{
		"all": {}, "of products": {ProductIDs: largeIDs("prod", 5)}, "of SKUs": {Skus: []string{"SKU-7", "SKU-77"}},
		"at a warehouse": {LocationIDs: []string{largeID("loc", 1)}}, "of a supplier": {SupplierID: ref(largeID("sup", 3))},
		"of a category": {Category: []string{"Category 3"}}, "low": {LowOnly: ref(true)}, "stale": {StaleOnly: ref(true)},
		"low at a warehouse": {LowOnly: ref(true), LocationIDs: []string{largeID("loc", 1)}},
	}
	movements := map[string]redline.MovementFilter{
		"all": {}, "of a product": {ProductIDs: []string{largeID("prod", 77)}}, "of products": {ProductIDs: largeIDs("prod", 5)},
		"at a location": {LocationIDs: []string{largeID("loc", 1)}}, "at a location of a product": {
			LocationIDs: []string{largeID("loc", 1)}, ProductIDs: []string{largeID("prod", 77)}},
		"of a reason": {Reasons: []redline.MovementReason{redline.ReasonReceived}}, "of a rare reason": {Reasons: []redline.MovementReason{redline.ReasonDamaged}},
		"with a reference": {Reference: ref("delivery 077")}, "of a day": {From: ref(time.Now().AddDate(0, 0, -11)), To: ref(time.Now().AddDate(0, 0, -10))},
	}
	for what, f := range levels {
		all = append(all, asked{"the state of availability " + what, func() error {
			_, err := w.AvailabilityState(w.ctx, f)
			return err
		}})
	}
	for who, p := range largePeople {
		for what, f := range levels {
			all = append(all, asked{fmt.Sprintf("levels %s for %s", what, who), pages(func(page redline.PageRequest) (*string, error) {
				return last(w.Levels(w.ctx, p, f, page))
			})})
		}
		for what, f := range levels {
			all = append(all, asked{fmt.Sprintf("the state of levels %s for %s", what, who), func() error {
				_, err := w.LevelsState(w.ctx, p, f)
				return err
			}})
		}
		for what, f := range movements {
			all = append(all, asked{fmt.Sprintf("movements %s for %s", what, who), pages(func(page redline.PageRequest) (*string, error) {
				return last(w.Movements(w.ctx, p, f, page))
			})})
		}
		all = append(all, asked{"levels of products for " + who, func() error {
			_, err := w.LevelsOfProducts(w.ctx, p, largeIDs("prod", 50))
			return err
		}}, asked{"levels by id for " + who, func() error {
			_, err := w.LevelsByID(w.ctx, p, largeIDs("lvl", 50))
			return err
		}}, asked{"movements by id for " + who, func() error {
			_, err := w.MovementsByID(w.ctx, p, largeIDs("mov", 50))
			return err
		}})
	}
	return all
}

func (w *world) askOrders() []asked {
	var all []asked
	everything := redline.OrderParts{Lines: true, Parts: true, History: true, Returns: true}
	filters := map[string]redline.OrderFilter{
		"all": {}, "open": {Statuses: []redline.OrderStatus{redline.OrderPending, redline.OrderProcessing}},
		"delivered": {Statuses: []redline.OrderStatus{redline.OrderDelivered}}, "held": {Statuses: []redline.OrderStatus{redline.OrderOnHold}},
		"of a customer": {CustomerID: ref("customer-77")}, "of a supplier": {SupplierID: ref(largeID("sup", 3))},
		"with a product": {ProductID: ref(largeID("prod", 77))}, "of a day": {PlacedFrom: ref(time.Now().AddDate(0, 0, -9)), PlacedTo: ref(time.Now().AddDate(0, 0, -8))},
		"changed today": {UpdatedSince: ref(time.Now().AddDate(0, 0, -1))}, "by number": {Search: ref("100123")}, "by reference": {Search: ref("ref-123")},
	}
	parts := map[string]redline.FulfillmentOrderFilter{
		"all": {}, "submitted": {Statuses: []redline.FulfillmentOrderStatus{redline.PartSubmitted}}, "of a supplier": {SupplierID: ref(largeID("sup", 3))},
		"at a location": {LocationID: ref(largeID("loc", 1))}, "overdue": {Overdue: ref(true)}, "not overdue": {Overdue: ref(false)},
		"rejected": {Statuses: []redline.FulfillmentOrderStatus{redline.PartRejected}},
	}
	for who, p := range largePeople {
		for what, f := range filters {
			for _, by := range []redline.OrderSortField{redline.OrdersByPlacedAt, redline.OrdersByUpdatedAt, redline.OrdersByTotal} {
				all = append(all, asked{fmt.Sprintf("orders %s by %s for %s", what, by, who), pages(func(page redline.PageRequest) (*string, error) {
					return last(w.Orders(w.ctx, p, f, redline.OrderSort{Field: by}, page, everything))
				})})
			}
		}
		for what, f := range filters {
			all = append(all, asked{fmt.Sprintf("the state of orders %s for %s", what, who), func() error {
				_, err := w.OrdersState(w.ctx, p, f, nil)
				var tooMany *redline.Error
				if errors.As(err, &tooMany) && tooMany.Code == redline.CodeInvalid {
					return nil
				}
				return err
			}})
		}
		all = append(all, asked{"the state of some orders for " + who, func() error {
			_, err := w.OrdersState(w.ctx, p, redline.OrderFilter{}, largeIDs("ord", 50))
			return err
		}})
		for what, f := range parts {
			all = append(all, asked{fmt.Sprintf("parts %s for %s", what, who), pages(func(page redline.PageRequest) (*string, error) {
				return last(w.FulfillmentOrders(w.ctx, p, f, page))
			})})
		}
		for what, by := range map[string]redline.OrderBy{
			"id": {ID: ref(largeID("ord", 77))}, "number": {Number: ref("100123")}, "reference": {ExternalReference: ref("ref-7")},
		} {
			all = append(all, asked{fmt.Sprintf("an order by %s for %s", what, who), func() error {
				_, err := w.OrderBy(w.ctx, p, by, everything)
				return err
			}})
		}
		all = append(all, asked{"orders by id, whole, for " + who, func() error {
			found, err := w.OrdersByID(w.ctx, p, largeIDs("ord", 50))
			if err != nil {
				return err
			}
			var list []*redline.Order
			for _, o := range found {
				list = append(list, o)
			}
			return w.LoadOrders(w.ctx, p, list, everything)
		}}, asked{"parts by id for " + who, func() error {
			_, err := w.FulfillmentOrdersByID(w.ctx, p, largeIDs("fo", 50))
			return err
		}}, asked{"shipments by id for " + who, func() error {
			_, err := w.FulfillmentsByID(w.ctx, p, largeIDs("ship", 50))
			return err
		}}, asked{"returns by id for " + who, func() error {
			_, err := w.ReturnsByID(w.ctx, p, largeIDs("ret", 50))
			return err
		}}, asked{"order lines by id for " + who, func() error {
			_, err := w.OrderLinesByID(w.ctx, p, largeIDs("line", 50))
			return err
		}})
	}
	return all
}

// askClients asks for clients, as gateways and those who get tokens do, and changes some.
func (w *world) askClients() []asked {
	var all []asked
	for what, f := range map[string]redline.ClientFilter{"all": {}, "of a supplier": {SupplierID: ref(largeID("sup", 3))}, "of nobody": {SupplierID: ref("x")}} {
		all = append(all, asked{"clients " + what, pages(func(page redline.PageRequest) (*string, error) {
			return last(w.Clients(w.ctx, admin, f, page))
		})})
	}
	id := largeID("cli", 100)
	return append(all,
		asked{"clients by id", func() error {
			_, err := w.ClientsByID(w.ctx, admin, largeIDs("cli", 50))
			return err
		}},
		asked{"who is revoked", func() error { return w.RefreshRevoked(w.ctx) }},
		asked{"making, rotating and using a client", func() error {
			_, _, err := w.ClientCreate(w.ctx, admin, redline.ClientCreateInput{
				IdempotencyKey: key(), Name: "n", Role: redline.RoleSupplier, SupplierCodes: []string{"sup-3", "sup-4"},
			})
			if err != nil {
				return err
			}
			_, done, err := w.ClientRotateSecret(w.ctx, admin, redline.ClientRotateSecretInput{IdempotencyKey: key(), ClientID: id, OverlapSeconds: 60})
			if err != nil {
				return err
			}
			_, err = w.ClientAuthenticate(w.ctx, id, done.Secret)
			return err
		}},
		asked{"revoking a client", func() error {
			_, _, err := w.ClientRevoke(w.ctx, admin, redline.ClientRevokeInput{ClientID: id})
			return err
		}},
	)
}

// askRest asks for the audit and the log, and makes every kind of change.
func (w *world) askConflicts() []asked {
	var all []asked
	for who, p := range largePeople {
		for what, f := range map[string]redline.ConflictFilter{
			"all": {}, "open": {Status: ref(redline.ConflictOpen)}, "dismissed": {Status: ref(redline.ConflictDismissed)},
			"of a kind": {Kind: ref(redline.ConflictOversold)}, "of a rare kind": {Kind: ref(redline.ConflictMassZeroing)},
			"open of a kind": {Status: ref(redline.ConflictOpen), Kind: ref(redline.ConflictOversold)},
			"of no kind":     {Status: ref(redline.ConflictOpen), Kind: ref(redline.ConflictPriceMismatch)},
		} {
			all = append(all, asked{fmt.Sprintf("conflicts %s for %s", what, who), pages(func(page redline.PageRequest) (*string, error) {
				return last(w.Conflicts(w.ctx, p, f, page))
			})})
		}
		all = append(all, asked{"the state of conflicts for " + who, func() error {
			_, err := w.ConflictsState(w.ctx, p)
			return err
		}}, asked{"conflicts by id for " + who, func() error {
			_, err := w.ConflictsByID(w.ctx, p, largeIDs("conf", 50))
			return err
		}})
	}
	return all
}

func (w *world) askRest() []asked {
	var all []asked
	for what, f := range map[string]redline.AuditFilter{
		"all": {}, "of a subject": {Subject: ref(largeID("ord", 77))}, "of an actor": {Actor: ref("shop-7")}, "of nobody": {Actor: ref("nobody")},
		"of a day": {From: ref(time.Now().AddDate(0, 0, -9)), To: ref(time.Now().AddDate(0, 0, -8))},
	} {
		all = append(all, asked{"audit " + what, pages(func(page redline.PageRequest) (*string, error) {
			return last(w.AuditEntries(w.ctx, operator, f, page))
		})})
	}
	all = append(all, w.askConflicts()...)
	log := w.EventLog()
	w.t.Cleanup(func() { _ = log.Close() })
	all = append(all, asked{"audit by id", func() error {
		_, err := w.AuditEntriesByID(w.ctx, operator, largeIDs("audit", 50))
		return err
	}}, asked{"the pulse", func() error {
		_, err := w.Pulse(w.ctx, operator, redline.PulseMax)
		return err
	}}, asked{"the log's beginning", func() error {
		_, err := log.Settled(w.ctx, 0, everyType, 100)
		return err
	}}, asked{"the log's end", func() error {
		newest, err := log.Newest(w.ctx)
		if err != nil {
			return err
		}
		_, err = log.Settled(w.ctx, newest-100, []string{redline.EventOrder}, 500)
		return err
	}}, asked{"what is behind a cursor", func() error {
		newest, err := w.LastIssued(w.ctx)
		if err != nil {
			return err
		}
		for _, after := range []int64{0, newest / 2, newest - 10} {
			for _, types := range [][]string{everyType, {redline.EventConflict}} {
				if _, err := w.EventsBetween(w.ctx, after, newest, types, 500); err != nil {
					return err
				}
			}
		}
		return nil
	}}, asked{"issuing a ticket, and opening it", func() error {
		ticket, _, err := w.TicketIssue(w.ctx, lasting(largeShop), redline.Operation{Query: "{ a }"})
		if err != nil {
			return err
		}
		_, _, err = w.TicketOpen(w.ctx, ticket)
		return err
	}}, asked{"rotating the log", func() error {
		_, err := w.RotateLog(w.ctx, time.Hour)
		return err
	}}, asked{"which log it is", func() error {
		_, err := log.Epoch(w.ctx)
		return err
	}}, asked{"promises", func() error {
		_, err := w.Promises(w.ctx, largeShop, []redline.AvailabilityLine{{ProductID: largeID("prod", 77), Quantity: 3}}, true)
		return err
	}})

	var reserved string
	reserve := func() (err error) {
		reserved, _, err = w.ReservationCreate(w.ctx, largeShop, redline.ReservationCreateInput{IdempotencyKey: key(), TTLSeconds: 60,
			Lines: []redline.LineInput{{SKU: ref("SKU-44"), Quantity: 1}, {SKU: ref("SKU-55"), Quantity: 2}}})
		return err
	}
	all = append(all, asked{"reserving", reserve}, asked{"extending", func() error { return w.extend(largeShop, reserved) }},
		asked{"releasing a reservation", func() error { return w.letGo(largeShop, reserved) }}, asked{"reserving again", reserve},
		asked{"taking a reservation over", func() error { _, err := w.takeOver(largeShop, reserved); return err }},
		asked{"reserving a third", reserve},
		asked{"expiring", func() error {
			w.endTime(reserved)
			_, err := w.ExpireReservations(w.ctx)
			return err
		}},
		asked{"reserving a fourth", reserve},
		asked{"placing where a reservation is due", func() error {
			w.endTime(reserved)
			_, _, err := w.OrderPlace(w.ctx, largeShop, wants(line("SKU-44", 1)))
			return err
		}},
		asked{"reservations by id", func() error {
			_, err := w.ReservationsByID(w.ctx, largeShop, []string{reserved, largeID("res", 7), largeID("res", 77)})
			return err
		}})

	var placed, returned string
	place := func(n int) func() error {
		return func() (err error) {
			placed, _, err = w.OrderPlace(w.ctx, largeShop, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{
				{ProductID: ref(largeID("prod", n)), Quantity: 1, LocationID: ref(largeID("loc", 6))}, {SKU: ref(fmt.Sprintf("SKU-%d", n+2)), Quantity: 2},
			}})
			return err
		}
	}
	part := func() string {
		var id string
		w.must(w.DB().GetContext(w.ctx, &id, `SELECT id FROM fulfillment_orders WHERE order_id = $1 AND location_id = $2`, placed, largeID("loc", 6)))
		return id
	}
	stock := redline.StockKey{SKU: ref("SKU-77"), LocationCode: ref("loc-2")}
	all = append(all,
		asked{"placing", place(33)},
		asked{"accepting", func() error {
			_, _, err := w.FulfillmentOrderAccept(w.ctx, largeSupplier, redline.FulfillmentOrderRespondInput{IdempotencyKey: ref(key()), FulfillmentOrderID: part()})
			return err
		}},
		asked{"holding", func() error {
			_, _, err := w.OrderHold(w.ctx, operator, redline.OrderHoldInput{OrderID: placed, Reason: "a look"})
			return err
		}},
		asked{"releasing", func() error {
			_, _, err := w.OrderReleaseHold(w.ctx, operator, redline.OrderReleaseHoldInput{OrderID: placed})
			return err
		}},
		asked{"shipping", func() error {
			_, _, err := w.FulfillmentCreate(w.ctx, largeSupplier, redline.FulfillmentCreateInput{IdempotencyKey: key(), FulfillmentOrderID: part()})
			return err
		}},
		asked{"delivering", func() error {
			var id string
			w.must(w.DB().GetContext(w.ctx, &id, `SELECT id FROM fulfillments WHERE fulfillment_order_id = $1`, part()))
			_, _, err := w.FulfillmentMarkDelivered(w.ctx, largeSupplier, redline.FulfillmentDeliveredInput{FulfillmentID: id})
			return err
		}},
		asked{"announcing a return", func() error {
			o := w.order(operator, placed)
			id, _, err := w.ReturnCreate(w.ctx, operator, redline.ReturnCreateInput{
				IdempotencyKey: key(), OrderID: o.ID, Lines: []redline.ReturnLineInput{{OrderLineID: o.Lines[0].ID, Quantity: 1}}})
			returned = id
			return err
		}},
		asked{"receiving a return", func() error { return w.receive(operator, returned, 1, 0, nil) }},
		asked{"placing to ship more", place(63)},
		asked{"shipping more than is left, and resolving that", func() error {
			for _, l := range w.order(operator, placed).Part(part()).Lines {
				if err := w.send(largeSupplier, redline.FulfillmentCreateInput{
					FulfillmentOrderID: part(), Lines: []redline.ShipLine{{LineID: l.ID, Quantity: 7}},
				}); err == nil {
					return errors.New("more left than was there")
				}
			}
			return w.resolve(w.disagreements(redline.ConflictQuantityExceedsOrder)[0])
		}},
		asked{"placing again", place(63)},
		asked{"reporting less than is promised", func() error {
			_, err := w.InventorySet(w.ctx, largeSupplier, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{
				{Stock: redline.StockKey{SupplierSKU: ref("S63")}, OnHand: 0, Basis: redline.CountBasis{Override: ref(true)}}}})
			return err
		}},
		asked{"dismissing", func() error {
			found, err := w.Conflicts(w.ctx, largeSupplier, redline.ConflictFilter{Status: ref(redline.ConflictOpen)}, redline.PageRequest{First: ref(1)})
			w.must(err)
			_, _, err = w.ConflictResolve(w.ctx, operator, redline.ConflictResolveInput{
				ConflictID: found.Items[0].ID, Status: redline.ConflictDismissed, Resolution: "they will find some"})
			return err
		}},
		asked{"naming a SKU that isn't mapped, and resolving that", func() error {
			_, err := w.SupplierFeedSubmit(w.ctx, largeSupplier, redline.SupplierFeedInput{
				IdempotencyKey: key(), Mode: redline.FeedPartial, Measure: redline.FeedOnHand, AsOf: time.Now().Add(-time.Hour), OnRowError: redline.SkipRow,
				Rows: []redline.SupplierFeedRow{{SupplierSKU: "not mapped", Quantity: 3}}})
			w.must(err)
			found, err := w.Conflicts(w.ctx, operator, redline.ConflictFilter{Kind: ref(redline.ConflictUnmappedSKU)}, redline.PageRequest{First: ref(1)})
			w.must(err)
			in := redline.ConflictResolveInput{ConflictID: found.Items[0].ID, Status: redline.ConflictResolved, Resolution: "it is new"}
			if _, _, err = w.ConflictResolve(w.ctx, operator, in); err == nil {
				return errors.New("it stands for nothing")
			}
			in.Mapping = &redline.ConflictMappingInput{ProductID: largeID("prod", 33), Unit: redline.UnitBox, PackQuantity: 3}
			_, _, err = w.ConflictResolve(w.ctx, operator, in)
			return err
		}},
		asked{"rejecting", func() error {
			_, _, err := w.FulfillmentOrderReject(w.ctx, largeSupplier, redline.FulfillmentOrderRespondInput{FulfillmentOrderID: part()})
			return err
		}},
		asked{"moving on", func() error {
			_, _, err := w.OrderSetStatus(w.ctx, operator, redline.OrderStatusInput{IdempotencyKey: key(), OrderID: placed, Status: redline.OrderProcessing})
			return err
		}},
		asked{"placing a third", place(93)},
		asked{"cancelling", func() error {
			_, _, err := w.OrderCancel(w.ctx, largeShop, redline.OrderCancelInput{IdempotencyKey: key(), OrderID: placed, Reason: "enough"})
			return err
		}},
		asked{"adjusting", func() error {
			_, err := w.InventoryAdjust(w.ctx, operator, redline.InventoryAdjustInput{IdempotencyKey: key(), Reason: redline.ReasonReceived,
				Changes: []redline.InventoryChange{{Stock: stock, State: redline.StateOnHand, Delta: 1}}})
			return err
		}},
		asked{"a supplier's adjusting", func() error {
			_, err := w.InventoryAdjust(w.ctx, largeSupplier, redline.InventoryAdjustInput{IdempotencyKey: key(), Reason: redline.ReasonReceived,
				Changes: []redline.InventoryChange{{Stock: redline.StockKey{SupplierSKU: ref("S63")}, State: redline.StateOnHand, Delta: 1}}})
			return err
		}},
		asked{"counting", func() error {
			_, err := w.InventorySet(w.ctx, operator, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{
				{Stock: stock, OnHand: 90, Basis: redline.CountBasis{CountedAt: ref(time.Now().Add(-time.Hour))}}}})
			return err
		}},
		asked{"transferring", func() error {
			_, err := w.InventoryTransfer(w.ctx, operator, redline.InventoryTransferInput{IdempotencyKey: key(), ProductID: largeID("prod", 77),
				FromLocationID: largeID("loc", 2), ToLocationID: largeID("loc", 0), Quantity: 2})
			return err
		}},
		asked{"mapping", func() error {
			for _, days := range []int{3, 4} {
				_, _, err := w.SupplierItemUpsert(w.ctx, largeSupplier, redline.SupplierItemUpsertInput{
					ProductID: largeID("prod", 63), SupplierSKU: "S63", Unit: redline.UnitCase, PackQuantity: 9, MinimumOrderQuantity: 1, OrderMultiple: 1,
					LeadTimeDays: &days,
				})
				if err != nil {
					return err
				}
			}
			return nil
		}},
		asked{"making a level of a supplier's", func() error {
			_, err := w.InventoryAdjust(w.ctx, operator, redline.InventoryAdjustInput{IdempotencyKey: key(), Reason: redline.ReasonReceived,
				Changes: []redline.InventoryChange{{Stock: redline.StockKey{SKU: ref("SKU-77"), LocationCode: ref("loc-4")}, State: redline.StateOnHand, Delta: 1}}})
			return err
		}},
		asked{"a feed", func() error {
			rows := []redline.SupplierFeedRow{{SupplierSKU: "S63", Quantity: 7, Cost: &redline.Decimal{}}, {SupplierSKU: "S93", Quantity: 1, Unit: ref(redline.UnitBox)}}
			for n := range 50 {
				rows = append(rows, says(fmt.Sprint("S", 123+30*n), n%11))
			}
			in := w.feedOf(redline.FeedPartial, 1, rows...)
			in.AsOf = in.AsOf.Add(-time.Hour)
			_, err := w.SupplierFeedSubmit(w.ctx, largeSupplier, in)
			return err
		}},
		asked{"a full feed that is to wait", func() error {
			_, err := w.SupplierFeedSubmit(w.ctx, largeSupplier, w.feedOf(redline.FeedFull, 5))
			return err
		}},
		asked{"agreeing on terms", func() error {
			_, _, err := w.SupplierTermsSet(w.ctx, operator, redline.SupplierTermsSetInput{SupplierID: largeID("sup", 3), ConfirmWithinSeconds: ref(60)})
			return err
		}},
		asked{"marking what is stale", func() error {
			_, err := w.MarkStale(w.ctx)
			return err
		}},
		asked{"waiting for stock, and getting some", func() error {
			_, _, err := w.OrderPlace(w.ctx, largeShop, redline.OrderPlaceInput{
				IdempotencyKey: key(), AllowBackorder: true, Lines: []redline.LineInput{{ProductID: ref(largeID("prod", 77)), Quantity: 5000}},
			})
			if err != nil {
				return err
			}
			_, err = w.InventoryAdjust(w.ctx, operator, redline.InventoryAdjustInput{IdempotencyKey: key(), Reason: redline.ReasonReceived,
				Changes: []redline.InventoryChange{{Stock: stock, State: redline.StateOnHand, Delta: 1}}})
			return err
		}},
		asked{"filling what waits", func() error {
			n, err := w.FillBackorders(w.ctx)
			if n == 0 {
				w.t.Error("nothing waited")
			}
			return err
		}},
		asked{"withdrawing promises", func() error {
			// Where a supplier's part was placed before.
			_, _, err := w.OrderPlace(w.ctx, largeShop, redline.OrderPlaceInput{IdempotencyKey: key(), AllowBackorder: true, Lines: []redline.LineInput{
				{ProductID: ref(largeID("prod", 63)), Quantity: 3, LocationID: ref(largeID("loc", 6))},
			}})
			if err != nil {
				return err
			}
			_, err = w.InventorySet(w.ctx, largeSupplier, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{
				{Stock: redline.StockKey{SupplierSKU: ref("S63")}, OnHand: 0, Basis: redline.CountBasis{Override: ref(true)}}}})
			if err != nil {
				return err
			}
			levels, err := w.LevelsOfProducts(w.ctx, largeSupplier, []string{largeID("prod", 63)})
			if err != nil {
				return err
			}
			level := levels[largeID("prod", 63)][0]
			if level.Oversold() == 0 {
				w.t.Errorf("nothing has to be withdrawn of %+v", *level)
			}
			return w.WithdrawNewest(w.ctx, operator, level.ID)
		}},
		asked{"sweeping", func() error {
			_, err := w.Sweep(w.ctx)
			return err
		}},
	)
	return all
}
