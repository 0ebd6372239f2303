// Package store holds the repositories: hand-written SQL on Postgres. Every
// method takes the principal that asks and shows it only its own rows; every
// change is one transaction with its event and its audit entry.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Options configure a Store. The zero value is good.
type Options struct {
	// MaxConns bounds the connections to Postgres; 0 is 20.
	MaxConns int
	// StatementTimeout bounds one statement; 0 is 10 seconds.
	StatementTimeout time.Duration
	// Committed is called after each commit that wrote events, so that whoever
	// reads the log need not wait for its next look. It must not block.
	Committed func()
	Log       *slog.Logger

	// wrap stands between the pool and the driver; tests see through it what is
	// sent. Nil is the driver itself.
	wrap func(*pq.Connector) driver.Connector
}

// Store is all the repositories on one database.
type Store struct {
	db        *sqlx.DB
	committed func()
	log       *slog.Logger
}

// Open connects to Postgres. Every query is one round trip, and no statement,
// nor a transaction left idle, holds the log back for long.
func Open(ctx context.Context, databaseURL string, o Options) (*Store, error) {
	u, err := url.Parse(databaseURL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, fmt.Errorf("the database URL has to be of the form postgres://user:password@host:port/name")
	}
	if o.StatementTimeout == 0 {
		o.StatementTimeout = 10 * time.Second
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
	q := u.Query()
	set := func(name, value string) {
		if q.Get(name) == "" {
			q.Set(name, value)
		}
	}
	set("binary_parameters", "yes")
	set("application_name", "redline")
	set("connect_timeout", "5")
	set("timezone", "UTC")
	set("statement_timeout", fmt.Sprint(o.StatementTimeout.Milliseconds()))
	set("idle_in_transaction_session_timeout", fmt.Sprint(2*o.StatementTimeout.Milliseconds()))
	u.RawQuery = q.Encode()

	connector, err := pq.NewConnector(u.String())
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	var through driver.Connector = connector
	if o.wrap != nil {
		through = o.wrap(connector)
	}
	db := sqlx.NewDb(sql.OpenDB(through), "postgres")
	db.SetMaxOpenConns(o.MaxConns)
	db.SetMaxIdleConns(o.MaxConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	return &Store{db: db, committed: o.Committed, log: o.Log}, nil
}

// DB is the pool itself, for migrations.
func (s *Store) DB() *sqlx.DB { return s.db }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.db.PingContext(ctx); err != nil {
		return fmt.Errorf("asking the database: %w", err)
	}
	return nil
}

// Close ends all connections.
func (s *Store) Close() error { return s.db.Close() }
