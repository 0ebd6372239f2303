package graph

import "redline"

// productAvailability is what of a product can be sold: with what is stale, or
// without it.
func (*writer) productAvailability(f *field, p *redline.Product) *redline.ProductAvailability {
	if f.fresh {
		return p.Fresh
	}
	return p.Availability
}
