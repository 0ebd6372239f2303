// Package redistest runs real Redis servers for tests.
package redistest

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Redis is a server on a socket of its own.
type Redis struct {
	// URL is where it is.
	URL string

	dir string
	cmd *exec.Cmd
}

// Start starts a server, which ends with the test. Without redis-server the test is
// skipped, and with CI=true it fails.
func Start(t testing.TB) *Redis {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no redis-server; .ci/redis installs it")
		}
		t.Skip("there is no redis-server; `make redis` installs it, or says what to install")
	}
	// A socket's path has 100 bytes at most.
	dir, err := os.MkdirTemp("", "redis")
	if err != nil {
		t.Fatal(err)
	}
	r := &Redis{dir: dir, URL: "unix://" + filepath.Join(dir, "socket")}
	r.Start(t)
	t.Cleanup(func() {
		r.Stop(t)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return r
}

// Start starts it again, once it was stopped, and waits until it listens.
func (r *Redis) Start(t testing.TB) {
	t.Helper()
	socket := filepath.Join(r.dir, "socket")
	r.cmd = exec.CommandContext(t.Context(), "redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", r.dir)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := (&net.Dialer{}).DialContext(t.Context(), "unix", socket); err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("redis-server doesn't listen")
		}
		<-tick.C
	}
}

// Stop kills it, unless that was done.
func (r *Redis) Stop(t testing.TB) {
	t.Helper()
	if err := r.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	_ = r.cmd.Wait() // it was killed
}

// CLI has redis-cli send a command, and returns what it prints.
func (r *Redis) CLI(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "redis-cli", append([]string{"-s", filepath.Join(r.dir, "socket")}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
