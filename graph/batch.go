package graph

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"redline"
	"redline/graph/model"
)

// batch is what the objects of one level lack. Running it makes one call of
// the store for each kind of thing, and none for what nobody lacks.
type batch struct {
	*preloader

	// products, locations and suppliers are wanted by id, each by those who
	// are to be given it.
	productsBy  map[string][]func(*redline.Product)
	locationsBy map[string][]func(*redline.Location)
	suppliersBy map[string][]func(*redline.Supplier)

	// availability, levels and items are products that lack them.
	availability []*redline.Product
	levels       []*redline.Product
	items        []*redline.Product

	// standings are suppliers of which it is asked how they stand with us, and
	// versions items whose versions are.
	standings []*redline.Supplier
	versions  []*redline.SupplierItem

	// subjects are conflicts that lack theirs, and rows those of a feed that lack
	// their levels.
	subjects []*redline.Conflict
	rows     []*model.InventoryRow

	// itemPages and feedPages are suppliers whose items and feeds are wanted page by
	// page.
	itemPages, feedPages map[pageKey]*wantedPages

	// orders lack the parts told.
	orders map[*redline.Order]redline.OrderParts

	// customers and histories are orders of an event, and addresses parts of
	// one, that lack what the event's payload has not.
	customers []*redline.Order
	histories []*redline.Order
	addresses []*redline.FulfillmentOrder

	// known is run after all else: what is given to those who ask for no more
	// than is known without a look. missing are ids that were looked for, and
	// that nothing has.
	known   []func()
	missing map[string]bool
}

type wantedPages struct {
	page      redline.PageRequest
	suppliers map[string]bool
}

func newBatch(p *preloader) *batch { return &batch{preloader: p} }

func (b *batch) product(id string, give func(*redline.Product)) {
	if known := b.products[id]; known != nil {
		give(known)
		return
	}
	b.productsBy = wanted(b.productsBy, id, give)
}

func (b *batch) location(id string, give func(*redline.Location)) {
	b.locationsBy = wanted(b.locationsBy, id, give)
}

func (b *batch) supplier(id string, give func(*redline.Supplier)) {
	b.suppliersBy = wanted(b.suppliersBy, id, give)
}

func wanted[T any](by map[string][]func(*T), id string, give func(*T)) map[string][]func(*T) {
	if by == nil {
		by = map[string][]func(*T){}
	}
	by[id] = append(by[id], give)
	return by
}

// order asks for relations of an order.
func (b *batch) order(o *redline.Order, need redline.OrderParts) {
	if b.orders == nil {
		b.orders = map[*redline.Order]redline.OrderParts{}
	}
	b.orders[o] = bothParts(b.orders[o], need)
}

// bothParts are those of either.
func bothParts(a, b redline.OrderParts) redline.OrderParts {
	return redline.OrderParts{
		Lines: a.Lines || b.Lines, Parts: a.Parts || b.Parts, History: a.History || b.History, Returns: a.Returns || b.Returns,
	}
}

// reads are what running a batch does, in this order.
var reads = [...]func(*batch, context.Context) error{
	(*batch).runProducts, (*batch).runLocations, (*batch).runSuppliers,
	(*batch).runAvailability, (*batch).runLevels, (*batch).runItems, (*batch).runItemPages, (*batch).runFeedPages, (*batch).runStandings,
	(*batch).runVersions, (*batch).runSubjects, (*batch).runRows,
	(*batch).runOrders, (*batch).runCustomers, (*batch).runHistories, (*batch).runAddresses,
}

// run reads all that is wanted and gives it to those who want it.
func (b *batch) run(ctx context.Context) error {
	for _, read := range reads {
		if err := read(b, ctx); err != nil {
			return err
		}
	}
	for _, give := range b.known {
		give()
	}
	return nil
}

func (b *batch) runProducts(ctx context.Context) error {
	found, err := give(ctx, b, b.productsBy, Store.ProductsOf)
	for _, p := range found {
		b.know(p)
	}
	return err
}

func (b *batch) runLocations(ctx context.Context) error {
	_, err := give(ctx, b, b.locationsBy, Store.LocationsByID)
	return err
}

