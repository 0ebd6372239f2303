//go:build linux || darwin

package embeddedpg_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"redline/embeddedpg"
)

// The one test that runs with durability on, as a program does; the others
// save the time.
func TestRestartKeepsData(t *testing.T) {
	t.Parallel()
	// Not there yet, and with what a path may contain.
	dir := filepath.Join(dataDir(t), `it's "my" dätä & 100%?`)

	s := start(t, embeddedpg.Options{DataDir: dir})
	for setting, want := range map[string]string{
		"fsync":                   "on",
		"synchronous_commit":      "on",
		"full_page_writes":        "on",
		"listen_addresses":        "",
		"server_encoding":         "UTF8",
		"data_checksums":          "on",
		"jit":                     "off",
		"max_connections":         "100",
		"shared_buffers":          "128MB",
		"TimeZone":                "UTC",
		"data_directory_mode":     "0700",
		"unix_socket_permissions": "0700",
	} {
		equal(t, setting, query(t, s.SuperuserURL(), "SHOW "+setting), want)
	}
	equal(t, "the superuser is one", query(t, s.SuperuserURL(), "SHOW is_superuser"), "on")
	equal(t, "the program's role is one", query(t, s.URL(), "SHOW is_superuser"), "off")
	equal(t, "the socket's directory", socketDir(t, s.URL()), filepath.Join(dir, "postgres.socket"))
	equal(t, "its mode", mode(t, socketDir(t, s.URL())), 0o700)
	equal(t, "the cluster's mode", mode(t, cluster(dir)), 0o700)
	query(t, s.URL(), "CREATE TABLE kept AS SELECT 'ünchanged' AS x")
	stop(t, s)

	<-s.Done()
	noError(t, s.Err())
	if exists(pidFile(dir)) || exists(socketDir(t, s.URL())) {
		t.Error("Postgres did not clear up")
	}
	stop(t, s) // does nothing

	if os.Geteuid() == 0 {
		// As after a backup that root has copied back.
		noError(t, filepath.WalkDir(cluster(dir), func(path string, _ os.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, 0, 0))
		}))
	}
	s = start(t, embeddedpg.Options{DataDir: dir})
	equal(t, "the data", query(t, s.URL(), "SELECT x FROM kept"), "ünchanged")
}

func TestSecondServerIsRefused(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	first := start(t, embeddedpg.Options{DataDir: dir, Fast: true})

	err := startError(t, embeddedpg.Options{DataDir: dir, Fast: true})
	if !errors.Is(err, embeddedpg.ErrInUse) {
		t.Errorf("it is no ErrInUse: %v", err)
	}
	mentions(t, err, "process "+itoa(os.Getpid()), dir)

	if err := embeddedpg.Remove(t.Context(), dir); !errors.Is(err, embeddedpg.ErrInUse) {
		t.Errorf("removing it is no ErrInUse: %v", err)
	}
	equal(t, "the first one's answer", query(t, first.URL(), "SELECT 'mine'"), "mine")

	stop(t, first)
	noError(t, embeddedpg.Remove(t.Context(), dir))
	if exists(dir) {
		t.Error("Remove left it there")
	}
	noError(t, embeddedpg.Remove(t.Context(), dir)) // there is nothing to do
}

func TestRemoveRefusesWhatStartNeverHad(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	precious := filepath.Join(dir, "precious")
	noError(t, os.WriteFile(precious, nil, 0o600))
	err := embeddedpg.Remove(t.Context(), dir)
	if err == nil {
		t.Fatal("it was removed")
	}
	mentions(t, err, dir)
	if !exists(precious) {
		t.Error("and so was what is in it")
	}
}

func TestPostgresDies(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, embeddedpg.Options{DataDir: dir})
	query(t, s.URL(), "CREATE TABLE kept AS SELECT 'here' AS x")

	noError(t, syscall.Kill(postmaster(t, dir), syscall.SIGKILL))
	select {
	case <-s.Done():
	case <-time.After(patience):
		t.Fatal("Done is not closed")
	}
	mentions(t, s.Err(), "ended by itself", "killed")
	stop(t, s) // does nothing

	// At once, while the dead server's children may still be ending.
	s = start(t, embeddedpg.Options{DataDir: dir})
	equal(t, "the data", query(t, s.URL(), "SELECT x FROM kept"), "here")
}

// A backend that does not listen holds up a fast shutdown for ever.
func TestStopFallsToImmediate(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, embeddedpg.Options{DataDir: dir, Fast: true})
	db, err := sql.Open("postgres", s.URL())
	noError(t, err)
	defer db.Close()
	var backend int
	noError(t, db.QueryRowContext(t.Context(), "SELECT pg_backend_pid()").Scan(&backend))
	noError(t, syscall.Kill(backend, syscall.SIGSTOP))

	const budget = 12 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), budget)
	defer cancel()
	noError(t, s.Stop(ctx))
	if ctx.Err() != nil {
		t.Errorf("it took longer than %s", budget)
	}
	noError(t, s.Err())
	if exists(socketDir(t, s.URL())) {
		t.Error("Postgres did not clear up")
	}
}

