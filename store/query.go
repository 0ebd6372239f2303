package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"

	"redline"
)

// query gathers the conditions of a WHERE and their arguments.
type query struct {
	conds []string
	args  []any
	// suppliers is the placeholder of a principal's suppliers, once it has one.
	suppliers string
}

// arg adds an argument and returns its placeholder.
func (q *query) arg(v any) string {
	q.args = append(q.args, v)
	return fmt.Sprintf("$%d", len(q.args))
}

// and adds a condition whose %s stand for the arguments.
func (q *query) and(cond string, args ...any) {
	names := make([]any, len(args))
	for i, a := range args {
		names[i] = q.arg(a)
	}
	q.conds = append(q.conds, fmt.Sprintf(cond, names...))
}

// in adds a condition that a column is one of a list; a nil list doesn't
// narrow, an empty one leaves nothing. One alone is said as such, so that an
// index by the column and then by the order wanted gives that order.
func in[T any](q *query, column string, list []T) {
	switch {
	case list == nil:
	case len(list) == 1:
		q.and(column+" = %s", list[0])
	default:
		q.and(column+" = ANY(%s)", pq.Array(list))
	}
}

func (q *query) where() string {
	if len(q.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(q.conds, " AND ")
}

// strs turns a list of string-like values into one that pq.Array takes, and
// keeps nil as nil.
func strs[T ~string](list []T) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

// sorting is one order in which a list can be paged: by a column, then by id.
type sorting struct {
	// tag is part of the cursors, so that those of another order are refused.
	tag    string
	column string
	// cast turns the cursor's text into the column's type.
	cast string
	id   string
	// prefix is that of the list's ids: cursors of other lists have another.
	prefix string
	desc   bool
}

// reader runs a statement and returns what it finds.
type reader[T any] func(ctx context.Context, doing, text string, args []any) ([]T, error)

// structs is the reader of lists that are seldom read: it finds each column's
// field by its name.
func structs[T any](s *Store) reader[T] {
	return func(ctx context.Context, doing, text string, args []any) ([]T, error) {
		var found []T
		if err := s.db.SelectContext(ctx, &found, text, args...); err != nil {
			return nil, dbError(doing, err)
		}
		return found, nil
	}
}

// pageOf runs one page of a list of structs: see pageBy.
func pageOf[T any](
	ctx context.Context, s *Store, name, selectFrom string, q *query, by sorting,
	page redline.PageRequest, key func(T) (value, id string),
) (*redline.Page[T], error) {
	return pageBy(ctx, s, structs[T](s), name, selectFrom, q, by, page, key)
}

// pageBy runs one page of a list: keyset pagination, one row more than asked
// for to see whether there is a next page. name is the list's: its statements are
// name.page and name.count. key gives an item's sort value and id as the cursor
// keeps them.
func pageBy[T any](
	ctx context.Context, s *Store, read reader[T], name, selectFrom string, q *query, by sorting,
	page redline.PageRequest, key func(T) (value, id string),
) (*redline.Page[T], error) {
	n, backward, err := pageSize(page)
	if err != nil {
		return nil, err
	}

	result := &redline.Page[T]{}
	if page.Count {
		total, err := s.count(ctx, name, selectFrom, q)
		if err != nil {
			return nil, err
		}
		result.Total = total
	}

	if page.After != nil {
		if err := q.bound(by, "after", *page.After); err != nil {
			return nil, err
		}
	}
	if page.Before != nil {
		if err := q.bound(by, "before", *page.Before); err != nil {
			return nil, err
		}
	}
	dir := "ASC"
	if by.desc != backward {
		dir = "DESC"
	}
	order := " ORDER BY " + by.id + " " + dir
	if by.column != by.id {
		order = " ORDER BY " + by.column + " " + dir + ", " + by.id + " " + dir
	}
	// The length is an argument, so that pages of all lengths are one statement;
	// the constant tells the planner that a page is short, whatever its length.
	// Were that length itself in sight, a plan for a short page would look cheaper
	// than one for all, and each would be planned anew.
	text := fmt.Sprintf("/* %s.page */ SELECT * FROM (%s%s%s LIMIT %d) AS page LIMIT (SELECT %s::bigint)",
		name, selectFrom, q.where(), order, redline.PageMax+1, q.arg(n+1))
	if result.Items, err = read(ctx, "reading a page", text, q.args); err != nil {
		return nil, err
	}
	more := len(result.Items) > n
	if more {
		result.Items = result.Items[:n]
	}
	if backward {
		slices.Reverse(result.Items)
		result.HasPrevious, result.HasNext = more, page.Before != nil
	} else {
		result.HasNext, result.HasPrevious = more, page.After != nil
	}
	result.Cursors = make([]string, len(result.Items))
	for i, item := range result.Items {
		value, id := key(item)
		result.Cursors[i] = encodeCursor(by, value, id)
	}
	return result, nil
}

// pageSize says how long a page is, and whether it is counted from its end.
func pageSize(page redline.PageRequest) (n int, backward bool, err error) {
	n = 50
	switch {
	case page.First != nil && page.Last != nil:
		return 0, false, redline.Invalid([]string{"last"}, "ask for first or for last, not for both")
	case page.First != nil:
		n = *page.First
	case page.Last != nil:
		n, backward = *page.Last, true
	}
	if n < 1 || n > redline.PageMax {
		name := "first"
		if backward {
			name = "last"
		}
		return 0, false, redline.Invalid([]string{name}, "a page is from 1 to %d long, not %d", redline.PageMax, n)
	}
	return n, backward, nil
}

// bound narrows a query to what stands after, or before, a cursor.
func (q *query) bound(by sorting, name, cursor string) error {
	value, id, refused := decodeCursor(cursor, by)
	if refused != nil {
		return refused.At(name)
	}
	op := ">"
	if (name == "after") == by.desc {
		op = "<"
	}
	if by.column == by.id {
		q.and(by.id+" "+op+" %s", id)
	} else {
		q.and("("+by.column+", "+by.id+") "+op+" (%s::"+by.cast+", %s)", value, id)
	}
	return nil
}

// countMax is the longest list that is counted.
const countMax = 10_000

func (s *Store) count(ctx context.Context, name, selectFrom string, q *query) (*int, error) {
	from := selectFrom[strings.LastIndex(selectFrom, "FROM ")+len("FROM "):] // columns may be selected too
	text := fmt.Sprintf("/* %s.count */ SELECT count(*) FROM (SELECT 1 FROM %s%s LIMIT %d) counted", name, from, q.where(), countMax+1)
	var n int
	if err := s.db.GetContext(ctx, &n, text, q.args...); err != nil {
		return nil, dbError("counting a list", err)
	}
	if n > countMax {
		return nil, nil
	}
	return &n, nil
}

// encodeCursor writes a cursor: a list of three texts, as encoding/json has it.
// Each item of each page gets one, and hardly any value needs escaping.
func encodeCursor(by sorting, value, id string) string {
	b := make([]byte, 0, 128)
	if strings.ContainsFunc(value, escaped) || strings.ContainsFunc(id, escaped) {
		b, _ = json.Marshal([3]string{by.tag, value, id}) // strings always marshal
	} else {
		b = append(append(b, `["`...), by.tag...)
		b = append(append(b, `","`...), value...)
		b = append(append(b, `","`...), id...)
		b = append(b, `"]`...)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// escaped reports whether encoding/json may write a character in another way
// than as it stands.
func escaped(c rune) bool { return c < ' ' || c > '~' || strings.ContainsRune(`"\<>&`, c) }

func decodeCursor(cursor string, by sorting) (value, id string, refused *redline.Error) {
	bad := redline.Invalid(nil, "this is not a cursor of this list in this order")
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return "", "", bad
	}
	var parts [3]string
	if json.Unmarshal(b, &parts) != nil || parts[0] != by.tag || encodeCursor(by, parts[1], parts[2]) != cursor {
		return "", "", bad
	}
	switch by.cast {
	case "timestamptz":
		// As stamp writes it, and not all else that Go reads and Postgres doesn't.
		var at time.Time
		if at, err = time.Parse(time.RFC3339Nano, parts[1]); err == nil && (at.Year() < 1 || stamp(at) != parts[1]) {
			return "", "", bad
		}
	case "numeric":
		_, err = redline.ParseDecimal(parts[1])
	}
	if err != nil || strings.ContainsRune(cursorText(parts), 0) || redline.IDPrefix(parts[2]) != by.prefix {
		return "", "", bad
	}
	return parts[1], parts[2], nil
}

func cursorText(parts [3]string) string { return parts[1] + parts[2] }

// stamp writes a time for a cursor, to the microsecond that Postgres keeps.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// jsonText marshals a parameter of jsonb.
func jsonText(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("writing JSON for the database: %w", err)
	}
	return string(b), nil
}
