package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"redline"
	"redline/embeddedpg"
	"redline/migrations"
	"redline/store"
)

// ownServer is a Postgres of one test, which may be treated badly.
type ownServer struct {
	*embeddedpg.Server
	t       *testing.T
	ctx     context.Context
	options embeddedpg.Options
}

// startServer starts a Postgres that keeps what is committed, and that leaves
// the rest of its WAL unwritten for as long as it can.
func startServer(t *testing.T, tcp bool) *ownServer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	dir, err := os.MkdirTemp("", "redline-store-*")
	if err != nil {
		t.Fatal(err)
	}
	p := &ownServer{t: t, ctx: ctx, options: embeddedpg.Options{DataDir: filepath.Join(dir, "data"), Fast: true, TCP: tcp, Settings: map[string]string{
		"synchronous_commit": "on", "wal_level": "replica", "wal_writer_delay": "10s", "wal_writer_flush_after": "100MB",
		"bgwriter_lru_maxpages": "0", "autovacuum": "off",
	}}}
	if os.Geteuid() == 0 {
		p.must(os.Chmod(dir, 0o711)) // whoever Postgres runs as has to pass through
	}
	p.start()
	t.Cleanup(func() {
		end, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		p.must(p.Stop(end))
		p.must(embeddedpg.Remove(end, p.options.DataDir))
		p.must(os.RemoveAll(dir))
	})
	return p
}

func (p *ownServer) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *ownServer) start() {
	p.t.Helper()
	var err error
	p.Server, err = embeddedpg.Start(p.ctx, p.options)
	p.must(err)
}

// crash shuts Postgres down at once, by its process' id: nothing is written
// that wasn't before.
func (p *ownServer) crash() {
	p.t.Helper()
	b, err := os.ReadFile(filepath.Join(p.options.DataDir, "postgres", "postmaster.pid"))
	p.must(err)
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(first)
	p.must(err)
	p.must(syscall.Kill(pid, syscall.SIGQUIT))
	<-p.Done()
}

// admin runs statements as the superuser.
func (p *ownServer) admin(statements ...string) {
	p.t.Helper()
	db, err := sqlx.ConnectContext(p.ctx, "postgres", p.SuperuserURL())
	p.must(err)
	defer func() { _ = db.Close() }()
	for _, text := range statements {
		_, err := db.ExecContext(p.ctx, text)
		p.must(err)
	}
}

func (p *ownServer) open(url string) *store.Store {
	p.t.Helper()
	s, err := store.Open(p.ctx, url, store.Options{})
	p.must(err)
	p.t.Cleanup(func() { _ = s.Close() })
	return s
}

// fillPool gives the pool more connections than one.
func (p *ownServer) fillPool(s *store.Store) {
	var conns []*sqlx.Conn
	for range 8 {
		c, err := s.DB().Connx(p.ctx)
		p.must(err)
		conns = append(conns, c)
	}
	for _, c := range conns {
		p.must(c.Close())
	}
}

// adjust makes one change of one level.
func (p *ownServer) adjust(s *store.Store) int64 {
	p.t.Helper()
	r, err := s.InventoryAdjust(p.ctx, operator, redline.InventoryAdjustInput{
		IdempotencyKey: key(), Reason: redline.ReasonReceived, Changes: []redline.InventoryChange{{
			Stock: redline.StockKey{SKU: ref("pads"), LocationCode: ref("east")}, State: redline.StateOnHand, Delta: 1,
		}},
	})
	p.must(err)
	return r.EventID
}

func (p *ownServer) epoch(s *store.Store) uint32 {
	p.t.Helper()
	log := s.EventLog()
	defer func() { _ = log.Close() }()
	e, err := log.Epoch(p.ctx)
	p.must(err)
	return e
}

