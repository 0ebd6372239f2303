//go:build linux || darwin

package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lock takes the lock file at path for this process, for as long as the
// returned file is open. It returns ErrInUse, wrapped, while another process
// has it. The kernel lets go of it when the process ends, however it ends.
func lock(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, fmt.Errorf("opening the lock file: %w", err)
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			holder, _ := io.ReadAll(io.LimitReader(f, 20))
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, inUse(path, string(holder))
			}
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		// Whoever had it before may have removed the file between the two
		// steps above; then this lock protects nothing.
		ours, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		if there, err := os.Lstat(path); err != nil || !os.SameFile(ours, there) {
			f.Close()
			continue
		}
		// Only a help for whoever reads the refusal.
		if err := f.Truncate(0); err == nil {
			_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
		}
		return f, nil
	}
}

// inUse says who has the lock, as far as that is known.
func inUse(path, holder string) error {
	if pid, err := strconv.Atoi(strings.TrimSpace(holder)); err == nil {
		return fmt.Errorf("%w: process %d has locked %s", ErrInUse, pid, path)
	}
	return fmt.Errorf("%w: another process has locked %s", ErrInUse, path)
}

// lockGrace is how long Start and Remove wait for a lock. A program that was
// just killed, or a child of it that has yet to become another program, may
// keep it for another moment.
const lockGrace = 2 * time.Second

// lockSoon is lock with that grace.
func lockSoon(ctx context.Context, path string) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, lockGrace)
	defer cancel()
	return lockWait(ctx, path)
}

// lockWait is lock, but waits for its turn until the context ends. The error
// is what lock says then.
func lockWait(ctx context.Context, path string) (*os.File, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		f, err := lock(path)
		if !errors.Is(err, ErrInUse) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-tick.C:
		}
	}
}
