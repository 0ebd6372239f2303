package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"redline"
	"redline/store"
)

// products asks for the products, as a storefront's page does.
func products(ctx context.Context, s *store.Store) error {
	_, err := s.Products(ctx, redline.Anonymous(), redline.ProductFilter{}, redline.ProductOrder{}, redline.PageRequest{}, redline.ProductParts{})
	return err
}

// wantUnavailable wants an error that says to try again, and an answer within some
// time.
func wantUnavailable(t *testing.T, what string, err error, took, within time.Duration) {
	t.Helper()
	var e *redline.Error
	if !errors.As(err, &e) || e.Code != redline.CodeUnavailable || e.RetryAfter == 0 {
		t.Errorf("%s: %v", what, err)
	}
	if took > within {
		t.Errorf("%s: told after %s; want %s at most", what, took, within)
	}
}

// Where every connection for reads is taken, by statements that wait for a lock, whoever
// comes is soon told to try again, however many they are; and what has to go on goes on:
// the event log's follower, the jobs, the question whether the database is there, changes.
func TestFullPoolTurnsReadersAway(t *testing.T) {
	w := newWorld(t)
	const patience = 300 * time.Millisecond
	s, err := store.Open(w.ctx, w.url, store.Options{MaxConns: 8, ReadPatience: patience})
	w.must(err)
	t.Cleanup(func() { _ = s.Close() })
	log := s.EventLog()
	t.Cleanup(func() { _ = log.Close() })
	newest, err := log.Newest(w.ctx)
	w.must(err)

	tx, err := w.DB().BeginTx(w.ctx, nil)
	w.must(err)
	_, err = tx.ExecContext(w.ctx, `LOCK TABLE products IN ACCESS EXCLUSIVE MODE`)
	w.must(err)
	var all sync.WaitGroup
	holders := make([]error, s.Stats().Reads.Max-2) // one is the log's, and one the jobs'
	for i := range holders {
		all.Go(func() { holders[i] = products(w.ctx, s) })
	}
	w.await("all places of readers to be taken", func() bool {
		var waiting int
		w.must(w.DB().GetContext(w.ctx, &waiting, `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`))
		return waiting == len(holders)
	})
	const others = 1500 // more than may wait
	var turned sync.WaitGroup
	began := time.Now()
	for range others {
		turned.Go(func() {
			wantUnavailable(t, "a reader", products(w.ctx, s), time.Since(began), patience+5*time.Second)
		})
	}
	for range 3 {
		w.must(s.Ping(w.ctx))
		_, err = s.MarkStale(w.ctx)
		w.must(err)
		_, err = s.Sweep(w.ctx)
		w.must(err)
		w.must(s.RefreshRevoked(w.ctx))
		_, err = log.Settled(w.ctx, newest, []string{redline.EventLevel}, 10)
		w.must(err)
	}
	turned.Wait()
	if stats := s.Stats(); stats.Reads.TurnedAway != others || stats.Reads.InUse != len(holders)+1 || stats.Reads.Waits >= others || stats.Reads.Waited == 0 {
		t.Errorf("the figures are %+v", stats)
	}
	w.must(tx.Rollback())
	all.Wait()
	w.must(errors.Join(append(holders, products(w.ctx, s))...))
	if stats := s.Stats(); stats.Reads.InUse != 1 {
		t.Errorf("afterwards the figures are %+v", stats)
	}
}

// A database that is there and says nothing costs those who wait for it a few seconds,
// and those who come then nothing; a commit in doubt is said to be in doubt. Once it says
// something again all goes on, and nothing is lost or done twice.
func TestSilentDatabase(t *testing.T) {
	w := newWorld(t)
	s, p := w.behindProxyWith(store.Options{MaxConns: 10})
	w.must(products(w.ctx, s))
	order := wants(line("tea", 1))
	_, _, err := s.OrderPlace(w.ctx, shop, wants(line("tea", 1)))
	w.must(err)

	p.still.Lock()
	silent := time.Now()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			wantUnavailable(t, "who asked as it fell silent", products(w.ctx, s), time.Since(silent), 8*time.Second)
		})
	}
	all.Go(func() {
		_, _, err := s.OrderPlace(w.ctx, shop, order)
		wantUnavailable(t, "who ordered as it fell silent", err, time.Since(silent), 12*time.Second)
	})
	w.await("the silence to be noticed", func() bool { return s.Ping(w.ctx) != nil })
	for range 200 {
		began := time.Now()
		wantUnavailable(t, "who reads", products(w.ctx, s), time.Since(began), time.Second)
		_, _, err := s.OrderPlace(w.ctx, shop, wants(line("tea", 1)))
		wantUnavailable(t, "who orders", err, time.Since(began), time.Second)
	}
	all.Wait()
	p.still.Unlock()
	w.await("the database to be back", func() bool { return s.Ping(w.ctx) == nil })
	for range 20 {
		w.must(products(w.ctx, s))
	}
	_, _, err = s.OrderPlace(w.ctx, shop, order)
	w.must(err)
	w.checkBooks()
}

// A commit that goes into the silence may have been done.
func TestCommitIntoSilence(t *testing.T) {
	w := newWorld(t)
	s, p := w.behindProxyWith(store.Options{MaxConns: 10})
	order := wants(line("tea", 1))
	// The row is let go and the network falls silent while the change waits for it: so its
	// commit, or an earlier statement, goes into the silence.
	p.cut.Store(silence)
	_, _, err := s.OrderPlace(w.ctx, shop, order)
	var e *redline.Error
	if !errors.As(err, &e) || e.Code != redline.CodeOutcomeUnknown {
		t.Errorf("who committed into the silence was told %v", err)
	}
	p.still.Unlock()
	w.await("the database to be back", func() bool { return s.Ping(w.ctx) == nil })
	_, _, err = s.OrderPlace(w.ctx, shop, order)
	w.must(err)
	w.checkBooks()
}

// One statement that takes too long is ended, and stops nobody else meanwhile.
func TestSlowStatementIsEnded(t *testing.T) {
	w := newWorld(t)
	const timeout = time.Second
	s, err := store.Open(w.ctx, w.url, store.Options{StatementTimeout: timeout})
	w.must(err)
	t.Cleanup(func() { _ = s.Close() })
	tx, err := w.DB().BeginTx(w.ctx, nil)
	w.must(err)
	_, err = tx.ExecContext(w.ctx, `LOCK TABLE conflicts IN ACCESS EXCLUSIVE MODE`)
	w.must(err)
	began := time.Now()
	slow := make(chan error, 1)
	go func() {
		_, err := s.Conflicts(w.ctx, operator, redline.ConflictFilter{}, redline.PageRequest{})
		slow <- err
	}()
	for ended := false; !ended; {
		w.must(products(w.ctx, s))
		select {
		case err := <-slow:
			wantUnavailable(t, "the slow one", err, time.Since(began), timeout+5*time.Second)
			ended = true
		default:
		}
	}
	w.must(tx.Rollback())
}
