package histories_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"pgregory.net/rapid"

	"redline"
	"redline/store"
)

// worlds numbers the worlds of a database, so that their names differ.
var worlds atomic.Int64

// world is what one history happens in: two warehouses of ours, two suppliers
// with a place each, and products that some of them have.
type world struct {
	*store.Store
	t   *rapid.T
	ctx context.Context

	name      string
	products  []string
	locations []string
	suppliers []string // ids; their codes are the names of their locations
	people    people

	mu           sync.Mutex
	orders       []string
	reservations []string
	returns      []string
	faults       []string
	// story is what was done, in the order in which it ended.
	story []string
}

// people are the callers of a history.
type people struct {
	shop, operator redline.Principal
	suppliers      []redline.Principal
}

// pack is how many base units a supplier's case holds.
const pack = 6

// newWorld makes a world with some stock in it.
func newWorld(ctx context.Context, t *rapid.T, s *store.Store, stock []int) *world {
	w := &world{Store: s, t: t, ctx: ctx, name: fmt.Sprintf("w%d", worlds.Add(1))}
	person := func(subject string, role redline.Role) redline.Principal {
		return redline.Principal{Issuer: "histories", Subject: w.name + " " + subject, Role: role, Scopes: redline.DefaultScopes(role)}
	}
	w.people.shop, w.people.operator = person("shop", redline.RoleStorefront), person("operator", redline.RoleOperator)
	for i := range 2 {
		id, code := redline.NewID(redline.PrefixSupplier), w.code("supplier", i)
		w.exec(`INSERT INTO suppliers (id, code, name) VALUES ($1, $2, $2)`, id, code)
		w.suppliers = append(w.suppliers, id)
		p := person(code, redline.RoleSupplier)
		p.Suppliers = []string{code}
		w.people.suppliers = append(w.people.suppliers, p)
	}
	for i := range 4 {
		id := redline.NewID(redline.PrefixLocation)
		if i < 2 {
			w.exec(`INSERT INTO locations (id, code, name, kind) VALUES ($1, $2, $2, 'WAREHOUSE')`, id, w.code("warehouse", i))
		} else {
			w.exec(`INSERT INTO locations (id, code, name, kind, supplier_id, lead_time_days) VALUES ($1, $2, $2, 'SUPPLIER', $3, $4)`,
				id, w.code("place", i-2), w.suppliers[i-2], i)
		}
		w.locations = append(w.locations, id)
	}
	for i := range 3 {
		id := redline.NewID(redline.PrefixProduct)
		w.exec(`INSERT INTO products (id, sku, name, category, base_unit, price, currency) VALUES ($1, $2, $2, 'c', 'PIECE', 1.25, 'USD')`,
			id, w.code("product", i))
		w.products = append(w.products, id)
		for j, supplier := range w.suppliers {
			w.exec(`INSERT INTO supplier_items (id, supplier_id, product_id, supplier_sku, unit, pack_quantity) VALUES ($1, $2, $3, $4, 'CASE', $5)`,
				redline.NewID(redline.PrefixSupplierItem), supplier, id, w.sku(j, i), pack)
		}
	}
	w.must(s.RefreshPlaces(ctx))
	in := redline.InventorySetInput{IdempotencyKey: redline.NewID("key"), OnRowError: redline.RollBack}
	yes := true
	for i, n := range stock {
		in.Counts = append(in.Counts, redline.InventoryCount{Stock: w.stock(i), OnHand: n, Basis: redline.CountBasis{Override: &yes}})
	}
	_, err := s.InventorySet(ctx, w.people.operator, in)
	w.must(err)
	return w
}

// levels is how many levels a world has.
const levels = 3 * 4

func (w *world) code(what string, i int) string { return fmt.Sprintf("%s-%s-%d", w.name, what, i) }

// sku is how a supplier names a product.
func (w *world) sku(supplier, product int) string {
	return fmt.Sprintf("%s-%d-%d", w.name, supplier, product)
}

// stock names a level by its number.
func (w *world) stock(i int) redline.StockKey {
	i %= levels
	return redline.StockKey{ProductID: &w.products[i/4], LocationID: &w.locations[i%4]}
}

func (w *world) exec(text string, args ...any) {
	_, err := w.DB().ExecContext(w.ctx, text, args...)
	w.must(err)
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Fatal(err)
	}
}

// fault notes what mustn't happen. Callers can't end the test themselves.
func (w *world) fault(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

// note adds to the story.
func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.story = append(w.story, fmt.Sprintf(format, args...))
}

// know remembers a thing that was made, once.
func (w *world) know(list *[]string, id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, known := range *list {
		if known == id {
			return
		}
	}
	*list = append(*list, id)
}

// one picks a thing that was made; "" where there is none yet.
func (w *world) one(list *[]string, n int) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(*list) == 0 {
		return ""
	}
	return (*list)[n%len(*list)]
}

// order reads an order whole.
func (w *world) order(id string) (*redline.Order, error) {
	found, err := w.OrdersByID(w.ctx, w.people.operator, []string{id})
	if err != nil || found[id] == nil {
		return nil, err
	}
	o := found[id]
	return o, w.LoadOrders(w.ctx, w.people.operator, []*redline.Order{o}, redline.OrderParts{Lines: true, Parts: true, History: true, Returns: true})
}
