package test_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// server is one running `redline serve`.
type server struct {
	cmd     *exec.Cmd
	dataDir string
	addr    string
	out     *book
	log     *book
	done    chan struct{} // closed once it has ended
	err     error         // how; to be read after done
}

// environ is ours without Redline's own settings, and JSON logs.
func environ(extra ...string) []string {
	env := []string{"REDLINE_LOG_FORMAT=json"}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "REDLINE_") {
			env = append(env, e)
		}
	}
	return append(env, extra...)
}

// launch starts the command on a free port and returns once it listens.
func launch(dataDir string, args ...string) (*server, error) {
	return launchWith(environ(), dataDir, append(args, "--addr", "127.0.0.1:0", "--data-dir", dataDir)...)
}

func launchWith(env []string, dataDir string, args ...string) (*server, error) {
	s, err := begun(env, dataDir, args...)
	if err != nil {
		return nil, err
	}
	line, err := s.awaitLog("listening", startPatience)
	if err != nil {
		_ = s.cmd.Process.Kill()
		<-s.done
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	s.addr, _ = line["addr"].(string)
	return s, nil
}

// begun starts the command, and waits for nothing.
func begun(env []string, dataDir string, args ...string) (*server, error) {
	s := &server{dataDir: dataDir, out: newBook(), log: newBook(), done: make(chan struct{})}
	s.cmd = exec.Command(world.binary, args...)
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = env, s.out, s.log
	// Should what it started outlive it, its pipes aren't waited for.
	s.cmd.WaitDelay = 5 * time.Second
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	go func() {
		defer close(s.done)
		s.err = s.cmd.Wait()
	}()
	return s, nil
}

// start starts a server for one test and stops it at its end, with an eye on
// how it ends and what it logged.
func start(t *testing.T, dataDir string, args ...string) *server {
	t.Helper()
	s, err := launch(dataDir, append([]string{"serve"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.stop(), s.faults()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// startDoomed starts a server that the test ends otherwise than by stopping it.
func startDoomed(t *testing.T, dataDir string) *server {
	t.Helper()
	s, err := launch(dataDir, "serve")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	return s
}

// awaitLog waits for a line of the JSON log with this message.
func (s *server) awaitLog(msg string, within time.Duration) (map[string]any, error) {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	for seen := 0; ; {
		lines, changed := s.log.lines()
		for ; seen < len(lines); seen++ {
			var line map[string]any
			if json.Unmarshal([]byte(lines[seen]), &line) == nil && line["msg"] == msg {
				return line, nil
			}
		}
		select {
		case <-changed:
		case <-s.done:
			if lines, _ := s.log.lines(); seen < len(lines) {
				continue
			}
			return nil, fmt.Errorf("it ended (%w) before it logged %q:\n%s", errOrExit(s.err), msg, s.log)
		case <-deadline.C:
			return nil, fmt.Errorf("it didn't log %q within %s:\n%s", msg, within, s.log)
		}
	}
}

func errOrExit(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// stop asks it to stop and waits; it must exit with 0. A server that has ended
// already is not asked.
func (s *server) stop() error {
	select {
	case <-s.done:
		return nil
	default:
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping the server: %w", err)
	}
	return s.ended(patience)
}

// ended waits for its end, which must be with 0.
func (s *server) ended(within time.Duration) error {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	select {
	case <-s.done:
	case <-deadline.C:
		s.kill()
		return fmt.Errorf("the server didn't end within %s:\n%s", within, s.log)
	}
	if s.err != nil {
		return fmt.Errorf("the server ended with %w:\n%s", s.err, s.log)
	}
	return nil
}

// kill ends it as a crash would.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.done
}

// faults says what must not be in any server's log.
func (s *server) faults() error {
	var all []error
	lines, _ := s.log.lines()
	for _, l := range lines {
		if faulty.MatchString(l) {
			all = append(all, fmt.Errorf("the server logged: %s", l))
		}
	}
	if len(all) > 5 {
		all = append(all[:5], fmt.Errorf("and %d more such lines", len(all)-5))
	}
	if strings.Contains(s.log.String(), "WARNING: DATA RACE") {
		all = append(all, fmt.Errorf("the race detector said:\n%s", s.log))
	}
	return errors.Join(all...)
}

var faulty = regexp.MustCompile(`internal error|panic|fatal error|"level":"ERROR"`)

// postgresPID is the process of a data directory's private Postgres.
func (s *server) postgresPID(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dataDir, "postgres", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// result is how a command ended.
type result struct {
	out, err string
	code     int
}

// run runs the command to its end, with Redline's variables set beside ours.
func run(t *testing.T, env []string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, world.binary, args...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = environ(env...), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// book keeps what a process writes, and tells of more.
type book struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newBook() *book { return &book{changed: make(chan struct{})} }

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Write(p)
	close(b.changed)
	b.changed = make(chan struct{})
	return len(p), nil
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// lines returns the whole lines so far, and what is closed when there is more.
func (b *book) lines() ([]string, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	whole := b.text.String()
	lines := strings.Split(whole, "\n")
	return lines[:len(lines)-1], b.changed // behind the last newline no line is whole
}
