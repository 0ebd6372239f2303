// Package store holds the repositories: hand-written SQL on Postgres. Every
// method takes the principal that asks and shows it only its own rows; every
// change is one transaction with its event and its audit entry.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Options configure a Store. The zero value is good.
type Options struct {
	// MaxConns bounds the connections to Postgres; 0 is 20, and 6 the least. Half
	// of them are for changes, so that those who wait for a row that everybody
	// wants don't keep the readers waiting. Three are the store's own: the event
	// log's, one for what runs in the background, and one that asks whether the
	// database is there.
	MaxConns int
	// StatementTimeout bounds one statement; 0 is 10 seconds.
	StatementTimeout time.Duration
	// Patience is how long a change waits for a connection, and then for a row
	// that another holds; 0 is 3 seconds. Who waits longer is told to try again.
	Patience time.Duration
	// ReadPatience is how long a read waits for a connection; 0 is 1 second. Who
	// waits longer is told to try again.
	ReadPatience time.Duration
	// Unprepared is for a pooler between here and Postgres that gives a client
	// another connection for each transaction and doesn't know of prepared
	// statements: then each is parsed and planned anew. The default prepares.
	Unprepared bool
	// Committed is called after each commit that wrote events, so that whoever
	// reads the log need not wait for its next look. It must not block.
	Committed func()
	// Revoked is called after each commit by which this store has revoked a client, once
	// its method Revoked says so and before ClientRevoke returns.
	Revoked func()
	// Tracer makes transactions spans of the traces that their callers are in. Nil
	// makes none.
	Tracer trace.Tracer
	// Observer is told of statements and of what becomes of changes. Nil is nobody.
	Observer Observer
	Log      *slog.Logger

	// wrap stands between the pool and the driver; tests see through it what is
	// sent. Nil is the driver itself.
	wrap func(*pq.Connector) driver.Connector
}

// Store is all the repositories on one database.
type Store struct {
	// db is for reads and writes for changes.
	db     *readPool
	writes *sqlx.DB
	// slots lets as many changes in as writes has connections, and batches fewer, so
	// that those who wait for a row leave a connection to others.
	slots, batches *gate
	// heartbeat tells whether the database is there.
	heartbeat *heartbeat
	// snapshots has room for those who read a state.
	snapshots chan struct{}

	patience time.Duration
	// statementTimeout bounds what is read in several statements, as it does one.
	statementTimeout time.Duration
	// committed and hasRevoked are Options' Committed and Revoked.
	committed, hasRevoked func()
	observer              Observer
	tracer                trace.Tracer
	log                   *slog.Logger
	kept                  placesCache
	// revoked are the clients that were, as RefreshRevoked read them or as this store has
	// done it since; nil before. Nobody changes what is in the map.
	revoked atomic.Pointer[map[string]bool]
	// placements and adjustments let calls that arrive together share a
	// transaction.
	placements, adjustments *gatherer[*call]
	// stuck has the ids of the reservations of which the log was told that they
	// can't be given back.
	stuck sync.Map
	// shopPulse is how busy the shop was.
	shopPulse shopPulse
	// releases are those under way of reservations that callers found due, as
	// *releasing by the first one's id.
	releases sync.Map
}

