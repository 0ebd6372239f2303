package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/lib/pq"
)

// The statements of the limit: each answers its query in one round trip, as
// flat rows.
const (
	limitProducts = `WITH page AS (
			SELECT id, sku, name, brand, price, currency, row_number() OVER (ORDER BY name, id) AS n
			FROM products WHERE category = $1 AND active ORDER BY name, id LIMIT 20
		)
		SELECT p.id, p.sku, p.name, p.brand, p.price, p.currency, loc.code, loc.name, l.available, l.as_of
		FROM page p LEFT JOIN inventory_levels l ON l.product_id = p.id LEFT JOIN locations loc ON loc.id = l.location_id
		ORDER BY p.n, loc.code`
	limitProduct = `SELECT p.id, p.sku, p.name, p.brand, p.price, p.currency, loc.code, loc.name, l.available, l.as_of
		FROM products p LEFT JOIN inventory_levels l ON l.product_id = p.id LEFT JOIN locations loc ON loc.id = l.location_id
		WHERE p.sku = $1 AND p.active ORDER BY loc.code`
	// The order, then its lines, then its history.
	limitOrder = `SELECT 0 AS kind, 0 AS n, number, status, currency, NULL, 0, 0, 0, total, total, placed_at FROM orders WHERE id = $1
		UNION ALL
		SELECT 1, l.position, p.sku, p.name, '', NULL, l.quantity, l.open, l.shipped, l.unit_price, l.total, NULL
		FROM order_lines l JOIN products p ON p.id = l.product_id WHERE l.order_id = $1
		UNION ALL
		SELECT 2, order_version, from_status, to_status, actor, note, 0, 0, 0, 0, 0, at FROM order_status_changes WHERE order_id = $1
		ORDER BY kind, n`
)

