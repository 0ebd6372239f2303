//go:build linux || darwin

package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// orphanPatience is how long an orphan may take for each way of shutting
	// down: with its sessions ended and the data written, and at once.
	orphanPatience = 15 * time.Second
	// pollEvery is how often a file or process of Postgres is looked at where
	// there is no signal to wait for.
	pollEvery = 10 * time.Millisecond
)

// pidFile is what Postgres writes about itself into its cluster.
type pidFile struct {
	pid    int
	status string // "ready" once it takes connections
}

func pidFilePath(cluster string) string { return filepath.Join(cluster, "postmaster.pid") }

// readPidFile returns fs.ErrNotExist, wrapped, if there is none, and pid 0 if
// it is not whole.
func readPidFile(cluster string) (pidFile, error) {
	b, err := os.ReadFile(pidFilePath(cluster))
	if err != nil {
		return pidFile{}, err
	}
	const statusLine = 7 // the eighth
	lines := strings.Split(string(b), "\n")
	var f pidFile
	if pid, err := strconv.Atoi(strings.TrimSpace(lines[0])); err == nil {
		f.pid = max(pid, -pid) // negative: single-user mode
	}
	if len(lines) > statusLine {
		f.status = strings.TrimSpace(lines[statusLine])
	}
	return f, nil
}

// stopOrphan clears the way for a new server. A Postgres that a killed program
// has left running in the cluster is shut down; a pid file that names some
// other process, to whom the number has passed, is removed, because Postgres
// would take that process for its predecessor. The caller has the lock, so
// that nobody else starts a server meanwhile.
//
// Postgres itself makes sure, by way of its shared memory, that no process of
// an earlier server is still at work in the cluster.
func stopOrphan(ctx context.Context, cluster string, log *slog.Logger) error {
	f, err := readPidFile(cluster)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for a Postgres left running: %w", err)
	}
	if f.pid == 0 {
		return removePidFile(cluster)
	}
	// The handle comes first: on Linux it goes on meaning this process even
	// if the process ends and its number passes on.
	p, err := os.FindProcess(f.pid)
	if err != nil {
		return fmt.Errorf("looking for a Postgres left running: %w", err)
	}
	defer func() { _ = p.Release() }()
	if !isPostgresOf(ctx, f.pid, cluster) {
		return removePidFile(cluster)
	}
	log.Warn("stopping the Postgres that an earlier run left behind", "pid", f.pid, "cluster", cluster)
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if err := p.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stopping the Postgres left running (process %d): %w", f.pid, err)
		}
		gone, err := waitGone(ctx, f.pid, cluster)
		if gone || err != nil {
			return err
		}
	}
	return fmt.Errorf("the Postgres left running (process %d) in %s does not stop", f.pid, cluster)
}

// waitGone waits until the process is no longer the cluster's Postgres. It is
// not our child, so there is no signal to wait for.
func waitGone(ctx context.Context, pid int, cluster string) (bool, error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	patience := time.NewTimer(orphanPatience)
	defer patience.Stop()
	for isPostgresOf(ctx, pid, cluster) {
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("waiting for the Postgres left running (process %d): %w", pid, ctx.Err())
		case <-patience.C:
			return false, nil
		case <-tick.C:
		}
	}
	return true, nil
}

func removePidFile(cluster string) error {
	if err := os.Remove(pidFilePath(cluster)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a stale pid file: %w", err)
	}
	return nil
}
