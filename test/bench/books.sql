-- What doesn't add up, by name; nothing where all does.

SELECT 'levels that are negative or do not add up' AS fault, count(*) AS n FROM inventory_levels
WHERE least(on_hand, reserved, committed, safety_stock, unavailable, available, shortfall) < 0 OR shortfall > 0
    OR on_hand <> available + reserved + committed + safety_stock + unavailable
HAVING count(*) > 0

UNION ALL
SELECT 'levels that are not the sum of their ledger lines', count(*)
FROM inventory_levels l LEFT JOIN (
    SELECT product_id, location_id, sum(on_hand_delta) AS on_hand, sum(committed_delta) AS committed,
        sum(safety_stock_delta) AS safety_stock, count(*) AS lines, max(level_version) AS newest
    FROM inventory_movements GROUP BY product_id, location_id
) m USING (product_id, location_id)
WHERE (l.on_hand, l.committed, l.safety_stock, l.version, l.version) IS DISTINCT FROM (m.on_hand, m.committed, m.safety_stock, m.lines, m.newest)
HAVING count(*) > 0

UNION ALL
SELECT 'levels that have not committed what open parts hold of them', count(*)
FROM inventory_levels l LEFT JOIN (
    SELECT ol.product_id, f.location_id, sum(fl.quantity - fl.shipped) AS held
    FROM fulfillment_orders f JOIN fulfillment_order_lines fl ON fl.fulfillment_order_id = f.id JOIN order_lines ol ON ol.id = fl.order_line_id
    WHERE f.status = 'SUBMITTED' GROUP BY ol.product_id, f.location_id
) c USING (product_id, location_id)
WHERE l.committed <> coalesce(c.held, 0)
HAVING count(*) > 0

UNION ALL
SELECT 'orders whose lines do not add up to their totals', count(*)
FROM orders o LEFT JOIN (
    SELECT order_id, sum(total) AS total, bool_and(quantity = open + backordered + shipped + cancelled) AS whole FROM order_lines GROUP BY order_id
) l ON l.order_id = o.id
WHERE o.total IS DISTINCT FROM l.total OR NOT l.whole
HAVING count(*) > 0

UNION ALL
SELECT 'orders without as much history as versions', count(*)
FROM orders o LEFT JOIN (SELECT order_id, count(*) AS n FROM order_status_changes GROUP BY order_id) h ON h.order_id = o.id
WHERE o.version IS DISTINCT FROM h.n
HAVING count(*) > 0;
