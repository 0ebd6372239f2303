package traffic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// What is read of the world at most: it stays in memory.
const (
	maxLevels    = 20_000
	maxSuppliers = 500
	maxItems     = 250 // of one supplier
)

// world is what doesn't change: what can be bought, and from whom it comes.
type world struct {
	// products are all that have a level.
	products []product
	// own and supplied are the places in products of what our warehouses and what
	// suppliers have, the most popular first.
	own, supplied []int
	// warehouses are the ids of our own locations.
	warehouses []string
	// suppliers are those who have items.
	suppliers []supplier
	// They draw a place on those shelves, the first ones most often.
	popularOwn, popularSupplied *mathrand.Zipf
}

type product struct {
	id, sku, category string
	// stock is what lay there at first, over all locations.
	stock int
	// own is true if one of our warehouses has it.
	own bool
}

type supplier struct {
	id, code string
	// items are by the id of their product; whole is true if these are all.
	items map[string]item
	whole bool
}

type item struct {
	sku, unit, base string
	pack            int
	// cost is of one unit; 0 where none is agreed or may be seen.
	cost float64
}

const queryLevels = `query TrafficLevels($after: String) { inventoryLevels(first: 250, after: $after) {
	nodes { onHand product { id sku category active } location { id supplier { code } } } pageInfo { hasNextPage endCursor } } }`

const querySuppliers = `query TrafficSuppliers($after: String) { suppliers(first: 10, after: $after) {
	nodes { id code items(first: 250) { nodes { supplierSku unit packQuantity cost { amount } product { id baseUnit } } pageInfo { hasNextPage } } }
	pageInfo { hasNextPage endCursor } } }`

// readWorld reads what there is, and the orders that are under way.
func (s *simulation) readWorld(ctx context.Context) error {
	if err := s.readLevels(ctx); err != nil {
		return err
	}
	if err := s.readSuppliers(ctx); err != nil {
		return err
	}
	if len(s.world.products) == 0 {
		return errors.New("there is nothing to buy: the gateway has no levels of active products; serve --demo loads some")
	}
	w := &s.world
	// The gateway's own order is by ids, which no two databases share.
	slices.SortFunc(w.products, func(a, b product) int { return cmp.Compare(a.sku, b.sku) })
	slices.SortFunc(w.suppliers, func(a, b supplier) int { return cmp.Compare(a.code, b.code) })
	for at, p := range w.products {
		if p.own {
			w.own = append(w.own, at)
		} else {
			w.supplied = append(w.supplied, at)
		}
	}
	for _, shelf := range [][]int{w.own, w.supplied} {
		s.random.Shuffle(len(shelf), func(i, j int) { shelf[i], shelf[j] = shelf[j], shelf[i] })
	}
	w.popularOwn, w.popularSupplied = s.popularity(w.own), s.popularity(w.supplied)
	s.isSold = map[int]bool{}
	return s.readOrders(ctx)
}

// popularity draws among what is on a shelf: of a hundred products the ten most
// popular make about half of the sales.
func (s *simulation) popularity(shelf []int) *mathrand.Zipf {
	if len(shelf) == 0 {
		return nil
	}
	return mathrand.NewZipf(s.random, 1.2, 5, uint64(len(shelf)-1))
}

