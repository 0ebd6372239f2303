package main

import (
	"bytes"
	"context"
	"fmt"
)

// books looks, at the end, whether what was acknowledged is there, once, and nothing
// was sold that wasn't there; and at what the gateway logged.
func (d *drilling) books(ctx context.Context) error {
	stored := map[string]string{}
	rows, err := d.db.DB.QueryContext(ctx, `SELECT external_reference, number FROM orders WHERE owner_subject = 'drill.example'`)
	if err != nil {
		return fmt.Errorf("reading the orders: %w", err)
	}
	defer func() { _ = rows.Close() }()
	twice := 0
	for rows.Next() {
		var reference, number string
		if err := rows.Scan(&reference, &number); err != nil {
			return fmt.Errorf("reading the orders: %w", err)
		}
		if _, is := stored[reference]; is {
			twice++
		}
		stored[reference] = number
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the orders: %w", err)
	}
	lost, shared, told := 0, 0, map[string]bool{}
	for reference, number := range d.acked.numbers {
		if stored[reference] != number {
			lost++
		}
		if told[number] {
			shared++
		}
		told[number] = true
	}
	// Whoever left before he was told left one order at most.
	untold := len(stored) - (len(d.acked.numbers) - lost)
	if untold > d.users {
		d.breaks("%d orders were placed of which nobody was told", untold)
	}
	var oversold int
	if err := d.db.DB.QueryRowContext(ctx, oversoldQuery).Scan(&oversold); err != nil {
		return fmt.Errorf("adding the stock up: %w", err)
	}
	var sold int
	if err := d.db.DB.QueryRowContext(ctx, soldQuery, scarceSKU).Scan(&sold); err != nil {
		return fmt.Errorf("adding the sales up: %w", err)
	}
	d.say("\nthe books\n  lost %d · placed twice %d · one number for two %d · oversold %d\n  of the product that runs out %d were there, and %d were sold",
		lost, twice, shared, oversold, d.scarce, sold)
	if lost+twice+shared+oversold > 0 {
		d.breaks("%d acknowledged orders are lost, %d were placed twice, %d share a number, %d levels are oversold", lost, twice, shared, oversold)
	}
	if sold != d.scarce {
		d.breaks("%d were there of what ran out, and %d were sold", d.scarce, sold)
	}
	log, err := d.redline.Log()
	if err != nil {
		return err
	}
	for _, fault := range []string{"panic", "internal error", "DATA RACE", "fatal error"} {
		if n := bytes.Count(log, []byte(fault)); n > 0 {
			d.breaks("the gateway logged %q %d times", fault, n)
		}
	}
	return nil
}

// oversoldQuery counts the levels of which more is promised than is there, by the orders'
// own lines.
const oversoldQuery = `SELECT count(*) FROM inventory_levels l JOIN products p ON p.id = l.product_id
	LEFT JOIN LATERAL (SELECT coalesce(sum(fl.quantity - fl.shipped), 0) AS open FROM fulfillment_order_lines fl
		JOIN fulfillment_orders f ON f.id = fl.fulfillment_order_id JOIN order_lines ol ON ol.id = fl.order_line_id
		WHERE f.location_id = l.location_id AND ol.product_id = l.product_id AND f.status NOT IN ('CANCELLED', 'REJECTED', 'CLOSED')) held ON true
	WHERE p.sku IN ('` + plentySKU + `', '` + scarceSKU + `') AND (held.open > l.on_hand OR held.open <> l.committed)`

// soldQuery adds up what storefronts of the drill were sold of a product.
const soldQuery = `SELECT coalesce(sum(ol.quantity - ol.cancelled), 0) FROM order_lines ol JOIN orders o ON o.id = ol.order_id
	JOIN products p ON p.id = ol.product_id WHERE p.sku = $1 AND o.owner_subject = 'drill.example'`