// Open connects to Postgres. A query is one round trip, and one more where its
// connection runs it for the first time and prepares it; no statement, nor a
// transaction left idle, holds the log back for long.
func Open(ctx context.Context, databaseURL string, o Options) (*Store, error) {
	u, err := url.Parse(databaseURL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, fmt.Errorf("the database URL has to be of the form postgres://user:password@host:port/name")
	}
	if o.StatementTimeout == 0 {
		o.StatementTimeout = 10 * time.Second
	}
	if o.Patience == 0 {
		o.Patience = 3 * time.Second
	}
	if o.ReadPatience == 0 {
		o.ReadPatience = time.Second
	}
	if o.MaxConns == 0 {
		o.MaxConns = 20
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Committed == nil {
		o.Committed = func() {}
	}
	if o.Revoked == nil {
		o.Revoked = func() {}
	}
	if o.Tracer == nil {
		o.Tracer = noop.NewTracerProvider().Tracer("")
	}
	observer := o.Observer
	if observer == nil {
		observer = nobody{}
	}
	q := u.Query()
	set := func(name, value string) {
		if q.Get(name) == "" {
			q.Set(name, value)
		}
	}
	q.Set("binary_parameters", "yes") // whatever the URL says: columns go in the binary format alone
	set("application_name", "redline")
	set("connect_timeout", "5")
	set("timezone", "UTC")
	set("statement_timeout", fmt.Sprint(o.StatementTimeout.Milliseconds()))
	set("idle_in_transaction_session_timeout", fmt.Sprint(2*o.StatementTimeout.Milliseconds()))

	changes := max(o.MaxConns/2, 2)
	reads := max(o.MaxConns-changes-1, reservedReads+1)
	s := &Store{
		slots: newGate(changes), batches: newGate(max(changes-2, 1)),
		// Of the places of those who read, one is left to others.
		snapshots: make(chan struct{}, max(min(snapshotsAtOnce, reads-reservedReads-1), 1)),
		patience:  o.Patience, statementTimeout: o.StatementTimeout, committed: o.Committed, hasRevoked: o.Revoked, observer: observer, tracer: o.Tracer, log: o.Log,
	}
	s.kept.reading = newGate(1)
	s.shopPulse.reading = newGate(1)
	s.heartbeat = &heartbeat{log: o.Log, lost: s.retireIdle, longest: longestAnswer(q.Get("statement_timeout"))}
	asking := o
	asking.wrap, asking.Unprepared = nil, true
	beat, err := asking.pool(u, q, 1, s.heartbeat)
	if err != nil {
		return nil, err
	}
	s.heartbeat.db = beat.DB
	forReads, err := o.pool(u, q, reads, s.heartbeat)
	if err != nil {
		return nil, err
	}
	s.db = &readPool{
		pool: forReads, gate: newGate(reads - reservedReads), reserve: make(chan struct{}, 1), heartbeat: s.heartbeat,
		patience: o.ReadPatience, backgroundPatience: o.StatementTimeout,
	}
	set("lock_timeout", fmt.Sprint(o.Patience.Milliseconds()))
	// A change finds all its rows by their keys. A plan for it is made once for a
	// connection, and never one that reads all of a table because it is small now:
	// neither of a statement nor of a foreign key.
	set("plan_cache_mode", "force_generic_plan")
	for _, reads := range []string{"seqscan", "hashjoin", "mergejoin"} {
		set("enable_"+reads, "off")
	}
	if s.writes, err = o.pool(u, q, changes, s.heartbeat); err != nil {
		return nil, err
	}
	s.placements = newGatherer(o.Patience, changes, s.place)
	s.adjustments = newGatherer(o.Patience, changes, s.adjust)
	for _, pool := range []*sql.DB{s.heartbeat.db, forReads.DB, s.writes.DB} {
		if err := pool.PingContext(ctx); err != nil {
			_ = s.Close()
			return nil, fmt.Errorf("connecting to the database: %w", err)
		}
	}
	s.heartbeat.start(ctx)
	return s, nil
}

// longestAnswer is how long an answer may take where statements are bounded so, in
// milliseconds; 0 where they aren't, or are in another unit.
func longestAnswer(statementTimeout string) time.Duration {
	ms, err := strconv.Atoi(statementTimeout)
	if err != nil || ms <= 0 {
		return 0
	}
	return time.Duration(ms)*time.Millisecond + answerGrace
}

// pool opens a pool of connections to a URL with these parameters.
func (o Options) pool(u *url.URL, parameters url.Values, conns int, h *heartbeat) (*sqlx.DB, error) {
	at := *u
	at.RawQuery = parameters.Encode()
	connector, err := pq.NewConnector(at.String())
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	connector.Dialer(heartbeatDialer{h})
	var through driver.Connector = connector
	if o.wrap != nil {
		through = o.wrap(connector)
	}
	if o.Observer != nil {
		through = observing{through, o.Observer}
	}
	if !o.Unprepared {
		through = preparing{through}
	}
	db := sqlx.NewDb(sql.OpenDB(through), "postgres")
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, nil
}

// begin begins a transaction that changes something, of calls that were gathered
// or of one that wasn't. Where all connections for changes are taken for too
// long, it is UNAVAILABLE. release ends what is left of the transaction, and is
// called in every case but an error.
func (s *Store) begin(ctx context.Context, gathered bool) (tx *sqlx.Tx, release func(), err error) {
	if err := s.heartbeat.gone(); err != nil {
		return nil, nil, err
	}
	gates := []*gate{s.slots}
	if gathered {
		gates = []*gate{s.batches, s.slots}
	}
	entered := 0
	leave := func() {
		for _, g := range gates[:entered] {
			g.leave()
		}
	}
	patience := s.patience
	if inBackground(ctx) {
		patience = mutationTimeout
	}
	until := time.Now().Add(patience)
	for _, g := range gates {
		if err := g.enter(ctx, time.Until(until)); err != nil {
			leave()
			if errors.Is(err, errTurnedAway) {
				return nil, nil, errBusy
			}
			return nil, nil, dbError("waiting for a connection", err)
		}
		entered++
	}
	tx, err = s.writes.BeginTxx(ctx, nil)
	if err != nil {
		leave()
		return nil, nil, dbError("beginning a transaction", err)
	}
	return tx, func() {
		_ = tx.Rollback() // after a COMMIT this does nothing
		leave()
	}, nil
}

// DB is the pool for reads, without a timeout for locks: for migrations. It waits
// for a connection for as long as a context lets it.
func (s *Store) DB() *sqlx.DB { return s.db.pool }

// Ping reports whether the database is there, as it was found within the last second
// or three. It asks nothing itself, and so answers at once however busy all are: a
// pool that is full is no reason to send requests to another gateway, whose pool will
// be as full once it has them.
func (s *Store) Ping(context.Context) error {
	if err := s.heartbeat.gone(); err != nil {
		return fmt.Errorf("asking the database: %w", err)
	}
	return nil
}

// retireIdle closes the connections that nobody uses. Once the database was gone they
// may be dead without knowing it, and whoever took one would wait in vain.
func (s *Store) retireIdle() {
	for _, pool := range []*sqlx.DB{s.db.pool, s.writes} {
		pool.SetMaxIdleConns(-1)
		pool.SetMaxIdleConns(pool.Stats().MaxOpenConnections)
	}
}

// Close waits for the changes that share transactions to be done, and ends all
// connections.
func (s *Store) Close() error {
	s.placements.close()
	s.adjustments.close()
	return errors.Join(s.heartbeat.close(), s.db.pool.Close(), s.writes.Close())
}
