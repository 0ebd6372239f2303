package graph

import "redline"

// filterMax is the longest list in a filter.
const filterMax = 1_000

// filterList is one list of a filter.
type filterList struct {
	name   string
	length int
}

// bounded refuses a filter with a list that is too long.
func bounded(lists ...filterList) error {
	for _, l := range lists {
		if l.length > filterMax {
			return redline.Invalid([]string{"filter", l.name}, "at most %d %s, not %d", filterMax, l.name, l.length)
		}
	}
	return nil
}

func productFilter(in *redline.ProductFilter) (redline.ProductFilter, error) {
	f := value(in)
	return f, bounded(filterList{"category", len(f.Category)}, filterList{"brand", len(f.Brand)})
}

func levelsFilter(in *redline.InventoryFilter) (redline.InventoryFilter, error) {
	f := value(in)
	return f, bounded(
		filterList{"productIds", len(f.ProductIDs)}, filterList{"skus", len(f.Skus)},
		filterList{"locationIds", len(f.LocationIDs)}, filterList{"category", len(f.Category)},
	)
}

func movementFilter(in *redline.MovementFilter) (redline.MovementFilter, error) {
	f := value(in)
	return f, bounded(
		filterList{"productIds", len(f.ProductIDs)}, filterList{"locationIds", len(f.LocationIDs)}, filterList{"reasons", len(f.Reasons)},
	)
}

func ordersFilter(in *redline.OrderFilter) (redline.OrderFilter, error) {
	f := value(in)
	return f, bounded(filterList{"statuses", len(f.Statuses)})
}

func partFilter(in *redline.FulfillmentOrderFilter) (redline.FulfillmentOrderFilter, error) {
	f := value(in)
	return f, bounded(filterList{"statuses", len(f.Statuses)})
}
