package measure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Redline is the real server's binary, on a database.
type Redline struct {
	// CanProfile: serve has --pprof-addr.
	CanProfile bool

	binary string
	args   []string // more for serve
	dir    string   // its data directory, for its key
	url    string   // the database
	log    string   // where it logs
}

// NewRedline sees that the binary runs. Its key and its log are kept in dir;
// args are given to each serve.
func NewRedline(ctx context.Context, binary string, args []string, dir, url string) (*Redline, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, fmt.Errorf("finding the server: %w", err)
	}
	help, err := exec.CommandContext(ctx, binary, "serve", "--help").Output()
	if err != nil {
		return nil, fmt.Errorf("running %s: %w", binary, err)
	}
	return &Redline{
		binary: binary, args: args, dir: filepath.Join(dir, "redline"), url: url, log: filepath.Join(dir, "redline.log"),
		CanProfile: bytes.Contains(help, []byte("--pprof-addr")),
	}, nil
}

// Token makes one as `redline token` does.
func (r *Redline) Token(ctx context.Context, role, subject string, more ...string) (string, error) {
	args := append([]string{"token", "--data-dir", r.dir, "--role", role, "--subject", subject, "--ttl", "24h"}, more...)
	out, err := exec.CommandContext(ctx, r.binary, args...).Output()
	if err != nil {
		return "", fmt.Errorf("making a token: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Start runs the server with its defaults on a free port, and returns once it is
// ready.
func (r *Redline) Start(ctx context.Context, more ...string) (*Target, error) {
	addr, err := FreeAddr(ctx)
	if err != nil {
		return nil, err
	}
	return r.StartAt(ctx, addr, more...)
}

// StartAt runs the server at an address, and returns once it is ready.
func (r *Redline) StartAt(ctx context.Context, addr string, more ...string) (*Target, error) {
	args := append([]string{"serve", "--dev", "--addr", addr, "--data-dir", r.dir, "--database-url", r.url}, r.args...)
	cmd := exec.CommandContext(ctx, r.binary, append(args, more...)...)
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "REDLINE_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	// To a file, as under a supervisor, and not to a pipe that somebody has to
	// read.
	log, err := os.OpenFile(r.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the server's log: %w", err)
	}
	cmd.Stderr = log
	p, err := Spawn(cmd)
	err = errors.Join(err, log.Close())
	if err != nil {
		return nil, err
	}
	if err := awaitReady(ctx, p, addr); err != nil {
		p.Stop()
		return nil, fmt.Errorf("starting the server: %w: %s", err, r.LastLog())
	}
	return &Target{Process: p, Addr: addr}, nil
}

// Log is all that the server logged, in all its lives.
func (r *Redline) Log() ([]byte, error) {
	b, err := os.ReadFile(r.log)
	if err != nil {
		return nil, fmt.Errorf("reading the server's log: %w", err)
	}
	return b, nil
}

// LastLog is the end of the server's log.
func (r *Redline) LastLog() string {
	b, err := os.ReadFile(r.log)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}

// FreeAddr is an address of this machine that nobody listens on.
func FreeAddr(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// startTimeout is how long the server may take to be ready, with migrating and
// loading the demo.
const startTimeout = 2 * time.Minute

func awaitReady(ctx context.Context, p *Process, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.Done:
			return fmt.Errorf("it ended: %w", errors.Join(errors.New("before it was ready"), p.Err))
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Build builds the real command, for tests.
func Build(ctx context.Context, path string) error {
	if said, err := exec.CommandContext(ctx, "go", "build", "-pgo=off", "-o", path, "redline/cmd/redline").CombinedOutput(); err != nil {
		return fmt.Errorf("building the command: %w: %s", err, said)
	}
	return nil
}
