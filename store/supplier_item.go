package store

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/lib/pq"

	"redline"
)

// SupplierItemUpsert says how a supplier names, packs and prices a product: the
// item of its SKU is made, or is what the input says from now on, with a new
// version. A cost that is left out stays; all else is as the input has it. Where
// nothing differs there is no new version. A supplier speaks for itself, and of
// products that it may see; for others it takes catalog:write. It answers the
// item's id.
//
// What was ordered before keeps its pack. What feeds said of a SKU, or a unit of it,
// that is known by this is applied, as resolving their conflicts does, and settles
// them; where it can't be applied they stay open.
func (s *Store) SupplierItemUpsert(ctx context.Context, p redline.Principal, in redline.SupplierItemUpsertInput) (string, redline.Outcome, error) {
	r := request{action: "supplierItemUpsert", key: in.IdempotencyKey, input: in}
	return mutate(ctx, s, p, r, func(ctx context.Context, m *mutation) (string, error) {
		if refused := checkItem(p, in); len(refused) > 0 {
			return "", refused
		}
		supplierID, err := m.itemSupplier(ctx, in.SupplierID)
		if err != nil {
			return "", err
		}
		product, err := m.itemProduct(ctx, in.ProductID)
		if err == nil {
			err = product.counts(in.Unit, in.PackQuantity)
		}
		if err != nil {
			return "", err
		}
		// Feeds of the supplier wait, so that all that they said is applied.
		if _, err := m.lockFeedHead(ctx, supplierID); err != nil {
			return "", err
		}
		before, err := m.lockSKU(ctx, supplierID, in.SupplierSKU)
		if err != nil {
			return "", err
		}
		after := redline.SupplierItem{
			SupplierID: supplierID, ProductID: in.ProductID, SupplierSKU: in.SupplierSKU, GTIN: in.GTIN, Unit: in.Unit, PackQuantity: in.PackQuantity,
			MinimumOrderQuantity: in.MinimumOrderQuantity, OrderMultiple: in.OrderMultiple, LeadTimeDays: in.LeadTimeDays,
		}
		known := 0
		if before != nil {
			known, after.ID, after.Version, after.Cost = before.Version, before.ID, before.Version, before.Cost
		}
		switch {
		case in.ExpectedVersion != nil && *in.ExpectedVersion != known:
			return "", versionMismatch([]string{"expectedVersion"}, *in.ExpectedVersion, known)
		case before != nil && before.ProductID != in.ProductID && in.ExpectedVersion == nil:
			return "", redline.Errorf(redline.CodeDuplicate, []string{"supplierSku"},
				"%.60q stands for another product; to give it to this one, say by expectedVersion that you know its version", in.SupplierSKU)
		}
		switch {
		case in.Cost != nil:
			after.Cost = &redline.Money{Amount: *in.Cost, Currency: product.Currency}
		case after.Cost != nil && after.Cost.Currency != product.Currency:
			after.Cost = nil // it was another product's, and says nothing of this one
		}
		if err := m.saveItem(ctx, before, &after); err != nil {
			return "", err
		}
		_, err = m.applyMapped(ctx, &after, product.BaseUnit, true)
		return after.ID, err
	})
}

