package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"
)

// limit answers the three queries, each with one statement, in two ways: with
// what there is to a row gathered into a text, which is the fastest that we
// know, and with flat rows, as most would write it.
type limit struct {
	places map[string]place // by id
}

// place is a location, as all answers have it.
type place struct {
	n      int    // by code
	opened string // the JSON of what can be sold of a product there, up to how much
}

// limitQuery is one query as the limit answers it.
type limitQuery struct {
	path, statement string
	args            func(*http.Request) ([]any, error)
	answer          func(*sql.Rows, []byte) ([]byte, error)
}

func (l limit) queries() []limitQuery {
	return []limitQuery{
		{"GET /q1/{id}", gatheredProducts, pageArgs, listed(l.appendGathered)},
		{"GET /q2/{id}", gatheredProduct, idArgs, single(l.appendGathered)},
		{"GET /q3/{id}", gatheredOrder, idArgs, appendGatheredOrder},
		{"GET /flat/q1/{id}", flatProducts, pageArgs, listed(l.appendFlat)},
		{"GET /flat/q2/{id}", flatProduct, idArgs, single(l.appendFlat)},
		{"GET /flat/q3/{id}", flatOrder, idArgs, appendFlatOrder},
	}
}

// idArgs are the arguments of a statement for one thing.
func idArgs(r *http.Request) ([]any, error) { return []any{r.PathValue("id")}, nil }

// pageArgs are those of a statement for a page: a category, and the name and the
// id that the page comes after; before all others where there are none.
func pageArgs(r *http.Request) ([]any, error) {
	if r.URL.RawQuery == "" {
		return []any{r.PathValue("id"), "", ""}, nil
	}
	after, err := url.ParseQuery(r.URL.RawQuery)
	return []any{r.PathValue("id"), after.Get("name"), after.Get("id")}, err
}

// appendRows writes rows as JSON, with commas between them, and says how many
// there were.
type appendRows func(*sql.Rows, []byte) ([]byte, int, error)

func listed(products appendRows) func(*sql.Rows, []byte) ([]byte, error) {
	return func(rows *sql.Rows, b []byte) ([]byte, error) {
		b, _, err := products(rows, append(b, `{"data":{"products":{"nodes":[`...))
		return append(b, `]}}}`...), err
	}
}

func single(product appendRows) func(*sql.Rows, []byte) ([]byte, error) {
	return func(rows *sql.Rows, b []byte) ([]byte, error) {
		b, n, err := product(rows, append(b, `{"data":{"product":`...))
		if n == 0 {
			b = append(b, `null`...)
		}
		return append(b, `}}`...), err
	}
}

// garbageRoom is what cmd/redline gives its collector, and for the same reason.
const garbageRoom = 24 << 20

// serveLimit answers the queries with as little as it takes, until ctx ends or
// the orchestrator, who holds the other end of in, does. It writes the address
// that it listens on to out.
func serveLimit(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		defer runtime.KeepAlive(make([]byte, garbageRoom))
	}
	fs := flag.NewFlagSet(roleLimit, flag.ContinueOnError)
	url := fs.String("database-url", "", "the database")
	conns := fs.Int("conns", readConns, "connections to it")
	if err := fs.Parse(args); err != nil {
		return err
	}
	connector, err := pq.NewConnector(*url + "&binary_parameters=yes&timezone=UTC")
	if err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(*conns)
	db.SetMaxIdleConns(*conns)
	places, err := readPlaces(ctx, db)
	if err != nil {
		return fmt.Errorf("reading the locations: %w", err)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	for _, q := range (limit{places}).queries() {
		prepared, err := db.PrepareContext(ctx, q.statement)
		if err != nil {
			return fmt.Errorf("preparing the statement of %s: %w", q.path, err)
		}
		defer func() { _ = prepared.Close() }()
		mux.HandleFunc(q.path, func(w http.ResponseWriter, r *http.Request) {
			body, err := q.run(r, prepared)
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

// readPlaces reads the locations, which the server has in memory too.
func readPlaces(ctx context.Context, db *sql.DB) (map[string]place, error) {
	rows, err := db.QueryContext(ctx, `SELECT id, code, name FROM locations ORDER BY code`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	places := map[string]place{}
	for rows.Next() {
		var id, code, name string
		if err := rows.Scan(&id, &code, &name); err != nil {
			return nil, err
		}
		b := appendText([]byte(`{"location":{"code":`), code)
		b = appendText(append(b, `,"name":`...), name)
		places[id] = place{n: len(places), opened: string(append(b, `},"available":`...))}
	}
	return places, rows.Err()
}

// run runs the statement, and makes JSON of its rows.
func (q limitQuery) run(r *http.Request, prepared *sql.Stmt) ([]byte, error) {
	args, err := q.args(r)
	if err != nil {
		return nil, err
	}
	rows, err := prepared.QueryContext(r.Context(), args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	body, err := q.answer(rows, make([]byte, 0, 4096))
	return body, errors.Join(err, rows.Err())
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
func appendMoney(b []byte, amount, currency string) []byte {
	end := len(amount)
	if dot := strings.IndexByte(amount, '.'); dot >= 0 {
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
