package store_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"redline/internal/pgtest"
	"redline/store"
)

// noted is an observer that notes what it is told of the statements of tests.
type noted struct {
	mu   sync.Mutex
	told []string
}

func (n *noted) Statement(name string) func(context.Context, time.Time, string) {
	return func(_ context.Context, _ time.Time, class string) { n.note("ran", name, class) }
}
func (n *noted) BrokenOff(name, class string) { n.note("broken off", name, class) }
func (*noted) Replayed(string)                {}
func (*noted) Short(string)                   {}

func (n *noted) note(what, name, class string) {
	if name != "test.read" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told = append(n.told, what+" "+class)
}

func (n *noted) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	told := n.told
	n.told = nil
	return told
}

// A statement whose rows break off has run, and is told of once more with what it
// breaks off with, prepared or not. Who reads all of them, or not all, isn't told of.
func TestRowsThatBreakOff(t *testing.T) {
	w := newWorld(t)
	var by noted
	s, err := store.Open(w.ctx, w.url, store.Options{MaxConns: 4, StatementTimeout: patience, Patience: patience, Observer: &by})
	w.must(err)
	t.Cleanup(func() { _ = s.Close() })
	// So many rows that the first are on their way before the error is.
	const rows = `/* test.read */ SELECT %s FROM generate_series(1, 10000) n`
	const divided, asleep, fine = `1 / (9000 - n)`, `CASE WHEN n > 9000 THEN pg_sleep(60)::text END`, `n`
	for what, c := range map[string]struct {
		row    string
		limit  int // of the rows that are read, 0 for none
		cancel bool
		want   []string
	}{
		"an error":                   {divided, 0, false, []string{"ran ", "broken off 22"}},
		"an error after the last":    {divided, 10, false, []string{"ran ", "broken off 22"}},
		"the statement's timeout":    {asleep, 0, false, []string{"ran ", "broken off 57"}},
		"a reader who goes":          {asleep, 10, true, []string{"ran ", "broken off canceled"}},
		"all rows":                   {fine, 0, false, []string{"ran "}},
		"a reader of the first rows": {fine, 10, false, []string{"ran "}},
	} {
		for _, prepared := range []bool{false, true} {
			text, args := fmt.Sprintf(rows, c.row), []any(nil)
			if prepared {
				text, args = text+` WHERE n > $1`, []any{0}
			}
			conn, err := s.DB().Conn(w.ctx)
			w.must(err)
			_, err = conn.ExecContext(w.ctx, `SET statement_timeout = '500ms'`)
			w.must(err)
			ctx, cancel := context.WithCancel(w.ctx)
			read, err := conn.QueryContext(ctx, text, args...)
			w.must(err)
			for n := 1; read.Next() && n != c.limit; n++ { //nolint:revive // Reading them is all there is to do.
			}
			if c.cancel {
				cancel()
			}
			_ = read.Close() // whose error is that of the rows
			cancel()
			_ = conn.Close() // who went has broken it
			if got := by.take(); !slices.Equal(got, c.want) {
				t.Errorf("%s, prepared %t: told %q, want %q", what, prepared, got, c.want)
			}
		}
	}
}

// To observe a statement and its rows costs no allocation.
func TestObservingAllocatesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	url := pgtest.NewFrom(t, "store", func(url string) error { return prepare(ctx, url) })
	costs := func(o store.Options) float64 {
		o.MaxConns = 4
		s, err := store.Open(ctx, url, o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		read := func() {
			var n int
			rows, err := s.DB().QueryContext(ctx, `/* test.read */ SELECT $1::bigint`, "7")
			if err == nil && rows.Next() {
				err = rows.Scan(&n)
			}
			if err != nil || rows.Close() != nil || n != 7 {
				t.Fatal(n, err)
			}
		}
		read()
		least := testing.AllocsPerRun(100, read)
		for range 4 { // what else a store does now and then isn't meant
			least = min(least, testing.AllocsPerRun(100, read))
		}
		return least
	}
	if plain, observed := costs(store.Options{}), costs(store.Options{Observer: silent{}}); observed > plain {
		t.Errorf("a statement costs %g allocations, and %g when it is observed", plain, observed)
	}
}

// silent observes and notes nothing.
type silent struct{}

func (silent) Statement(string) func(context.Context, time.Time, string) {
	return func(context.Context, time.Time, string) {}
}
func (silent) BrokenOff(string, string) {}
func (silent) Replayed(string)          {}
func (silent) Short(string)             {}