// serveLimit answers the three queries with as little as it takes, until ctx
// ends or the orchestrator, who holds the other end of in, does. It writes the
// address that it listens on to out.
func serveLimit(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	fs := flag.NewFlagSet(roleLimit, flag.ContinueOnError)
	url := fs.String("database-url", "", "the database")
	conns := fs.Int("conns", readConns, "connections to it")
	if err := fs.Parse(args); err != nil {
		return err
	}
	connector, err := pq.NewConnector(*url + "&binary_parameters=yes")
	if err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(*conns)
	db.SetMaxIdleConns(*conns)

	mux := http.NewServeMux()
	for _, h := range []struct {
		path, statement string
		answer          func(*sql.Rows, []byte) ([]byte, error)
	}{
		{"GET /q1/{id}", limitProducts, appendProducts},
		{"GET /q2/{id}", limitProduct, appendProduct},
		{"GET /q3/{id}", limitOrder, appendOrder},
	} {
		prepared, err := db.PrepareContext(ctx, h.statement)
		if err != nil {
			return fmt.Errorf("preparing the statement of %s: %w", h.path, err)
		}
		defer func() { _ = prepared.Close() }()
		mux.HandleFunc(h.path, func(w http.ResponseWriter, r *http.Request) {
			body, err := answerWith(r, prepared, h.answer)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			_, _ = w.Write(body) // who went away needs no answer
		})
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, in) // ends with the orchestrator
		cancel()
	}()
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	fmt.Fprintln(out, listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

// answerWith runs a statement with the id in the path, and makes JSON of its rows.
func answerWith(r *http.Request, prepared *sql.Stmt, answer func(*sql.Rows, []byte) ([]byte, error)) ([]byte, error) {
	rows, err := prepared.QueryContext(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	body, err := answer(rows, make([]byte, 0, 4096))
	return body, errors.Join(err, rows.Err())
}

func appendProducts(rows *sql.Rows, b []byte) ([]byte, error) {
	b = append(b, `{"data":{"products":{"nodes":[`...)
	b, _, err := appendProductRows(rows, b)
	return append(b, `]}}}`...), err
}

func appendProduct(rows *sql.Rows, b []byte) ([]byte, error) {
	b = append(b, `{"data":{"product":`...)
	b, n, err := appendProductRows(rows, b)
	if n == 0 {
		b = append(b, `null`...)
	}
	return append(b, `}}`...), err
}

// appendProductRows folds flat rows, one for each product and location, and
// says how many products there were.
func appendProductRows(rows *sql.Rows, b []byte) ([]byte, int, error) {
	var (
		id, sku, name, currency string
		brand, code, location   sql.NullString
		price                   sql.RawBytes
		available               sql.NullInt64
		asOf                    sql.NullTime

		last      string
		sum       int64
		places    []byte // of the product before
		n         int
		endBefore = func() {
			b = append(b, `"availability":{"available":`...)
			b = strconv.AppendInt(b, sum, 10)
			b = append(b, `,"locations":[`...)
			b = append(append(b, places...), `]}}`...)
		}
	)
	for rows.Next() {
		if err := rows.Scan(&id, &sku, &name, &brand, &price, &currency, &code, &location, &available, &asOf); err != nil {
			return b, n, err
		}
		if id != last {
			if n > 0 {
				endBefore()
				b = append(b, ',')
			}
			n++
			last, sum, places = id, 0, places[:0]
			b = appendText(append(b, `{"id":`...), id)
			b = appendText(append(b, `,"sku":`...), sku)
			b = appendText(append(b, `,"name":`...), name)
			b = appendNullable(append(b, `,"brand":`...), brand)
			b = appendMoney(append(b, `,"price":`...), price, currency)
			b = append(b, ',')
		}
		if !code.Valid {
			continue
		}
		if len(places) > 0 {
			places = append(places, ',')
		}
		sum += available.Int64
		places = appendText(append(places, `{"location":{"code":`...), code.String)
		places = appendText(append(places, `,"name":`...), location.String)
		places = strconv.AppendInt(append(places, `},"available":`...), available.Int64, 10)
		places = append(appendTime(append(places, `,"asOf":`...), asOf.Time), '}')
	}
	if n > 0 {
		endBefore()
	}
	return b, n, nil
}

func appendOrder(rows *sql.Rows, b []byte) ([]byte, error) {
	var (
		kind, n, quantity, open, shipped int
		x, y, z, w                       sql.NullString
		price, total                     sql.RawBytes
		at                               sql.NullTime

		currency string
		before   = -1
	)
	b = append(b, `{"data":{"order":`...)
	for rows.Next() {
		if err := rows.Scan(&kind, &n, &x, &y, &z, &w, &quantity, &open, &shipped, &price, &total, &at); err != nil {
			return b, err
		}
		switch {
		case kind == before:
			b = append(b, ',')
		case kind == 1:
			b = append(b, `,"lines":[`...)
		case kind == 2:
			if before == 0 {
				b = append(b, `,"lines":[`...)
			}
			b = append(b, `],"history":[`...)
		}
		before = kind
		switch kind {
		case 0:
			currency = z.String
			b = appendText(append(b, `{"number":`...), x.String)
			b = appendText(append(b, `,"status":`...), y.String)
			b = appendMoney(append(b, `,"total":`...), total, currency)
			b = appendTime(append(b, `,"placedAt":`...), at.Time)
		case 1:
			b = appendText(append(b, `{"product":{"sku":`...), x.String)
			b = appendText(append(b, `,"name":`...), y.String)
			b = strconv.AppendInt(append(b, `},"quantity":`...), int64(quantity), 10)
			b = strconv.AppendInt(append(b, `,"open":`...), int64(open), 10)
			b = strconv.AppendInt(append(b, `,"shipped":`...), int64(shipped), 10)
			b = appendMoney(append(b, `,"unitPrice":`...), price, currency)
			b = append(appendMoney(append(b, `,"total":`...), total, currency), '}')
		case 2:
			b = appendNullable(append(b, `{"from":`...), x)
			b = appendText(append(b, `,"to":`...), y.String)
			b = appendNullable(append(b, `,"actor":`...), z)
			b = appendNullable(append(b, `,"note":`...), w)
			b = append(appendTime(append(b, `,"at":`...), at.Time), '}')
		}
	}
	switch before {
	case -1:
		b = append(b, `null`...)
	case 0:
		b = append(b, `,"lines":[],"history":[]}`...)
	case 1:
		b = append(b, `],"history":[]}`...)
	case 2:
		b = append(b, `]}`...)
	}
	return append(b, `}}`...), nil
}

// appendText writes a JSON string; nearly none needs escaping.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always has a JSON form
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendNullable(b []byte, s sql.NullString) []byte {
	if !s.Valid {
		return append(b, `null`...)
	}
	return appendText(b, s.String)
}

// appendMoney writes a numeric with as many decimals as it needs, and at least
// two.
func appendMoney(b []byte, amount []byte, currency string) []byte {
	end := len(amount)
	if dot := bytes.IndexByte(amount, '.'); dot >= 0 {
		for end > dot+3 && amount[end-1] == '0' {
			end--
		}
	}
	b = append(append(b, `{"amount":"`...), amount[:end]...)
	b = appendText(append(b, `","currency":`...), currency)
	return append(b, '}')
}

func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}