// checkItem checks what needs no database.
func checkItem(p redline.Principal, in redline.SupplierItemUpsertInput) redline.Errors {
	var refused redline.Errors
	check := func(ok bool, code redline.ErrorCode, field, format string, args ...any) {
		if !ok {
			refused = append(refused, redline.Errorf(code, []string{field}, format, args...))
		}
	}
	invalid := redline.CodeInvalid
	odd := strings.ContainsFunc(in.SupplierSKU, func(r rune) bool { return !unicode.IsPrint(r) })
	check(in.SupplierSKU != "" && len(in.SupplierSKU) <= nameMax && !odd && strings.TrimSpace(in.SupplierSKU) == in.SupplierSKU, invalid, "supplierSku",
		"a supplier's SKU is 1 to %d bytes of printable text, without spaces around it", nameMax)
	check(in.GTIN == nil || redline.ValidGTIN(*in.GTIN), invalid, "gtin", "a GTIN has 8, 12, 13 or 14 digits, of which the last checks the others")
	refused = append(refused, checkPack(in.Unit, in.PackQuantity)...)
	check(in.MinimumOrderQuantity >= 1 && in.MinimumOrderQuantity <= redline.MaxQuantity, invalid, "minimumOrderQuantity",
		"a minimum order quantity is from 1 to %d", redline.MaxQuantity)
	check(in.OrderMultiple >= 1 && in.OrderMultiple <= redline.MaxQuantity, invalid, "orderMultiple", "an order multiple is from 1 to %d", redline.MaxQuantity)
	check(in.LeadTimeDays == nil || *in.LeadTimeDays >= 0 && *in.LeadTimeDays <= redline.MaxQuantity, invalid, "leadTimeDays",
		"a lead time is from 0 to %d days", redline.MaxQuantity)
	if in.Cost != nil {
		check(p.Has(redline.ScopeCatalogCost), redline.CodeForbidden, "cost", "what things cost is for holders of %s", redline.ScopeCatalogCost)
		check(!strings.HasPrefix(in.Cost.String(), "-"), invalid, "cost", "a cost isn't negative")
	}
	return refused
}

// checkPack checks of a unit and its pack what needs no product.
func checkPack(unit redline.UnitOfMeasure, pack int) redline.Errors {
	var refused redline.Errors
	if !slices.Contains(redline.Units, unit) {
		refused = append(refused, redline.Invalid([]string{"unit"}, "%.40q is not a unit", unit))
	}
	if pack < 1 || pack > redline.MaxQuantity {
		refused = append(refused, redline.Invalid([]string{"packQuantity"}, "a pack is from 1 to %d", redline.MaxQuantity))
	}
	return refused
}

// itemSupplier is the supplier whose item the caller may change: its own, or any
// that is named by whoever may change the catalogue.
func (m *mutation) itemSupplier(ctx context.Context, named *string) (string, error) {
	q := &query{}
	switch {
	case m.by.Role == redline.RoleSupplier:
		q.and("s.code = ANY(%s)", pq.Array(m.by.Suppliers))
	case !m.by.Everywhere():
		q.and("false")
	case !m.by.Has(redline.ScopeCatalogWrite):
		return "", redline.Errorf(redline.CodeForbidden, nil, "any supplier's items are for holders of %s", redline.ScopeCatalogWrite)
	case named == nil:
		return "", redline.Invalid([]string{"supplierId"}, "say whose item it is")
	}
	if named != nil {
		q.and("s.id = %s", *named)
	}
	var found []string
	if err := m.tx.SelectContext(ctx, &found, `/* supplier_items.supplier */ SELECT s.id FROM suppliers s`+q.where(), q.args...); err != nil {
		return "", dbError("finding a supplier", err)
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case named != nil:
		return "", redline.NotFound([]string{"supplierId"}, "there is no supplier %.60q whose items you may change", *named)
	case len(found) == 0:
		return "", redline.NotFound([]string{"supplierId"}, "there is no supplier that your token speaks for")
	}
	return "", redline.Invalid([]string{"supplierId"}, "your token speaks for several suppliers; say which")
}

// itemClass tells the locks that stand for a supplier's items from others.
const itemClass = 0x6974656d

// lockSKU locks the item of a supplier's SKU and reads it; nil is none. Until the
// transaction ends it is the only one that maps a SKU of this supplier, changes
// how long its items take, or makes levels of its stock.
func (t *transaction) lockSKU(ctx context.Context, supplierID, sku string) (*redline.SupplierItem, error) {
	_, err := t.tx.ExecContext(ctx, `/* supplier_items.lock_supplier */ SELECT pg_advisory_xact_lock($1::integer, hashtext($2))`, itemClass, supplierID)
	if err != nil {
		return nil, dbError("locking a supplier's items", err)
	}
	return t.lockItem(ctx, "(i.supplier_id, i.supplier_sku) = (%s, %s)", supplierID, sku)
}

