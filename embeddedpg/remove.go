//go:build linux || darwin

package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
)

// Remove deletes a data directory with all that is in it, and first stops the
// Postgres that a killed program may have left running there. It returns
// ErrInUse, wrapped, and changes nothing, while a program runs on it. A
// directory that does not exist is removed already; one without a lock file
// was never given to Start, and is refused.
func Remove(ctx context.Context, dataDir string) error {
	l, err := newLayout(dataDir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(l.root()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := os.Lstat(l.lock()); err != nil {
		return fmt.Errorf("removing %s, which seems to be no data directory: %w", l.root(), err)
	}
	held, err := lockSoon(ctx, l.lock())
	if err != nil {
		return fmt.Errorf("removing a data directory: %w", err)
	}
	defer held.Close()
	if err := stopOrphan(ctx, l.cluster(), slog.New(slog.DiscardHandler)); err != nil {
		return fmt.Errorf("removing a data directory: %w", err)
	}
	for _, dir := range append(socketDirs(l), l.root()) {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing a data directory: %w", err)
		}
	}
	return nil
}
