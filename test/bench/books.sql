-- What doesn't add up, by name; nothing where all does.

SELECT 'levels that are negative or do not add up' AS fault, count(*) AS n FROM inventory_levels
WHERE least(on_hand, reserved, committed, safety_stock, unavailable, available, shortfall) < 0 OR shortfall > 0
    OR on_hand <> available + reserved + committed + safety_stock + unavailable
HAVING count(*) > 0

UNION ALL
SELECT 'levels that are not the sum of their ledger lines', count(*)
FROM inventory_levels l LEFT JOIN (
    SELECT product_id, location_id, sum(on_hand_delta) AS on_hand, sum(reserved_delta) AS reserved, sum(committed_delta) AS committed,
        sum(safety_stock_delta) AS safety_stock, sum(unavailable_delta) AS unavailable, sum(incoming_delta) AS incoming,
        count(*) AS lines, max(level_version) AS newest
    FROM inventory_movements GROUP BY product_id, location_id
) m USING (product_id, location_id)
WHERE (l.on_hand, l.reserved, l.committed, l.safety_stock, l.unavailable, l.incoming, l.version, l.version)
    IS DISTINCT FROM (m.on_hand, m.reserved, m.committed, m.safety_stock, m.unavailable, m.incoming, m.lines, m.newest)
HAVING count(*) > 0

UNION ALL
SELECT 'levels that have not committed what open parts hold of them', count(*)
FROM inventory_levels l LEFT JOIN (
    SELECT ol.product_id, f.location_id, sum(coalesce(fl.accepted, fl.quantity) - fl.shipped) AS held
    FROM fulfillment_orders f JOIN fulfillment_order_lines fl ON fl.fulfillment_order_id = f.id JOIN order_lines ol ON ol.id = fl.order_line_id
    WHERE f.status IN ('SUBMITTED', 'ACCEPTED', 'PARTIALLY_ACCEPTED', 'IN_PROGRESS', 'CANCELLATION_REQUESTED')
    GROUP BY ol.product_id, f.location_id
) c USING (product_id, location_id)
WHERE l.committed <> coalesce(c.held, 0)
HAVING count(*) > 0

UNION ALL
SELECT 'levels that have not reserved what active reservations hold of them', count(*)
FROM inventory_levels l LEFT JOIN (
    SELECT rl.product_id, rl.location_id, sum(rl.quantity) AS held
    FROM reservations r JOIN reservation_lines rl ON rl.reservation_id = r.id WHERE r.status = 'ACTIVE' GROUP BY rl.product_id, rl.location_id
) r USING (product_id, location_id)
WHERE l.reserved <> coalesce(r.held, 0)
HAVING count(*) > 0

UNION ALL
SELECT 'orders whose lines do not add up to their totals', count(*)
FROM orders o LEFT JOIN (
    SELECT order_id, sum(total) AS total, bool_and(quantity = open + backordered + shipped + cancelled) AS whole FROM order_lines GROUP BY order_id
) l ON l.order_id = o.id
WHERE o.total IS DISTINCT FROM l.total OR NOT l.whole
HAVING count(*) > 0

UNION ALL
SELECT 'lines that are not open or shipped as their parts are', count(*)
FROM order_lines ol JOIN orders o ON o.id = ol.order_id LEFT JOIN (
    SELECT fl.order_line_id, sum(fl.shipped) AS shipped,
        sum(coalesce(fl.accepted, fl.quantity) - fl.shipped)
            FILTER (WHERE f.status IN ('SUBMITTED', 'ACCEPTED', 'PARTIALLY_ACCEPTED', 'IN_PROGRESS', 'CANCELLATION_REQUESTED')) AS open
    FROM fulfillment_order_lines fl JOIN fulfillment_orders f ON f.id = fl.fulfillment_order_id GROUP BY fl.order_line_id
) f ON f.order_line_id = ol.id
WHERE (ol.open, ol.shipped) <> (coalesce(f.open, 0), coalesce(f.shipped, 0))
HAVING count(*) > 0

UNION ALL
SELECT 'lines of parts that have not shipped what is in their shipments', count(*)
FROM fulfillment_order_lines fl LEFT JOIN (
    SELECT l.fulfillment_order_line_id AS id, sum(l.quantity) AS sent
    FROM fulfillments s JOIN fulfillment_lines l ON l.fulfillment_id = s.id WHERE s.status IN ('SHIPPED', 'DELIVERED', 'FAILED')
    GROUP BY l.fulfillment_order_line_id
) s USING (id)
WHERE fl.shipped <> coalesce(s.sent, 0)
HAVING count(*) > 0

UNION ALL
SELECT 'lines of which not that came back which returns received', count(*)
FROM order_lines ol LEFT JOIN (
    SELECT order_line_id AS id, sum(restocked + written_off) AS received FROM return_lines GROUP BY order_line_id
) r USING (id)
WHERE ol.returned <> coalesce(r.received, 0)
HAVING count(*) > 0

UNION ALL
SELECT 'orders whose history does not lead from one status to the next, up to their own', count(*)
FROM orders o LEFT JOIN (
    SELECT order_id, min(order_version) AS first, max(order_version) AS last, bool_and(from_status IS NOT DISTINCT FROM before) AS follows,
        (array_agg(to_status ORDER BY order_version DESC))[1] AS status
    FROM (SELECT *, lag(to_status) OVER (PARTITION BY order_id ORDER BY order_version) AS before FROM order_status_changes) h GROUP BY order_id
) h ON h.order_id = o.id
WHERE (1, true, true, o.status) IS DISTINCT FROM (h.first, h.last <= o.version, h.follows, h.status)
HAVING count(*) > 0

UNION ALL
SELECT 'orders of the shop''s without as many events as versions', count(*)
FROM orders o LEFT JOIN (
    SELECT subject_id AS id, count(*) AS n FROM events WHERE type = 'order.changed' GROUP BY subject_id
) e USING (id)
WHERE o.owner_subject = 'bench-shop' AND o.version IS DISTINCT FROM e.n
HAVING count(*) > 0

UNION ALL
SELECT 'conflicts, where nothing was to be disagreed on', count(*) FROM conflicts
HAVING count(*) > 0;
