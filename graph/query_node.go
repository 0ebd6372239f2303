package graph

import (
	"context"
	"maps"

	"github.com/99designs/gqlgen/graphql"

	"redline"
)

// nodesMax is the most ids that are looked up at once.
const nodesMax = 100

// nodeKind is what an id's prefix stands for.
type nodeKind struct {
	// name is the contract's type.
	name string
	find func(ctx context.Context, s Store, p redline.Principal, ids []string) (map[string]redline.Node, error)
}

var nodeKinds = map[string]nodeKind{
	redline.PrefixProduct:      {"Product", visible(Store.ProductsByID)},
	redline.PrefixSupplierItem: {"SupplierItem", visible(Store.SupplierItemsByID)},
	redline.PrefixLevel:        {"InventoryLevel", visible(Store.LevelsByID)},
	redline.PrefixMovement:     {"InventoryMovement", visible(Store.MovementsByID)},
	redline.PrefixOrder:        {"Order", visible(Store.OrdersByID)},
	// A line carries no scope of its own: it is a part of its order.
	redline.PrefixOrderLine:        {"Order", visible(Store.OrderLinesByID)},
	redline.PrefixFulfillmentOrder: {"FulfillmentOrder", visible(Store.FulfillmentOrdersByID)},
	redline.PrefixFulfillment:      {"Fulfillment", visible(Store.FulfillmentsByID)},
	redline.PrefixReservation:      {"Reservation", visible(Store.ReservationsByID)},
	redline.PrefixReturn:           {"Return", visible(Store.ReturnsByID)},
	redline.PrefixConflict:         {"Conflict", visible(Store.ConflictsByID)},
	redline.PrefixAuditEntry:       {"AuditEntry", visible(Store.AuditEntriesByID)},
	redline.PrefixClient:           {"Client", visible(Store.ClientsByID)},
	redline.PrefixSupplier:         {"Supplier", public(Store.SuppliersByID)},
	redline.PrefixLocation:         {"Location", public(Store.LocationsByID)},
}

// visible makes the find of a kind of which a principal sees its own.
func visible[T redline.Node](
	find func(Store, context.Context, redline.Principal, []string) (map[string]T, error),
) func(context.Context, Store, redline.Principal, []string) (map[string]redline.Node, error) {
	return func(ctx context.Context, s Store, p redline.Principal, ids []string) (map[string]redline.Node, error) {
		found, err := find(s, ctx, p, ids)
		nodes := make(map[string]redline.Node, len(found))
		for id, v := range found {
			nodes[id] = v
		}
		return nodes, err
	}
}

// public makes the find of a kind that anybody sees.
func public[T redline.Node](
	find func(Store, context.Context, []string) (map[string]T, error),
) func(context.Context, Store, redline.Principal, []string) (map[string]redline.Node, error) {
	return visible(func(s Store, ctx context.Context, _ redline.Principal, ids []string) (map[string]T, error) {
		return find(s, ctx, ids)
	})
}

// Node finds an object by its id alone.
func (q query) Node(ctx context.Context, id string) (redline.Node, error) {
	if err := q.contract.mayLookUp(redline.PrincipalFrom(ctx), id); err != nil {
		return nil, err
	}
	nodes, err := q.lookUp(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	return nodes[0], nil
}

// Nodes finds objects by their ids alone, in the order of the ids. Those whose
// kind the principal hasn't the scope for are null, with an error each.
func (q query) Nodes(ctx context.Context, ids []string) ([]redline.Node, error) {
	if len(ids) > nodesMax {
		return nil, redline.Invalid([]string{"ids"}, "at most %d ids, not %d", nodesMax, len(ids))
	}
	p := redline.PrincipalFrom(ctx)
	open := make([]string, len(ids))
	for i, id := range ids {
		if err := q.contract.mayLookUp(p, id); err != nil {
			graphql.AddError(graphql.WithFieldContext(ctx, &graphql.FieldContext{Index: &i}), err)
			continue
		}
		open[i] = id
	}
	return q.lookUp(ctx, open)
}

// mayLookUp holds an id's kind against the principal's scopes, before anything
// is looked up: a refusal says nothing of what exists.
func (c *contract) mayLookUp(p redline.Principal, id string) error {
	kind, ok := nodeKinds[redline.IDPrefix(id)]
	if !ok {
		return nil
	}
	if scopes := c.types[kind.name].scopes; scopes != nil && !p.Has(scopes...) {
		return refuse(p, scopes)
	}
	return nil
}

// lookUp finds objects with one call for each kind, and what is asked of them.
// They come in the order of the ids, nil where there is none.
func (q query) lookUp(ctx context.Context, ids []string) ([]redline.Node, error) {
	p := q.preloader(ctx)
	byID, err := findNodes(ctx, q.store, p.principal, ids)
	if err != nil {
		return nil, err
	}
	nodes := make([]redline.Node, len(ids))
	for i, id := range ids {
		nodes[i] = byID[id]
	}
	return nodes, load(ctx, p, nodes)
}

// findNodes finds objects with one call for each kind, those that are visible to
// the principal.
func findNodes(ctx context.Context, s Store, p redline.Principal, ids []string) (map[string]redline.Node, error) {
	byPrefix := map[string][]string{}
	for _, id := range ids {
		if prefix := redline.IDPrefix(id); nodeKinds[prefix].find != nil {
			byPrefix[prefix] = append(byPrefix[prefix], id)
		}
	}
	byID := map[string]redline.Node{}
	for prefix, some := range byPrefix {
		found, err := nodeKinds[prefix].find(ctx, s, p, some)
		if err != nil {
			return nil, err
		}
		maps.Copy(byID, found)
	}
	return byID, nil
}
