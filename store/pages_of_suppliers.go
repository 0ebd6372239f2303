package store

import (
	"context"
	"slices"

	"github.com/lib/pq"

	"redline"
)

// ofSuppliers is a list that each supplier has one of.
type ofSuppliers struct {
	// name is the list's: its statements are name.of_suppliers and
	// name.count_of_suppliers.
	name string
	// selectFrom selects its items, from is the table alone, and column has the
	// supplier's id.
	selectFrom, from, column string
	// see narrows it to what a principal may see.
	see func(*query)
	by  sorting
}

// pagesOfSuppliers runs the same page of each supplier's list, with one statement for
// all. key gives an item's supplier, sort value and id.
func pagesOfSuppliers[T any](
	ctx context.Context, s *Store, read reader[T], list ofSuppliers, supplierIDs []string, page redline.PageRequest,
	key func(T) (supplierID, value, id string),
) (map[string]*redline.Page[T], error) {
	n, _, err := pageSize(page)
	if err != nil {
		return nil, err
	}
	q := &query{}
	list.see(q)
	suppliers := q.arg(pq.Array(supplierIDs))
	q.conds = append(q.conds, list.column+" = wanted.id")
	all := query{conds: slices.Clone(q.conds), args: slices.Clone(q.args)} // without the cursor: what is counted
	if page.After != nil {
		if err := q.bound(list.by, "after", *page.After); err != nil {
			return nil, err
		}
	}
	dir := ""
	if list.by.desc {
		dir = " DESC"
	}
	text := `/* ` + list.name + `.of_suppliers */ SELECT of_one.* FROM unnest(` + suppliers + `::text[]) AS wanted (id) CROSS JOIN LATERAL (` +
		list.selectFrom + q.where() + ` ORDER BY ` + list.by.column + dir + `, ` + list.by.id + dir + ` LIMIT ` + q.arg(n+1) + `) AS of_one`
	found, err := read(ctx, "reading what suppliers have", text, q.args)
	if err != nil {
		return nil, err
	}
	out := map[string]*redline.Page[T]{}
	for _, id := range supplierIDs {
		out[id] = &redline.Page[T]{HasPrevious: page.After != nil}
	}
	for _, item := range found {
		supplierID, value, id := key(item)
		of := out[supplierID]
		if len(of.Items) == n {
			of.HasNext = true
			continue
		}
		of.Items = append(of.Items, item)
		of.Cursors = append(of.Cursors, encodeCursor(list.by, value, id))
	}
	if !page.Count {
		return out, nil
	}
	var counts []struct {
		ID string
		N  int
	}
	text = `/* ` + list.name + `.count_of_suppliers */ SELECT wanted.id, of_one.n FROM unnest(` + suppliers + `::text[]) AS wanted (id) CROSS JOIN LATERAL (
		SELECT count(*) AS n FROM (SELECT 1 FROM ` + list.from + all.where() + ` LIMIT ` +
		all.arg(countMax+1) + `) AS counted) AS of_one`
	if err := s.db.SelectContext(ctx, &counts, text, all.args...); err != nil {
		return nil, dbError("counting what suppliers have", err)
	}
	for _, c := range counts {
		if c.N <= countMax {
			out[c.ID].Total = &c.N
		}
	}
	return out, nil
}