// A crash gives ids out again that a rollback had taken. A reader is told, once,
// that its position is worth nothing any more; what it read is.
func TestEventLogAfterACrash(t *testing.T) {
	t.Parallel()
	p := startServer(t, false)
	p.must(prepare(p.ctx, p.URL()))
	s := p.open(p.URL())
	log := s.EventLog()
	t.Cleanup(func() { _ = log.Close() })
	p.adjust(s)
	batch, err := log.Settled(p.ctx, 0, everyType, 1000)
	p.must(err)
	delivered := batch.UpTo

	// The pool has more connections than one, and will find all of them dead.
	p.fillPool(s)

	// Many ids, so that the sequence has to write them ahead once more, where
	// nobody sees to it that this reaches the disk.
	tx, err := s.DB().BeginTxx(p.ctx, nil)
	p.must(err)
	_, err = tx.ExecContext(p.ctx, `INSERT INTO events (type, subject_id, at, payload)
		SELECT 'level.changed', 'nobody', clock_timestamp(), '{}' FROM generate_series(1, 200)`)
	p.must(err)
	p.must(tx.Rollback())
	batch, err = log.Settled(p.ctx, delivered, everyType, 1000)
	p.must(err)
	position := batch.UpTo
	if len(batch.Events) != 0 || batch.Newest != 0 || position < delivered+200 {
		t.Fatalf("behind %d it found %d events, up to %d", delivered, len(batch.Events), position)
	}
	epoch := p.epoch(s)

	p.crash()
	if _, err := log.Settled(p.ctx, position, everyType, 1000); err == nil {
		t.Fatal("there was a log to read while Postgres was down")
	}
	p.start()
	var told []int64
	for range 3 {
		told = append(told, p.adjust(s))
	}
	if told[0] > position {
		t.Fatalf("the ids go on at %d, behind %d: nothing was given out again, and this test shows nothing", told[0], position)
	}
	batch, err = log.Settled(p.ctx, delivered, everyType, 1000)
	p.must(err)
	wantIDs(t, "the reader that goes on from what it has read", idsOf(batch.Events), told)
	if again := p.epoch(s); again != epoch {
		t.Errorf("the epoch was %d and is %d", epoch, again)
	}
}

// A session that is lost between two looks is told of at the second, though
// Postgres is there again, and is told of once.
func TestEventLogTellsOfALostSession(t *testing.T) {
	t.Parallel()
	p := startServer(t, false)
	p.must(prepare(p.ctx, p.URL()))
	s := p.open(p.URL())
	log := s.EventLog()
	t.Cleanup(func() { _ = log.Close() })
	batch, err := log.Settled(p.ctx, 0, everyType, 1000)
	p.must(err)
	p.fillPool(s)
	p.crash()
	p.start()
	if _, err := log.Settled(p.ctx, batch.UpTo, everyType, 1000); err == nil {
		t.Error("nothing told the reader that its session was lost")
	}
	if _, err := log.Settled(p.ctx, batch.UpTo, everyType, 1000); err != nil {
		t.Errorf("it was told a second time: %v", err)
	}
}

func TestEventLogEpoch(t *testing.T) {
	t.Parallel()
	p := startServer(t, false)
	p.must(prepare(p.ctx, p.URL()))
	s := p.open(p.URL())
	epochs := map[uint32]string{p.epoch(s): "the first"}
	differs := func(what string, s *store.Store) {
		t.Helper()
		e := p.epoch(s)
		if before, ok := epochs[e]; ok {
			t.Errorf("the epoch of %s is that of %s", what, before)
		}
		epochs[e] = what
		if p.epoch(s) != e {
			t.Errorf("the epoch of %s changes from one look to the next", what)
		}
		// What is read of it says so itself, whether there are events or not.
		for _, types := range [][]string{everyType, {"none"}} {
			batch, err := s.EventsBetween(p.ctx, 0, 1, types, 10)
			p.must(err)
			if batch.Epoch != e {
				t.Errorf("what is read of %s has the epoch %d, not %d", what, batch.Epoch, e)
			}
		}
	}

	// A dump that is restored over what was there brings the log's own id back.
	var id string
	p.must(s.DB().GetContext(p.ctx, &id, `SELECT id FROM event_log`))
	for name := ""; name != "00004_log.sql"; {
		var err error
		name, err = migrations.Down(p.ctx, s.DB().DB)
		p.must(err)
	}
	_, err := migrations.Up(p.ctx, s.DB().DB)
	p.must(err)
	_, err = s.DB().ExecContext(p.ctx, `UPDATE event_log SET id = $1`, id)
	p.must(err)
	differs("a restored dump", s)

	p.must(s.Close())
	p.admin(`CREATE DATABASE copy OWNER redline TEMPLATE redline`)
	differs("a copy of the database", p.open(strings.Replace(p.URL(), "/redline?", "/copy?", 1)))

	// At the end of an archive's recovery, as at a failover, a timeline begins.
	p.must(p.Stop(p.ctx))
	p.must(os.WriteFile(filepath.Join(p.options.DataDir, "postgres", "recovery.signal"), nil, 0o644))
	p.options.Settings["restore_command"] = "false"
	p.start()
	recovered := p.open(p.URL())
	eventually(t, "the recovery has ended", func() bool {
		var recovering bool
		p.must(recovered.DB().GetContext(p.ctx, &recovering, `SELECT pg_is_in_recovery()`))
		return !recovering
	})
	differs("the next timeline", recovered)
}

