//go:build linux || darwin

package embeddedpg_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq"
	"go.uber.org/goleak"

	"redline/embeddedpg"
)

// childEnv names the data directory of a test binary that is not to test but
// to be the program whose private Postgres it is.
const childEnv = "EMBEDDEDPG_TEST_CHILD"

// patience bounds every wait of these tests.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := beChild(dir); err != nil {
			fmt.Println("error:", strings.ReplaceAll(err.Error(), "\n", " "))
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// beChild runs a private Postgres, prints its URL, and stops it when its input
// ends. An interrupt makes it first print what Postgres still answers.
func beChild(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	s, err := embeddedpg.Start(ctx, embeddedpg.Options{DataDir: dir, Fast: true})
	if err != nil {
		return err
	}
	fmt.Println(s.URL())
	inputEnds := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(inputEnds)
	}()
	select {
	case <-inputEnds:
	case <-interrupts:
		answer, err := ask(ctx, s.URL(), "SELECT 'still here'")
		if err != nil {
			return err
		}
		fmt.Println(answer)
	}
	return s.Stop(ctx)
}

// child is a process of the test binary that runs beChild.
type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
}

// startChild runs beChild in a process of its own, and process group. change
// may alter the command first.
func startChild(t *testing.T, dir string, change func(*exec.Cmd)) *child {
	t.Helper()
	self, err := os.Executable()
	noError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Dir = "/"
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if change != nil {
		change(cmd)
	}
	stdin, err := cmd.StdinPipe()
	noError(t, err)
	stdout, err := cmd.StdoutPipe()
	noError(t, err)
	noError(t, cmd.Start())
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	return &child{cmd: cmd, stdin: stdin, out: bufio.NewReader(stdout)}
}

// line returns the next line that the child prints.
func (c *child) line(t *testing.T) string {
	t.Helper()
	s, err := c.out.ReadString('\n')
	noError(t, err)
	return strings.TrimSpace(s)
}

// dataDir returns a new directory that every user can pass through.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "embeddedpg-test-")
	noError(t, err)
	noError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { noError(t, os.RemoveAll(dir)) })
	return dir
}

// start starts a Postgres that is stopped when the test ends.
func start(t *testing.T, o embeddedpg.Options) *embeddedpg.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := embeddedpg.Start(ctx, o)
	noError(t, err)
	t.Cleanup(func() { stop(t, s) })
	return s
}

// startError starts a Postgres that must not start, and returns why it didn't.
func startError(t *testing.T, o embeddedpg.Options) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := embeddedpg.Start(ctx, o)
	if err == nil {
		stop(t, s)
		t.Fatal("it started")
	}
	return err
}

func stop(t *testing.T, s *embeddedpg.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	noError(t, s.Stop(ctx))
}

// ask runs one statement on a connection of its own and returns the first
// column of the first row, if there is one.
func ask(ctx context.Context, url, statement string) (string, error) {
	db, err := sql.Open("postgres", url)
	if err != nil {
		return "", err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, statement)
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

// query is ask for a test.
func query(t *testing.T, url, statement string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := ask(ctx, url, statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return answer
}

// socketDir returns where the server of a URL listens; empty for TCP.
func socketDir(t *testing.T, of string) string {
	t.Helper()
	u, err := url.Parse(of)
	noError(t, err)
	return u.Query().Get("host")
}

func cluster(dir string) string { return filepath.Join(dir, "postgres") }

func pidFile(dir string) string { return filepath.Join(cluster(dir), "postmaster.pid") }

// postmaster returns the process id of the directory's Postgres.
func postmaster(t *testing.T, dir string) int {
	t.Helper()
	b, err := os.ReadFile(pidFile(dir))
	noError(t, err)
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(first)
	noError(t, err)
	return pid
}

// owner returns who owns a file.
func owner(t *testing.T, path string) (uid, gid int) {
	t.Helper()
	fi, err := os.Stat(path)
	noError(t, err)
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("the system does not tell who owns a file")
	}
	return int(st.Uid), int(st.Gid)
}

// eventually looks again and again, where nothing signals, until it is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for !so() {
		select {
		case <-deadline.C:
			t.Fatalf("after %s still not so: %s", patience, what)
		case <-tick.C:
		}
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// mentions checks that an error says all of these things.
func mentions(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not mention %q: %v", part, err)
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// mode returns the permissions of a file.
func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	fi, err := os.Stat(path)
	noError(t, err)
	return fi.Mode().Perm()
}