func (b *batch) runSuppliers(ctx context.Context) error {
	_, err := give(ctx, b, b.suppliersBy, Store.SuppliersByID)
	return err
}

// give reads what is wanted by id and hands it out, and notes what isn't there.
func give[T any](
	ctx context.Context, b *batch, by map[string][]func(*T), read func(Store, context.Context, []string) (map[string]*T, error),
) (map[string]*T, error) {
	if len(by) == 0 {
		return nil, nil
	}
	found, err := read(b.store, ctx, slices.Collect(maps.Keys(by)))
	if err != nil {
		return nil, err
	}
	for id := range by {
		if found[id] == nil {
			if b.missing == nil {
				b.missing = map[string]bool{}
			}
			b.missing[id] = true
		}
	}
	for id, v := range found {
		for _, give := range by[id] {
			give(v)
		}
	}
	return found, nil
}

func (b *batch) runAvailability(ctx context.Context) error {
	return ofProducts(ctx, b.store, b.availability, Store.Availability, func(p *redline.Product, at []*redline.LocationAvailability) {
		p.Availability = redline.TotalAvailability(at)
	})
}

func (b *batch) runLevels(ctx context.Context) error {
	read := func(s Store, ctx context.Context, ids []string) (map[string][]*redline.InventoryLevel, error) {
		return s.LevelsOfProducts(ctx, b.principal, ids)
	}
	return ofProducts(ctx, b.store, b.levels, read, func(p *redline.Product, levels []*redline.InventoryLevel) {
		p.Inventory = redline.TotalLevels(levels)
	})
}

func (b *batch) runItems(ctx context.Context) error {
	read := func(s Store, ctx context.Context, ids []string) (map[string][]*redline.SupplierItem, error) {
		return s.SupplierItemsOfProducts(ctx, b.principal, ids)
	}
	return ofProducts(ctx, b.store, b.items, read, func(p *redline.Product, items []*redline.SupplierItem) {
		p.SupplierItems = append([]*redline.SupplierItem{}, items...)
	})
}

// ofProducts reads what belongs to products and gives it to each. Two objects
// of one product share it.
func ofProducts[T any](
	ctx context.Context, s Store, products []*redline.Product,
	read func(Store, context.Context, []string) (map[string][]T, error), give func(*redline.Product, []T),
) error {
	if len(products) == 0 {
		return nil
	}
	ids := map[string]bool{}
	for _, p := range products {
		ids[p.ID] = true
	}
	found, err := read(s, ctx, slices.Collect(maps.Keys(ids)))
	if err != nil {
		return err
	}
	for _, p := range products {
		give(p, found[p.ID])
	}
	return nil
}

func (b *batch) runItemPages(ctx context.Context) error {
	return runPages(ctx, b, b.itemPages, &b.answer.items, Store.SupplierItemsOfSuppliers)
}

func (b *batch) runFeedPages(ctx context.Context) error {
	return runPages(ctx, b, b.feedPages, &b.answer.feeds, Store.FeedsOfSuppliers)
}

// runPages reads the pages of suppliers that are wanted of one kind of thing.
func runPages[T any](
	ctx context.Context, b *batch, all map[pageKey]*wantedPages, in *shelf[T],
	of func(Store, context.Context, redline.Principal, []string, redline.PageRequest) (map[string]*redline.Page[T], error),
) error {
	for k, wanted := range all {
		found, err := of(b.store, ctx, b.principal, slices.Collect(maps.Keys(wanted.suppliers)), wanted.page)
		var refusal *redline.Error
		if errors.As(err, &refusal) && refusal.Code == redline.CodeInvalid {
			in.keep(k, pages[T]{refused: refusal})
			continue
		}
		if err != nil {
			return err
		}
		read := pages[T]{of: map[string]*redline.Page[T]{}}
		count := 0
		for id := range wanted.suppliers {
			read.of[id] = cmp.Or(found[id], &redline.Page[T]{})
			count += len(read.of[id].Items)
		}
		// Pages under many names are many reads: they end where the answer would.
		if err := b.answer.spend(count); err != nil {
			return err
		}
		in.keep(k, read)
	}
	return nil
}