// lockItem locks one item and reads it, cost and all; nil is none.
func (t *transaction) lockItem(ctx context.Context, cond string, args ...any) (*redline.SupplierItem, error) {
	q := &query{}
	q.and(cond, args...)
	var rows []*itemRow
	if err := t.tx.SelectContext(ctx, &rows, "/* supplier_items.lock */ "+selectItems+q.where()+` FOR NO KEY UPDATE OF i`, q.args...); err != nil {
		return nil, dbError("locking a supplier's item", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return rows[0].item(redline.System()), nil
}

// itemProduct is what an item has to know of its product.
type itemProduct struct {
	BaseUnit redline.UnitOfMeasure `db:"base_unit"`
	Currency string
}

// itemProduct finds the product that an item is to stand for, of those that the
// caller may see.
func (m *mutation) itemProduct(ctx context.Context, id string) (itemProduct, error) {
	q := &query{}
	q.seeProducts(m.by)
	q.and("p.id = %s", id)
	var found []itemProduct
	if err := m.tx.SelectContext(ctx, &found, `/* supplier_items.product */ SELECT p.base_unit, p.currency FROM products p`+q.where(), q.args...); err != nil {
		return itemProduct{}, dbError("reading an item's product", err)
	}
	if len(found) == 0 {
		return itemProduct{}, redline.NotFound([]string{"productId"}, "there is no product %.60q", id)
	}
	return found[0], nil
}

// counts refuses a pack that can't be: the unit that the product is counted in
// is one of it.
func (p itemProduct) counts(unit redline.UnitOfMeasure, pack int) error {
	if unit == p.BaseUnit && pack != 1 {
		return redline.Errorf(redline.CodePackMismatch, []string{"packQuantity"},
			"the product is counted in %s, of which one can't hold %d", unit, pack)
	}
	return nil
}

// itemColumns are what an item and each of its versions have in common.
const itemColumns = `product_id, gtin, unit, pack_quantity, minimum_order_quantity, order_multiple, lead_time_days, cost, currency`

// keepItems begins the statement that keeps items i as their newest versions, of
// which $1 is the actor and $2 its role.
const keepItems = `INSERT INTO supplier_item_versions (supplier_item_id, version, ` + itemColumns + `, actor, actor_role, at)
	SELECT i.id, i.version, i.product_id, i.gtin, i.unit, i.pack_quantity, i.minimum_order_quantity, i.order_multiple, i.lead_time_days,
		i.cost, i.currency, $1, $2, clock_timestamp()`

// saveItem writes an item as its next version, if it differs from what it was;
// before is nil where it is new. The levels of its products follow its lead time.
func (m *mutation) saveItem(ctx context.Context, before, after *redline.SupplierItem) error {
	if before == nil {
		after.ID = redline.NewID(redline.PrefixSupplierItem)
	}
	m.subjects = append(m.subjects, after.ID)
	if before != nil && sameItem(before, after) {
		return nil
	}
	if before != nil && !equalTo(before.Cost, after.Cost) {
		m.settleConflict(causePriceMismatch(after.ID), "The cost was agreed anew.")
	}
	after.Version++
	var amount, currency *string
	if c := after.Cost; c != nil {
		text := c.Amount.String()
		amount, currency = &text, &c.Currency
	}
	_, err := m.tx.ExecContext(ctx, `/* supplier_items.write */ WITH i AS (
			INSERT INTO supplier_items (id, supplier_id, supplier_sku, version, `+itemColumns+`)
			VALUES ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::numeric, $15)
			ON CONFLICT (id) DO UPDATE SET (version, `+itemColumns+`) = (excluded.version, excluded.product_id, excluded.gtin, excluded.unit,
				excluded.pack_quantity, excluded.minimum_order_quantity, excluded.order_multiple, excluded.lead_time_days, excluded.cost,
				excluded.currency)
			RETURNING *
		) `+keepItems+` FROM i`, m.by.Subject, string(m.by.Role), after.ID, after.SupplierID, after.SupplierSKU, after.Version, after.ProductID,
		after.GTIN, string(after.Unit), after.PackQuantity, after.MinimumOrderQuantity, after.OrderMultiple, after.LeadTimeDays, amount, currency)
	if err != nil {
		return dbError("writing a supplier's item", err)
	}
	products := texts(after.ProductID)
	if before != nil {
		if before.ProductID == after.ProductID && equalTo(before.LeadTimeDays, after.LeadTimeDays) {
			return nil
		}
		products.text(before.ProductID)
	}
	return m.setLeadTimes(ctx, texts(after.SupplierID), products)
}

// sameItem reports whether two versions of an item say the same.
func sameItem(a, b *redline.SupplierItem) bool {
	return a.ProductID == b.ProductID && equalTo(a.GTIN, b.GTIN) && a.Unit == b.Unit && a.PackQuantity == b.PackQuantity &&
		a.MinimumOrderQuantity == b.MinimumOrderQuantity && a.OrderMultiple == b.OrderMultiple &&
		equalTo(a.LeadTimeDays, b.LeadTimeDays) && equalTo(a.Cost, b.Cost)
}

// equalTo reports whether two pointers point at the same value, or at none.
func equalTo[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// awaitItems waits for whoever changes how long suppliers' items take, and keeps
// others from it until the transaction ends: levels of their stock that are made
// meanwhile have the lead times of their items, and who changes those afterwards
// sees the levels.
func (t *transaction) awaitItems(ctx context.Context, supplierIDs ...string) error {
	if len(supplierIDs) == 0 {
		return nil
	}
	_, err := t.tx.ExecContext(ctx, `/* supplier_items.lock_suppliers */ SELECT pg_advisory_xact_lock_shared($1::integer, s.n) FROM (
			SELECT DISTINCT hashtext(id) AS n FROM unnest($2::text[]) AS s (id) ORDER BY n) AS s`, itemClass, texts(supplierIDs...))
	if err != nil {
		return dbError("waiting for suppliers' items", err)
	}
	return nil
}

// setLeadTimes writes beside the levels of products at suppliers' locations how
// long the supplier's items take: the quickest, where a product has several.
// Nobody is told, since it is no part of a level.
func (t *transaction) setLeadTimes(ctx context.Context, suppliers, products *column) error {
	_, err := t.tx.ExecContext(ctx, `/* supplier_items.lead_times */ UPDATE inventory_levels v SET lead_time_days = l.days FROM (
			SELECT l.id, (SELECT min(i.lead_time_days) FROM supplier_items i
				WHERE i.product_id = l.product_id AND i.supplier_id = loc.supplier_id) AS days
			FROM locations loc JOIN inventory_levels l ON l.location_id = loc.id
			WHERE loc.supplier_id = ANY($1::text[]) AND l.product_id = ANY($2::text[])
			ORDER BY l.product_id, l.location_id FOR NO KEY UPDATE OF l
		) AS l WHERE v.id = l.id AND v.lead_time_days IS DISTINCT FROM l.days`, suppliers, products)
	if err != nil {
		return dbError("setting lead times", err)
	}
	return nil
}

// setItemCost gives an item another cost for one unit, in its product's currency.
func (m *mutation) setItemCost(ctx context.Context, itemID string, cost redline.Decimal) error {
	before, err := m.lockItem(ctx, "i.id = %s", itemID)
	if err != nil {
		return err
	}
	if before == nil {
		return redline.NotFound(nil, "there is no supplier item %.60q", itemID)
	}
	after := *before
	product, err := m.itemProduct(ctx, after.ProductID)
	if err != nil {
		return err
	}
	after.Cost = &redline.Money{Amount: cost, Currency: product.Currency}
	return m.saveItem(ctx, before, &after)
}

// mapItem maps a supplier's SKU to a product. One that is mapped already gets
// another unit and pack, and keeps all else; what it stands for isn't changed
// here. What feeds said of it is applied. The refusals' paths are relative to the
// mapping.
func (m *mutation) mapItem(ctx context.Context, supplierID, sku string, mapping redline.ConflictMappingInput) error {
	if refused := checkPack(mapping.Unit, mapping.PackQuantity); len(refused) > 0 {
		return refused
	}
	product, err := m.itemProduct(ctx, mapping.ProductID)
	if err == nil {
		err = product.counts(mapping.Unit, mapping.PackQuantity)
	}
	if err != nil {
		return err
	}
	before, err := m.lockSKU(ctx, supplierID, sku)
	if err != nil {
		return err
	}
	after := redline.SupplierItem{SupplierID: supplierID, ProductID: mapping.ProductID, SupplierSKU: sku, MinimumOrderQuantity: 1, OrderMultiple: 1}
	if before != nil {
		if after = *before; after.ProductID != mapping.ProductID {
			return redline.Errorf(redline.CodeDuplicate, []string{"productId"}, "%.60q stands for another product", sku)
		}
	}
	after.Unit, after.PackQuantity = mapping.Unit, mapping.PackQuantity
	if err := m.saveItem(ctx, before, &after); err != nil {
		return err
	}
	refused, err := m.applyMapped(ctx, &after, product.BaseUnit, false)
	if err == nil && len(refused) > 0 {
		err = refused
	}
	return err
}

type versionRow struct {
	redline.SupplierItemVersion
	ActorRole    redline.Role     `db:"actor_role"`
	CostAmount   *redline.Decimal `db:"cost_amount"`
	CostCurrency *string          `db:"cost_currency"`
}

// ItemVersions are all versions of the items that the principal may see, newest
// first, each with its product.
func (s *Store) ItemVersions(ctx context.Context, p redline.Principal, itemIDs []string) (map[string][]*redline.SupplierItemVersion, error) {
	q := &query{}
	q.seeItems(p)
	q.and("v.supplier_item_id = ANY(%s)", pq.Array(itemIDs))
	var rows []*versionRow
	err := s.db.SelectContext(ctx, &rows, `/* supplier_items.versions */ SELECT v.supplier_item_id, v.version, v.product_id, v.gtin, v.unit, v.pack_quantity,
			v.minimum_order_quantity, v.order_multiple, v.lead_time_days, v.cost AS cost_amount, v.currency AS cost_currency, v.actor,
			v.actor_role, v.at
		FROM supplier_item_versions v JOIN supplier_items i ON i.id = v.supplier_item_id`+q.where()+`
		ORDER BY v.supplier_item_id, v.version DESC`, q.args...)
	if err != nil {
		return nil, dbError("reading the versions of items", err)
	}
	out := map[string][]*redline.SupplierItemVersion{}
	if len(rows) == 0 {
		return out, nil
	}
	products := map[string]bool{}
	for _, r := range rows {
		products[r.ProductID] = true
	}
	found, err := s.ProductsOf(ctx, slices.Collect(maps.Keys(products)))
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		v := r.version(p)
		v.Product = found[v.ProductID]
		out[v.SupplierItemID] = append(out[v.SupplierItemID], v)
	}
	return out, nil
}

// version shows a version to a principal.
func (r *versionRow) version(p redline.Principal) *redline.SupplierItemVersion {
	v := r.SupplierItemVersion
	if r.CostAmount != nil && p.Has(redline.ScopeCatalogCost) {
		v.Cost = &redline.Money{Amount: *r.CostAmount, Currency: *r.CostCurrency}
	}
	v.Actor = actorFor(p, v.Actor, r.ActorRole)
	return &v
}
