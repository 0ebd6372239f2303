package graph

import "redline"

// productParts says which relations of its products a field asks for, so that
// they are read with them.
func (f *field) productParts() redline.ProductParts {
	return redline.ProductParts{Availability: f.itemsAsk("availability")}
}

// orderParts is for orders what productParts is for products.
func (f *field) orderParts() redline.OrderParts {
	return redline.OrderParts{
		Lines: f.itemsAsk("lines"), Parts: f.itemsAsk("fulfillmentOrders", "nextStatuses"), History: f.itemsAsk("history"),
	}
}
