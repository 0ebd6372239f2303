package pgtest

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"redline/embeddedpg"
)

const (
	// dirPattern is what the directories of test binaries are called.
	dirPattern = "redline-pgtest-*"
	// sweepAge is how long a directory has to be untouched before another
	// test binary looks whether anybody still uses it.
	sweepAge = 10 * time.Minute
)

// makeDir makes this test binary's directory, which the user that root's
// Postgres runs as can pass through.
func makeDir() (string, error) {
	dir, err := os.MkdirTemp("", dirPattern)
	if err != nil {
		return "", err
	}
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	return dir, os.Chmod(dir, mode)
}

// cacheDir is where test binaries share a downloaded Postgres, if there is such
// a place. Nobody but root gets into root's home, so root's is elsewhere.
func cacheDir() string {
	if os.Geteuid() == 0 {
		return "/var/cache/redline"
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "redline")
}

// sweep removes what killed test binaries have left. It is only a service:
// what cannot be removed, because it is in use or somebody else's, stays.
func sweep(ctx context.Context) {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), dirPattern))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		if fi, err := os.Lstat(dir); err != nil || !fi.IsDir() || time.Since(fi.ModTime()) < sweepAge || !ours(fi) {
			continue
		}
		if embeddedpg.Remove(ctx, dir) != nil {
			_ = os.Remove(dir) // killed before it put anything there
		}
	}
}
