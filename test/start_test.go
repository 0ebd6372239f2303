package test_test

import (
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// awaiting begins a gateway at a fixed address on a Postgres that doesn't answer yet,
// and returns once it says that it waits.
func awaiting(t *testing.T, args ...string) (s *server, addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	dir := emptyDir(t)
	if s, err = begun(environ(), dir, append([]string{"serve", "--dev", "--addr", addr, "--data-dir", dir}, args...)...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	if _, err := s.awaitLog("waiting for the database", startPatience); err != nil {
		t.Fatal(err)
	}
	return s, addr
}

const nobodyThere = "postgres://nobody@127.0.0.1:1/none?sslmode=disable"

// A gateway that is started before its database waits for it, says so, and listens
// only once it is ready.
func TestStartedBeforeItsDatabase(t *testing.T) {
	t.Parallel()
	on := startCluster(t)
	url := on.pg.URL()
	on.crash(t)
	s, addr := awaiting(t, "--database-url", url)
	if conn, err := net.Dial("tcp", addr); err == nil {
		_ = conn.Close()
		t.Error("somebody is let in before the gateway is ready")
	}
	on.start(t)
	if on.pg.URL() != url {
		t.Fatalf("the database moved from %s to %s", url, on.pg.URL())
	}
	if _, err := s.awaitLog("listening", startPatience); err != nil {
		t.Fatal(err)
	}
	s.addr = addr
	if err := s.probe(t.Context()); err != nil {
		t.Error(err)
	}
	if n := strings.Count(s.log.String(), "waiting for the database"); n != 1 {
		t.Errorf("it said %d times that it waits", n)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

// One whose database doesn't come ends with an error that says so; one that is told to
// stop while it waits stops.
func TestDatabaseThatDoesntCome(t *testing.T) {
	t.Parallel()
	began := time.Now()
	r := run(t, []string{"REDLINE_START_TIMEOUT=1s"}, "serve", "--dev", "--addr", "127.0.0.1:0", "--database-url", nobodyThere, "--data-dir", emptyDir(t))
	if r.code != 1 || !strings.Contains(r.err, "within 1s (--start-timeout)") || time.Since(began) < time.Second {
		t.Errorf("after %s it ended with %d: %s", time.Since(began), r.code, r.err)
	}
	// A password that isn't, say, doesn't become right by waiting.
	r = run(t, nil, "serve", "--dev", "--addr", "127.0.0.1:0", "--database-url", strings.Replace(demo(t).databaseURL(), "/redline?", "/nonesuch?", 1), "--data-dir", emptyDir(t))
	if r.code != 1 || !strings.Contains(r.err, "nonesuch") || strings.Contains(r.err, "waiting") {
		t.Errorf("without its database it ended with %d: %s", r.code, r.err)
	}
	s, _ := awaiting(t, "--database-url", nobodyThere)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.ended(patience); err != nil {
		t.Error(err)
	}
}

// Whoever can't wait for a gateway to stop signals once more.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, second := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		on := startCluster(t)
		s, err := launch(on.dir, "serve", "--dev", "--database-url", on.pg.URL(), "--drain-delay", "1h", "--drain-budget", "2h")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.kill)
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if _, err := s.awaitLog("stopping", patience); err != nil {
			t.Fatal(err)
		}
		// It is not ready first, and takes requests on, until the delay is over.
		if err := s.probe(t.Context()); err == nil {
			t.Error("a gateway that stops says that it is ready")
		}
		s.as("").ask(t, `{ __typename }`, nil)
		began := time.Now()
		if err := s.cmd.Process.Signal(second); err != nil {
			t.Fatal(err)
		}
		select {
		case <-s.done:
		case <-time.After(patience):
			t.Fatalf("%s later it runs on", patience)
		}
		if took := time.Since(began); took > 5*time.Second || s.err == nil {
			t.Errorf("after a second %s it ended within %s with %v", second, took, s.err)
		}
	}
}
