// Package pgtest gives every test a Postgres database of its own.
//
// A test binary has one Postgres, started by the first test that asks and
// stopped by Main:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestOrders(t *testing.T) {
//		t.Parallel()
//		db := sqlx.MustConnect("postgres", pgtest.NewFrom(t, "migrated", migrate))
//		…
//	}
//
// It keeps nothing safe from a crash of the machine and is thrown away at the
// end. If the test binary is killed, or runs into its time limit, the kernel
// ends Postgres (on Linux; elsewhere the next test binary does), and the next
// test binary removes what it left.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"

	"redline/embeddedpg"
)

const (
	// startTimeout bounds starting Postgres, a download included.
	startTimeout = 5 * time.Minute
	// stopTimeout bounds stopping it.
	stopTimeout = 30 * time.Second
	// statementTimeout bounds making or dropping a database.
	statementTimeout = time.Minute
	// maxConnections is enough for parallel tests with a pool each.
	maxConnections = "300"
)

// Runner is what goleak.VerifyTestMain takes, for example.
type Runner interface{ Run() int }

// Main runs the tests, stops Postgres and exits with the tests' code. To be
// called by TestMain.
func Main(m *testing.M) { os.Exit(Wrap(m).Run()) }

// Wrap returns a Runner that runs m and then stops Postgres, so that nothing
// of it is left when Run returns. For a TestMain that has more to do than
// Main: goleak.VerifyTestMain(pgtest.Wrap(m)).
func Wrap(m Runner) Runner { return runner{m} }

type runner struct{ tests Runner }

func (r runner) Run() int {
	shared.mu.Lock()
	shared.willStop = true
	shared.mu.Unlock()
	code := r.tests.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		return max(code, 1)
	}
	return code
}

// New returns the URL of a new, empty database, which is dropped when the
// test ends, whoever is still connected to it.
func New(t testing.TB) string {
	t.Helper()
	return newDatabase(t, "template1")
}

// NewFrom returns the URL of a new database that starts as a copy of what
// prepare makes of an empty one. prepare runs once for each key in a test
// binary, also when many tests ask at once; if it fails, all of them do. It
// has to close its connections.
func NewFrom(t testing.TB, key string, prepare func(url string) error) string {
	t.Helper()
	template, err := shared.template(key, prepare)
	if err != nil {
		t.Fatalf("preparing the database %q: %v", key, err)
	}
	return newDatabase(t, template)
}

// NewRole makes a role with no rights at all, which the databases' owner may act as,
// and returns its name: a URL with the parameter role begins as it. It stays until
// Postgres is stopped.
func NewRole(t testing.TB) string {
	t.Helper()
	c, err := shared.cluster()
	if err != nil {
		t.Fatal(err)
	}
	name := c.newName("role_" + t.Name())
	for _, s := range []string{"CREATE ROLE " + pq.QuoteIdentifier(name), "GRANT " + pq.QuoteIdentifier(name) + " TO " + pq.QuoteIdentifier(c.owner())} {
		if err := c.exec(s); err != nil {
			t.Fatal(err)
		}
	}
	return name
}

func newDatabase(t testing.TB, template string) string {
	t.Helper()
	c, err := shared.cluster()
	if err != nil {
		t.Fatal(err)
	}
	name := c.newName(t.Name())
	if err := c.create(name, template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.exec("DROP DATABASE " + pq.QuoteIdentifier(name) + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return c.url(name)
}

// shared is the Postgres of this test binary.
var shared holder

// holder starts Postgres once, when it is first needed.
type holder struct {
	mu       sync.Mutex
	willStop bool // a Runner of this package is at work
	running  *cluster
	failed   error

	templates sync.Map // from key to *template
}

func (h *holder) cluster() (*cluster, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.willStop {
		return nil, errors.New("pgtest: nobody would stop Postgres: this package needs func TestMain(m *testing.M) { pgtest.Main(m) }")
	}
	if h.running == nil && h.failed == nil {
		h.running, h.failed = startCluster()
	}
	return h.running, h.failed
}

func (h *holder) stop() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.willStop = false
	if h.running == nil {
		return nil
	}
	return h.running.stop()
}

// template is a database that others are copied from.
type template struct {
	once sync.Once
	name string
	err  error
}

// template returns the name of the key's template.
func (h *holder) template(key string, prepare func(url string) error) (string, error) {
	c, err := h.cluster()
	if err != nil {
		return "", err
	}
	entry, _ := h.templates.LoadOrStore(key, &template{})
	t := entry.(*template)
	t.once.Do(func() {
		// It stays so if prepare ends its test instead of returning.
		t.err = errors.New("prepare did not return")
		t.name = c.newName("template_" + key)
		t.err = c.fill(t.name, prepare)
	})
	return t.name, t.err
}

// cluster is a running Postgres and the connections that databases are made
// through.
type cluster struct {
	dir    string
	server *embeddedpg.Server
	admin  *sql.DB
	names  atomic.Int64
}

func startCluster() (_ *cluster, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	sweep(ctx)
	dir, err := makeDir()
	if err != nil {
		return nil, fmt.Errorf("making a directory for Postgres: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	server, err := embeddedpg.Start(ctx, embeddedpg.Options{
		DataDir:  dir,
		CacheDir: cacheDir(),
		Fast:     true,
		Settings: map[string]string{"max_connections": maxConnections},
	})
	if err != nil {
		return nil, err
	}
	admin, err := sql.Open("postgres", server.SuperuserURL())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connecting to Postgres: %w", err), server.Stop(ctx))
	}
	admin.SetMaxOpenConns(4)
	return &cluster{dir: dir, server: server, admin: admin}, nil
}

func (c *cluster) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := errors.Join(c.admin.Close(), c.server.Err(), c.server.Stop(ctx))
	return errors.Join(err, embeddedpg.Remove(ctx, c.dir))
}

// newName returns a name that no other database of the cluster has, and that
// tells a reader of Postgres' log which test it is of.
func (c *cluster) newName(of string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(of))
	return fmt.Sprintf("t%d_%.50s", c.names.Add(1), plain)
}

func (c *cluster) create(name, template string) error {
	return c.exec("CREATE DATABASE " + pq.QuoteIdentifier(name) +
		" OWNER " + pq.QuoteIdentifier(c.owner()) + " TEMPLATE " + pq.QuoteIdentifier(template))
}

// fill makes a template: an empty database that prepare then works on, and
// that nobody can connect to from then on, because Postgres copies no
// database that somebody is connected to.
func (c *cluster) fill(name string, prepare func(url string) error) error {
	if err := c.create(name, "template1"); err != nil {
		return err
	}
	if err := prepare(c.url(name)); err != nil {
		return err
	}
	if err := c.exec("ALTER DATABASE " + pq.QuoteIdentifier(name) + " WITH ALLOW_CONNECTIONS false"); err != nil {
		return err
	}
	return c.exec("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1", name)
}

func (c *cluster) exec(statement string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
	defer cancel()
	if _, err := c.admin.ExecContext(ctx, statement, args...); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// owner is the role that a program's own database belongs to.
func (c *cluster) owner() string { return c.parsed().User.Username() }

// url is the server's URL with another database.
func (c *cluster) url(name string) string {
	u := c.parsed()
	u.Path = "/" + name
	return u.String()
}

func (c *cluster) parsed() *url.URL {
	u, err := url.Parse(c.server.URL())
	if err != nil {
		panic(fmt.Sprintf("pgtest: embeddedpg gave the URL %q: %v", c.server.URL(), err))
	}
	return u
}
