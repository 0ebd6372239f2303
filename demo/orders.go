package demo

import (
	"errors"
	"math/big"
)

// northwindOrders adds the customers and the orders with their lines. items
// are the suppliers' items by the sample's product id.
func (l *loader) northwindOrders(items map[string]SupplierItem) error {
	customers := map[string]string{}
	err := eachRow(l.fsys, "northwind/customers.csv", func(r *row) error {
		customer := Customer{ID: r.text("customer_id"), Name: r.text("company_name")}
		remember(r, "customer_id", customers, customer.ID, customer.Name)
		l.data.Customers = append(l.data.Customers, customer)
		return nil
	})
	if err != nil {
		return err
	}
	carriers := map[string]string{}
	err = eachRow(l.fsys, "northwind/shippers.csv", func(r *row) error {
		remember(r, "shipper_id", carriers, r.text("shipper_id"), r.text("company_name"))
		return nil
	})
	if err != nil {
		return err
	}

	places := map[string]int{} // order number to its place in data.Orders
	err = eachRow(l.fsys, "northwind/orders.csv", func(r *row) error {
		order := Order{
			Number:       r.text("order_id"),
			CustomerID:   r.text("customer_id"),
			CustomerName: lookUp(r, "customer_id", customers),
			ShipTo: Address{
				Name:       r.text("ship_name"),
				Lines:      []string{r.text("ship_address")},
				City:       r.text("ship_city"),
				Region:     r.optional("ship_region"),
				PostalCode: r.optional("ship_postal_code"),
				Country:    r.text("ship_country"),
			},
			PlacedAt:  r.date("order_date"),
			ShippedAt: r.optionalDate("shipped_date"),
			Carrier:   lookUp(r, "ship_via", carriers),
			Currency:  currency,
		}
		if order.ShippedAt != nil && order.ShippedAt.Before(order.PlacedAt) {
			r.fail("shipped_date", errors.New("before the order was placed"))
		}
		remember(r, "order_id", places, order.Number, len(l.data.Orders))
		l.data.Orders = append(l.data.Orders, order)
		return nil
	})
	if err != nil {
		return err
	}
	return l.northwindOrderLines(items, places)
}

// northwindOrderLines adds the lines to the orders at their places, and sums
// them up.
func (l *loader) northwindOrderLines(items map[string]SupplierItem, places map[string]int) error {
	totals := make([]*big.Rat, len(l.data.Orders))
	for i := range totals {
		totals[i] = new(big.Rat)
	}
	one := big.NewRat(1, 1)
	seen := map[string]struct{}{}
	err := eachRow(l.fsys, "northwind/order_details.csv", func(r *row) error {
		place := lookUp(r, "order_id", places)
		item := lookUp(r, "product_id", items)
		quantity := r.positive("quantity")
		price := r.decimal("unit_price")
		rate := r.decimal("discount")
		if rate.Cmp(one) > 0 {
			r.fail("discount", errors.New("more than the whole price"))
		}
		remember(r, "product_id", seen, r.text("order_id")+"/"+r.text("product_id"), struct{}{})
		inBase := r.inBaseUnits("quantity", item.PackQuantity)
		if r.err != nil {
			return r.err // the item may have no pack to divide by
		}

		discount, total := lineAmounts(price, quantity, rate)
		l.data.Orders[place].Lines = append(l.data.Orders[place].Lines, OrderLine{
			ProductSKU:        item.ProductSKU,
			SupplierCode:      item.SupplierCode,
			SupplierSKU:       item.SupplierSKU,
			SupplierUnit:      item.Unit,
			PackQuantity:      item.PackQuantity,
			SupplierQuantity:  quantity,
			SupplierUnitPrice: r.text("unit_price"),
			DiscountRate:      r.text("discount"),
			Quantity:          inBase,
			UnitPrice:         formatPrice(perBaseUnit(price, item.PackQuantity)),
			Discount:          formatAmount(discount),
			Total:             formatAmount(total),
		})
		totals[place].Add(totals[place], total)
		return nil
	})
	if err != nil {
		return err
	}
	for i, total := range totals {
		l.data.Orders[i].Total = formatAmount(total)
	}
	return nil
}
