package measure

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	// StopTimeout is how long any process may take to stop.
	StopTimeout = 20 * time.Second
	// Patience is how long an answer may take.
	Patience = 30 * time.Second
)

// Process is a child that runs until it is stopped.
type Process struct {
	// Done is closed once it has ended, and Err, to be read after that, says how.
	Done chan struct{}
	Err  error
	cmd  *exec.Cmd
}

// Spawn starts a child that dies with us, on Linux even where we are killed.
func Spawn(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = dieWithParent()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = StopTimeout
	p := &Process{cmd: cmd, Done: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	go func() {
		defer close(p.Done)
		p.Err = cmd.Wait()
	}()
	return p, nil
}

// Stop asks the child to end, makes it where it doesn't, and waits for it.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	timer := time.NewTimer(StopTimeout)
	defer timer.Stop()
	select {
	case <-p.Done:
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.Done
	}
}

// Kill ends the child as a crash would, and waits for it.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.Done
}

// PID is the process' id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Target is a process that is asked over HTTP.
type Target struct {
	*Process
	Addr string
}

// StartRole runs this very program in another role: one that prints the address
// it listens on as its first line, and ends when its input does.
func StartRole(ctx context.Context, args ...string) (*Target, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // which closes when we end
		return nil, fmt.Errorf("starting the %s: %w", args[0], err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting the %s: %w", args[0], err)
	}
	defer func() { _ = out.Close() }()
	cmd.Stdout = in
	p, err := Spawn(cmd)
	err = errors.Join(err, in.Close())
	if err != nil {
		return nil, err
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.Stop()
		return nil, fmt.Errorf("starting the %s: %w", args[0], errors.Join(err, p.Err))
	}
	return &Target{Process: p, Addr: strings.TrimSpace(addr)}, nil
}

// Query asks the server for something that needs no token, and reads the answer
// into a.
func (t *Target) Query(ctx context.Context, body []byte, a any) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.Addr+"/graphql", bytes.NewReader(body))
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