func TestStartErrorsQuotePostgres(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	err := startError(t, embeddedpg.Options{DataDir: dir, Fast: true, Settings: map[string]string{"shared_buffers": "plenty"}})
	mentions(t, err, `invalid value for parameter "shared_buffers": "plenty"`)

	// And the directory is free again.
	s := start(t, embeddedpg.Options{DataDir: dir, Fast: true, Settings: map[string]string{"max_connections": "17", "redline.note": "a b"}})
	equal(t, "max_connections", query(t, s.URL(), "SHOW max_connections"), "17")
	equal(t, "redline.note", query(t, s.URL(), "SHOW redline.note"), "a b")
	equal(t, "fsync", query(t, s.URL(), "SHOW fsync"), "off")
}

func TestSettingsThatAreNotToBeHad(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	start(t, embeddedpg.Options{DataDir: filepath.Join(dir, "a"), Fast: true})
	for _, name := range []string{"listen_addresses", "Listen_Addresses", "listen-addresses", "port", "hba_file", "unix_socket_directories", "data_directory", "fsync=on -c port", ""} {
		o := embeddedpg.Options{DataDir: filepath.Join(dir, "b"), Fast: true, Settings: map[string]string{name: "0.0.0.0"}}
		mentions(t, startError(t, o), name)
	}
}

// begun cancels a context when a message is logged.
type begun struct {
	slog.Handler
	message string
	cancel  func()
}

func (b begun) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, b.message) {
		b.cancel()
	}
	return nil
}

func (b begun) Enabled(context.Context, slog.Level) bool { return true }

func TestInterruptedInit(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	// What a kill -9 in the middle of it leaves.
	noError(t, os.MkdirAll(filepath.Join(dir, "postgres.init-1", "base"), 0o700))
	// And an interrupt.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log := slog.New(begun{slog.DiscardHandler, "making the cluster", cancel})
	if _, err := embeddedpg.Start(ctx, embeddedpg.Options{DataDir: dir, Fast: true, Log: log}); !errors.Is(err, context.Canceled) {
		t.Fatalf("the interrupted start returned %v", err)
	}
	if exists(cluster(dir)) {
		t.Error("there is half a cluster")
	}

	s := start(t, embeddedpg.Options{DataDir: dir, Fast: true})
	equal(t, "its answer", query(t, s.URL(), "SELECT 'whole'"), "whole")
	left, err := filepath.Glob(filepath.Join(dir, "*init*"))
	noError(t, err)
	equal(t, "leftovers", strings.Join(left, " "), "")
}

func TestNotACluster(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	notes := filepath.Join(cluster(dir), "notes.txt")
	noError(t, os.Mkdir(cluster(dir), 0o755))
	noError(t, os.WriteFile(notes, nil, 0o644))
	mentions(t, startError(t, embeddedpg.Options{DataDir: dir}), cluster(dir), "no Postgres cluster")
	if !exists(notes) {
		t.Error("it is gone")
	}
	noError(t, os.WriteFile(filepath.Join(cluster(dir), "PG_VERSION"), []byte("9\n"), 0o644))
	mentions(t, startError(t, embeddedpg.Options{DataDir: dir}), "the cluster was made by version 9", "install Postgres")
}

func TestBinDir(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	err := startError(t, embeddedpg.Options{DataDir: dataDir(t), BinDir: empty})
	mentions(t, err, empty, "no Postgres was found")
}

func TestNoDataDirectory(t *testing.T) {
	t.Parallel()
	mentions(t, startError(t, embeddedpg.Options{}), "no data directory")
}

// Neither the data directory nor anything else that is near has a path short
// enough for a socket.
func TestLongDataDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(dataDir(t), strings.Repeat("long", 20), strings.Repeat("very", 20))
	s := start(t, embeddedpg.Options{DataDir: dir, Fast: true})
	equal(t, "its answer", query(t, s.URL(), "SELECT 'found'"), "found")
	socket := socketDir(t, s.URL())
	equal(t, "the mode of its directory", mode(t, socket), 0o700)
	if strings.HasPrefix(socket, dir) {
		t.Errorf("the socket is in %s", socket)
	}
	stop(t, s)
	if exists(socket) {
		t.Error("the socket's directory is still there")
	}
}

func TestTCP(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, embeddedpg.Options{DataDir: dir, Fast: true, TCP: true})
	equal(t, "listen_addresses", query(t, s.URL(), "SHOW listen_addresses"), "127.0.0.1")
	equal(t, "unix_socket_directories", query(t, s.SuperuserURL(), "SHOW unix_socket_directories"), "")
	equal(t, "the superuser is one", query(t, s.SuperuserURL(), "SHOW is_superuser"), "on")

	u, err := url.Parse(s.URL())
	noError(t, err)
	password, _ := u.User.Password()
	if len(password) < 20 {
		t.Errorf("the password %q is easily guessed", password)
	}
	u.User = url.UserPassword(u.User.Username(), password+"x")
	if _, err := ask(t.Context(), u.String(), "SELECT 1"); err == nil {
		t.Error("a wrong password was let in")
	}
	stop(t, s)

	again := start(t, embeddedpg.Options{DataDir: dir, Fast: true, TCP: true})
	if strings.Contains(again.URL(), password) {
		t.Error("the password is the same after a restart")
	}
	equal(t, "its answer", query(t, again.URL(), "SELECT 'yes'"), "yes")
}