// All of it works for a role that owns the tables and may do nothing else.
func TestEventLogOfAnOrdinaryRole(t *testing.T) {
	t.Parallel()
	p := startServer(t, true)
	p.admin(`CREATE ROLE clerk LOGIN PASSWORD 'tally'`, `CREATE ROLE other LOGIN PASSWORD 'tally'`, `CREATE DATABASE shop OWNER clerk`,
		`REVOKE ALL ON DATABASE shop FROM public`, `GRANT CONNECT ON DATABASE shop TO other`)
	at := func(role string) string {
		_, after, _ := strings.Cut(p.URL(), "@")
		host, _, _ := strings.Cut(after, "/")
		return fmt.Sprintf("postgres://%s:tally@%s/shop?sslmode=disable", role, host)
	}
	p.must(prepare(p.ctx, at("clerk")))
	s := p.open(at("clerk"))
	var super bool
	p.must(s.DB().GetContext(p.ctx, &super, `SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user`))
	if super {
		t.Fatal("the role is not an ordinary one")
	}
	id, _, err := s.OrderPlace(p.ctx, shop, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("pads", 1)}})
	p.must(err)
	log := s.EventLog()
	t.Cleanup(func() { _ = log.Close() })
	batch, err := log.Settled(p.ctx, 0, everyType, 1000)
	p.must(err)
	if last := batch.Events[len(batch.Events)-1]; last.Order == nil || last.Order.Order.ID != id {
		t.Errorf("the last event is %+v", last)
	}
	p.epoch(s)

	// Who has no right to the log writes to it all the same by changing a place.
	_, err = s.DB().ExecContext(p.ctx, `GRANT SELECT, UPDATE ON locations TO other`)
	p.must(err)
	others := p.open(at("other"))
	_, err = others.DB().ExecContext(p.ctx, `UPDATE locations SET name = 'Far' WHERE code = 'east'`)
	p.must(err)
	batch, err = log.Settled(p.ctx, batch.UpTo, everyType, 1000)
	p.must(err)
	if len(batch.Events) != 1 || batch.Events[0].Kept != redline.EventPlaces {
		t.Errorf("another role's change of a place told of %d events", len(batch.Events))
	}

	// Another role's transaction is one to wait for like any other.
	_, err = s.DB().ExecContext(p.ctx, `GRANT INSERT ON events TO other; GRANT USAGE ON events_id TO other`)
	p.must(err)
	tx, err := others.DB().BeginTxx(p.ctx, nil)
	p.must(err)
	_, err = tx.ExecContext(p.ctx, `INSERT INTO events (type, subject_id, at, payload) VALUES ('level.changed', 'nobody', clock_timestamp(), '{}')`)
	p.must(err)
	short, cancel := context.WithTimeout(p.ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := log.Settled(short, batch.UpTo, everyType, 1000); err == nil {
		t.Error("the log was settled while another role was writing to it")
	}
	p.must(tx.Commit())
	batch, err = log.Settled(p.ctx, batch.UpTo, everyType, 1000)
	p.must(err)
	if len(batch.Events) != 1 {
		t.Errorf("then it told of %d events", len(batch.Events))
	}
}
