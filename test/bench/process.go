package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a child that runs until it is stopped.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed once it has ended
	err  error         // how; to be read after done
}

// spawn starts a child that dies with us, on Linux even where we are killed.
func spawn(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = dieWithParent()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	p := &process{cmd: cmd, done: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// stop asks the child to end, makes it where it doesn't, and waits for it.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// target is what is asked: the server or the limit.
type target struct {
	*process
	addr string
}

// query asks the server for something that needs no token, and reads the answer
// into a.
func (t *target) query(ctx context.Context, body []byte, a any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.addr+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return json.NewDecoder(resp.Body).Decode(a)
}

// startLimit runs the limit on the database.
func startLimit(ctx context.Context, url string) (*target, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, roleLimit, "--database-url", url)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // which closes when we end
		return nil, fmt.Errorf("starting the limit: %w", err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting the limit: %w", err)
	}
	defer func() { _ = out.Close() }()
	cmd.Stdout = in
	p, err := spawn(cmd)
	err = errors.Join(err, in.Close())
	if err != nil {
		return nil, err
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("starting the limit: %w", errors.Join(err, p.err))
	}
	return &target{process: p, addr: strings.TrimSpace(addr)}, nil
}

// redline is the binary that is measured.
type redline struct {
	binary string
	args   []string // more for serve
	dir    string   // its data directory, for its key
	url    string   // the database
	log    string   // where it logs
	// canProfile: serve has --pprof-addr.
	canProfile bool
}

// newRedline sees that the binary runs.
func newRedline(ctx context.Context, o options, dir, url string) (*redline, error) {
	binary, err := filepath.Abs(o.redline)
	if err != nil {
		return nil, fmt.Errorf("finding the server: %w", err)
	}
	help, err := exec.CommandContext(ctx, binary, "serve", "--help").Output()
	if err != nil {
		return nil, fmt.Errorf("running %s: %w", binary, err)
	}
	return &redline{
		binary: binary, args: o.serve, dir: filepath.Join(dir, "redline"), url: url, log: filepath.Join(dir, "redline.log"),
		canProfile: bytes.Contains(help, []byte("--pprof-addr")),
	}, nil
}

// token makes one as `redline token` does.
func (r *redline) token(ctx context.Context, role, subject string, more ...string) (string, error) {
	args := append([]string{"token", "--data-dir", r.dir, "--role", role, "--subject", subject, "--ttl", "24h"}, more...)
	out, err := exec.CommandContext(ctx, r.binary, args...).Output()
	if err != nil {
		return "", fmt.Errorf("making a token: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// start runs the server with its defaults, and returns once it is ready.
func (r *redline) start(ctx context.Context, more ...string) (*target, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
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
	p, err := spawn(cmd)
	err = errors.Join(err, log.Close())
	if err != nil {
		return nil, err
	}
	if err := awaitReady(ctx, p, addr); err != nil {
		p.stop()
		return nil, fmt.Errorf("starting the server: %w: %s", err, r.lastLog())
	}
	return &target{process: p, addr: addr}, nil
}

// lastLog is the end of the server's log.
func (r *redline) lastLog() string {
	b, err := os.ReadFile(r.log)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}

// freeAddr is an address of this machine that nobody listens on.
func freeAddr(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// startTimeout is how long the server may take to be ready, with migrating and
// loading the demo.
const startTimeout = 2 * time.Minute

func awaitReady(ctx context.Context, p *process, addr string) error {
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
		case <-p.done:
			return fmt.Errorf("it ended: %w", errors.Join(errors.New("before it was ready"), p.err))
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// runLoad runs a load generator on a job. measuring is called when it begins
// to measure, and measured when it has.
func runLoad(ctx context.Context, j job, measuring, measured func()) (report, error) {
	var last report
	err := tellLoad(ctx, j, j.Warmup+j.Measure, func(r report) {
		if r.Measuring {
			measuring()
		} else {
			last = r
			measured()
		}
	})
	return last, err
}

// tellLoad runs a load generator on a job that takes so long, and hands on what
// it tells.
func tellLoad(ctx context.Context, j job, takes time.Duration, told func(report)) error {
	ctx, cancel := context.WithTimeout(ctx, takes+3*patience)
	defer cancel()
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, roleLoad)
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(text), &said
	out, in, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("starting a load generator: %w", err)
	}
	defer func() { _ = out.Close() }()
	cmd.Stdout = in
	p, err := spawn(cmd)
	err = errors.Join(err, in.Close())
	if err != nil {
		return err
	}
	defer p.stop()
	for d := json.NewDecoder(out); err == nil; {
		var r report
		if err = d.Decode(&r); err == nil {
			told(r)
		}
	}
	if errors.Is(err, io.EOF) { // all was told
		err = nil
	}
	_, rest := io.Copy(io.Discard, out)
	<-p.done
	if err = errors.Join(p.err, err, rest); err != nil {
		return fmt.Errorf("the load generator: %w: %s", err, said.String())
	}
	return nil
}