func (s *simulation) readLevels(ctx context.Context) error {
	w := &s.world
	place, own := map[string]int{}, map[string]bool{}
	var after *string
	for read := 0; read < maxLevels; {
		var answer struct {
			InventoryLevels struct {
				Nodes []struct {
					OnHand  int
					Product struct {
						ID, SKU, Category string
						Active            bool
					}
					Location struct {
						ID       string
						Supplier *struct{ Code string }
					}
				}
				PageInfo page
			}
		}
		if err := s.Gateway.Ask(ctx, operator, queryLevels, map[string]any{"after": after}, &answer); err != nil {
			return fmt.Errorf("reading the levels: %w", err)
		}
		for _, l := range answer.InventoryLevels.Nodes {
			if l.Location.Supplier == nil && !own[l.Location.ID] {
				own[l.Location.ID] = true
				w.warehouses = append(w.warehouses, l.Location.ID)
			}
			if !l.Product.Active {
				continue
			}
			at, known := place[l.Product.ID]
			if !known {
				at = len(w.products)
				place[l.Product.ID] = at
				w.products = append(w.products, product{id: l.Product.ID, sku: l.Product.SKU, category: l.Product.Category})
			}
			w.products[at].stock += l.OnHand
			w.products[at].own = w.products[at].own || l.Location.Supplier == nil
		}
		read += len(answer.InventoryLevels.Nodes)
		if !answer.InventoryLevels.PageInfo.HasNextPage {
			return nil
		}
		after = answer.InventoryLevels.PageInfo.EndCursor
	}
	return nil
}

func (s *simulation) readSuppliers(ctx context.Context) error {
	var after *string
	for read := 0; read < maxSuppliers; {
		var answer struct {
			Suppliers struct {
				Nodes []struct {
					ID, Code string
					Items    struct {
						Nodes []struct {
							SupplierSKU  string
							Unit         string
							PackQuantity int
							Cost         *struct{ Amount string }
							Product      struct{ ID, BaseUnit string }
						}
						PageInfo page
					}
				}
				PageInfo page
			}
		}
		if err := s.Gateway.Ask(ctx, operator, querySuppliers, map[string]any{"after": after}, &answer); err != nil {
			return fmt.Errorf("reading the suppliers: %w", err)
		}
		for _, from := range answer.Suppliers.Nodes {
			to := supplier{id: from.ID, code: from.Code, items: map[string]item{}, whole: !from.Items.PageInfo.HasNextPage}
			for _, i := range from.Items.Nodes {
				it := item{sku: i.SupplierSKU, unit: i.Unit, base: i.Product.BaseUnit, pack: i.PackQuantity}
				if i.Cost != nil {
					it.cost, _ = strconv.ParseFloat(i.Cost.Amount, 64) // 0, as where there is none
				}
				if _, twice := to.items[i.Product.ID]; !twice {
					to.items[i.Product.ID] = it
				}
			}
			if len(to.items) > 0 {
				s.world.suppliers = append(s.world.suppliers, to)
			}
		}
		read += len(answer.Suppliers.Nodes)
		if !answer.Suppliers.PageInfo.HasNextPage {
			return nil
		}
		after = answer.Suppliers.PageInfo.EndCursor
	}
	return nil
}

const queryOpenOrders = `query TrafficOrders($after: String) { orders(first: 250, after: $after, filter: { statuses: [PENDING, PROCESSING, PARTIALLY_SHIPPED, SHIPPED] },
	orderBy: { field: PLACED_AT }) { nodes { id externalReference } pageInfo { hasNextPage endCursor } } }`

// readOrders takes over what is under way, the newest first: what an earlier run
// has left, and what others have placed.
func (s *simulation) readOrders(ctx context.Context) error {
	var after *string
	for {
		var answer struct {
			Orders struct {
				Nodes []struct {
					ID                string
					ExternalReference *string
				}
				PageInfo page
			}
		}
		if err := s.Gateway.Ask(ctx, operator, queryOpenOrders, map[string]any{"after": after}, &answer); err != nil {
			return fmt.Errorf("reading the orders under way: %w", err)
		}
		for _, o := range answer.Orders.Nodes {
			if len(s.errands.queue) == maxOpen {
				return nil
			}
			own := o.ExternalReference != nil && strings.HasPrefix(*o.ExternalReference, "traffic-")
			s.errands.add(&errand{order: o.ID, own: own}, s.between(5, 300))
		}
		if !answer.Orders.PageInfo.HasNextPage {
			return nil
		}
		after = answer.Orders.PageInfo.EndCursor
	}
}
