package pgtest

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// childEnv makes the test binary another one, with one test that does this.
const childEnv = "PGTEST_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "":
		goleak.VerifyTestMain(Wrap(m))
	case "careless": // its TestMain does not call Main
		os.Exit(childTest())
	default:
		os.Exit(Wrap(runnerFunc(childTest)).Run())
	}
}

type runnerFunc func() int

func (f runnerFunc) Run() int { return f() }

// childTest asks for a Postgres, tells where it is, and waits until its input
// ends. The code is what the test run's would be.
func childTest() int {
	c, err := shared.cluster()
	if err != nil {
		fmt.Println("error:", err)
		return 3
	}
	fmt.Println(c.dir)
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 5
}

type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	said  string // its first line
}

func startChild(t *testing.T, does string) *child {
	t.Helper()
	self, err := os.Executable()
	noError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+does)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	noError(t, err)
	stdout, err := cmd.StdoutPipe()
	noError(t, err)
	noError(t, cmd.Start())
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	said, err := bufio.NewReader(stdout).ReadString('\n')
	noError(t, err)
	return &child{cmd: cmd, stdin: stdin, said: strings.TrimSpace(said)}
}

// keys makes the keys of one run of a test others than those of the next.
var keys atomic.Int64

func newKey(name string) string { return fmt.Sprintf("%s %d", name, keys.Add(1)) }

func TestEveryTestHasItsOwn(t *testing.T) {
	t.Parallel()
	a, b := New(t), New(t)
	if a == b {
		t.Fatalf("both are %s", a)
	}
	query(t, a, "CREATE TABLE mine AS SELECT 'a' AS x")
	if got := query(t, b, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"); got != "0" {
		t.Errorf("the other database has %s tables", got)
	}
	if got := query(t, a, "SELECT x FROM mine"); got != "a" {
		t.Errorf("it holds %q", got)
	}
	if got := query(t, a, "SHOW max_connections"); got != maxConnections {
		t.Errorf("it takes %s connections", got)
	}
	if got := query(t, a, "SHOW is_superuser"); got != "off" {
		t.Errorf("whether tests are superusers: %s", got)
	}
}

func TestDroppedInTheEnd(t *testing.T) {
	t.Parallel()
	var name string
	var open *sql.DB
	t.Run("with a connection open", func(t *testing.T) {
		var err error
		open, err = sql.Open("postgres", New(t))
		noError(t, err)
		noError(t, open.QueryRowContext(t.Context(), "SELECT current_database()").Scan(&name))
	})
	defer open.Close()
	if !strings.Contains(name, "with_a_connection_open") {
		t.Errorf("the name %q does not tell the test", name)
	}
	if got := query(t, New(t), "SELECT count(*) FROM pg_database WHERE datname = '"+name+"'"); got != "0" {
		t.Error("it is still there")
	}
}

func TestTemplateIsPreparedOnce(t *testing.T) {
	t.Parallel()
	var prepared atomic.Int32
	prepare := func(url string) error {
		prepared.Add(1)
		_, err := ask(url, "CREATE TABLE stock AS SELECT 10 AS bottles")
		return err
	}
	key := newKey("stock")
	t.Run("copies", func(t *testing.T) {
		for range 6 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				url := NewFrom(t, key, prepare)
				query(t, url, "UPDATE stock SET bottles = bottles - 1")
				if got := query(t, url, "SELECT bottles FROM stock"); got != "9" {
					t.Errorf("there are %s bottles", got)
				}
			})
		}
	})
	if n := prepared.Load(); n != 1 {
		t.Errorf("it was prepared %d times", n)
	}
}

// A template whose maker is still connected could not be copied.
func TestTemplateWithAConnectionLeftOpen(t *testing.T) {
	t.Parallel()
	var db *sql.DB
	url := NewFrom(t, newKey("left open"), func(url string) (err error) {
		if db, err = sql.Open("postgres", url); err != nil {
			return err
		}
		_, err = db.ExecContext(t.Context(), "CREATE TABLE kept ()")
		return err
	})
	defer db.Close()
	if got := query(t, url, "SELECT count(*) FROM kept"); got != "0" {
		t.Errorf("it holds %s rows", got)
	}
}