func (b *batch) runStandings(ctx context.Context) error {
	if len(b.standings) == 0 {
		return nil
	}
	found, err := b.store.Standings(ctx, b.principal, idsOf(b.standings, func(s *redline.Supplier) string { return s.ID }))
	if err != nil {
		return err
	}
	for _, s := range b.standings {
		s.Standing = found[s.ID]
	}
	return nil
}

func (b *batch) runVersions(ctx context.Context) error {
	if len(b.versions) == 0 {
		return nil
	}
	found, err := b.store.ItemVersions(ctx, b.principal, idsOf(b.versions, func(i *redline.SupplierItem) string { return i.ID }))
	if err != nil {
		return err
	}
	for _, i := range b.versions {
		i.Versions = append([]*redline.SupplierItemVersion{}, found[i.ID]...)
	}
	return nil
}

// runSubjects finds what conflicts are about. What the principal may not look
// up at all isn't there for it.
func (b *batch) runSubjects(ctx context.Context) error {
	var ids []string
	for _, c := range b.subjects {
		if b.answer.contract.mayLookUp(b.principal, *c.SubjectID) == nil {
			ids = append(ids, *c.SubjectID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := findNodes(ctx, b.store, b.principal, distinct(ids))
	if err != nil {
		return err
	}
	for _, c := range b.subjects {
		c.Subject = found[*c.SubjectID]
	}
	return nil
}

func (b *batch) runRows(ctx context.Context) error {
	if len(b.rows) == 0 {
		return nil
	}
	found, err := b.store.LevelsByID(ctx, b.principal, idsOf(b.rows, func(r *model.InventoryRow) string { return r.LevelID }))
	if err != nil {
		return err
	}
	for _, r := range b.rows {
		r.Level = found[r.LevelID]
	}
	return nil
}

// idsOf lists the ids of objects, each once.
func idsOf[T any](objs []*T, id func(*T) string) []string {
	ids := make([]string, len(objs))
	for i, o := range objs {
		ids[i] = id(o)
	}
	return distinct(ids)
}

func distinct(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (b *batch) runOrders(ctx context.Context) error {
	if len(b.orders) == 0 {
		return nil
	}
	var need redline.OrderParts
	for _, n := range b.orders {
		need = bothParts(need, n)
	}
	orders := slices.Collect(maps.Keys(b.orders))
	return b.store.LoadOrders(ctx, b.principal, orders, need)
}

func (b *batch) runCustomers(ctx context.Context) error {
	if len(b.customers) == 0 {
		return nil
	}
	ids := make([]string, len(b.customers))
	for i, o := range b.customers {
		ids[i] = o.ID
	}
	found, err := b.store.OrdersByID(ctx, b.principal, ids)
	if err != nil {
		return err
	}
	for _, o := range b.customers {
		if now := found[o.ID]; now != nil && now.Customer != nil {
			o.Customer = now.Customer
		}
	}
	return nil
}

// runHistories reads the history of an event's orders up to the event.
func (b *batch) runHistories(ctx context.Context) error {
	if len(b.histories) == 0 {
		return nil
	}
	// The orders are as they were then: what is read now goes elsewhere first.
	now := make([]*redline.Order, len(b.histories))
	for i, o := range b.histories {
		now[i] = &redline.Order{ID: o.ID, Version: o.Version}
	}
	if err := b.store.LoadOrders(ctx, b.principal, now, redline.OrderParts{History: true}); err != nil {
		return err
	}
	for i, o := range b.histories {
		o.History = now[i].History
	}
	return nil
}

func (b *batch) runAddresses(ctx context.Context) error {
	if len(b.addresses) == 0 {
		return nil
	}
	ids := make([]string, len(b.addresses))
	for i, f := range b.addresses {
		ids[i] = f.ID
	}
	found, err := b.store.FulfillmentOrdersByID(ctx, b.principal, ids)
	if err != nil {
		return err
	}
	for _, f := range b.addresses {
		if now := found[f.ID]; now != nil {
			f.ShipTo = now.ShipTo
		}
	}
	return nil
}
