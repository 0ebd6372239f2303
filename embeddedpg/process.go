//go:build linux || darwin

package embeddedpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// process is a child process and the goroutine that waits for it.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed once it has ended and been waited for
	err  error         // how it ended; to be read after done
}

// spawn starts cmd and returns once it runs.
func spawn(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The signal that a child gets at its parent's death comes, on Linux,
		// when the thread that started it ends. So that thread belongs to
		// this goroutine for as long as the child lives.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// signal sends s unless the process has ended.
func (p *process) signal(s os.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signalling postgres (process %d): %w", p.cmd.Process.Pid, err)
	}
	return nil
}

// waitFor waits until the process has ended, for d at most.
func (p *process) waitFor(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// tool runs one of Postgres' programs to its end, as that account, with stdin
// as its input, and returns what it wrote. The error tells what it said. When
// ctx ends, so does the program with its children.
func tool(ctx context.Context, as account, stdin, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = environ()
	cmd.SysProcAttr = sysProcAttr(as, syscall.SIGKILL)
	cmd.WaitDelay = 2 * time.Second
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if stdin != "" {
		cmd.Stdin = strings.NewReader(stdin)
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	p, err := spawn(cmd)
	if err != nil {
		return "", err
	}
	<-p.done
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if p.err != nil {
		return "", fmt.Errorf("%w%s", p.err, quoteLines(lastLines(errs.String(), tailLines)))
	}
	return out.String(), nil
}

// environ is the environment of Postgres' programs: what finding libraries
// needs, and nothing else of ours. PG* variables would change what they do,
// NOTIFY_SOCKET would let Postgres speak for us to systemd, and secrets are
// none of its business.
func environ() []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