// tester is a test that may fail.
type tester struct {
	testing.TB
	said string
}

func (f *tester) Helper() {}

func (f *tester) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// failing runs a test that must fail, and returns why.
func failing(t *testing.T, test func(testing.TB)) string {
	t.Helper()
	f := &tester{TB: t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		test(f)
	}()
	<-ended
	if f.said == "" {
		t.Error("it did not fail")
	}
	return f.said
}

func TestPrepareFails(t *testing.T) {
	t.Parallel()
	calls, key := 0, newKey("fails")
	use := func(t testing.TB) {
		NewFrom(t, key, func(string) error {
			calls++
			return errors.New("no such migration")
		})
	}
	for range 2 {
		if said := failing(t, use); !strings.Contains(said, "no such migration") || !strings.Contains(said, key) {
			t.Errorf("it said %q", said)
		}
	}
	if calls != 1 {
		t.Errorf("it was tried %d times", calls)
	}
}

func TestPrepareEndsItsTest(t *testing.T) {
	t.Parallel()
	key := newKey("ends")
	failing(t, func(t testing.TB) {
		NewFrom(t, key, func(string) error {
			t.Fatalf("asserted")
			return nil
		})
	})
	said := failing(t, func(t testing.TB) { NewFrom(t, key, func(string) error { return nil }) })
	if !strings.Contains(said, "prepare did not return") {
		t.Errorf("it said %q", said)
	}
}

func TestMainStopsAndRemoves(t *testing.T) {
	t.Parallel()
	c := startChild(t, "ordinary")
	if !exists(c.said) {
		t.Fatalf("there is no %q", c.said)
	}
	noError(t, c.stdin.Close())
	var exit *exec.ExitError
	if err := c.cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 5 {
		t.Errorf("it ended with %v, not with the code of its tests", err)
	}
	if exists(c.said) {
		t.Errorf("%s is still there", c.said)
	}
}

func TestMainIsNeeded(t *testing.T) {
	t.Parallel()
	c := startChild(t, "careless")
	if !strings.Contains(c.said, "pgtest.Main") {
		t.Errorf("it said %q", c.said)
	}
}

func TestKilledTestBinary(t *testing.T) {
	t.Parallel()
	c := startChild(t, "ordinary")
	dir := c.said
	noError(t, c.cmd.Process.Kill())
	if err := c.cmd.Wait(); err == nil {
		t.Fatal("it was not killed")
	}
	if runtime.GOOS == "linux" {
		eventually(t, "Postgres is gone", func() bool { return !exists(filepath.Join(dir, "postgres", "postmaster.pid")) })
	}

	sweep(t.Context())
	if !exists(dir) {
		t.Fatal("it was swept before its time")
	}
	long := time.Now().Add(-2 * sweepAge)
	noError(t, os.Chtimes(dir, long, long))
	inUse, err := shared.cluster()
	noError(t, err)
	noError(t, os.Chtimes(inUse.dir, long, long))
	sweep(t.Context())
	if exists(dir) {
		t.Error("it was not swept")
	}
	if got := query(t, New(t), "SELECT 'mine'"); got != "mine" {
		t.Errorf("this binary's own Postgres answers %q", got)
	}
}

// ask runs one statement on a connection of its own and returns the first
// column of the first row, if there is one.
func ask(url, statement string) (string, error) {
	db, err := sql.Open("postgres", url)
	if err != nil {
		return "", err
	}
	defer db.Close()
	rows, err := db.Query(statement)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var answer string
	if rows.Next() {
		if err := rows.Scan(&answer); err != nil {
			return "", err
		}
	}
	return answer, rows.Err()
}

func query(t *testing.T, url, statement string) string {
	t.Helper()
	answer, err := ask(url, statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return answer
}

// eventually looks again and again, where nothing signals, until it is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	for !so() {
		select {
		case <-deadline.C:
			t.Fatal("still not so:", what)
		case <-tick.C:
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
