package graph

import "redline"

// productParts says what a field asks of its products, so that it is read with
// them. They are brief only where none beneath is asked for more: one may be
// reached by several ways.
func (f *field) productParts() redline.ProductParts {
	return redline.ProductParts{Availability: f.itemsAsk("availability"), Brief: !f.asksDetails()}
}

// orderParts is for orders what productParts is for products.
func (f *field) orderParts() redline.OrderParts {
	return redline.OrderParts{
		Lines: f.itemsAsk("lines"), Parts: f.itemsAsk("fulfillmentOrders", "nextStatuses"), History: f.itemsAsk("history"),
		Returns:       f.itemsAsk("returns"),
		BriefProducts: !f.asksDetails(),
	}
}
