//go:build linux || darwin

package embeddedpg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// layout names what this package keeps in a data directory.
type layout string

func newLayout(dataDir string) (layout, error) {
	if dataDir == "" {
		return "", errors.New("no data directory was given")
	}
	abs, err := filepath.Abs(dataDir)
	if err != nil {
		return "", fmt.Errorf("finding the data directory: %w", err)
	}
	return layout(abs), nil
}

func (l layout) root() string    { return string(l) }
func (l layout) cluster() string { return filepath.Join(string(l), "postgres") }
func (l layout) lock() string    { return filepath.Join(string(l), "postgres.lock") }
func (l layout) hba() string     { return filepath.Join(string(l), "postgres.hba.conf") }
func (l layout) ident() string   { return filepath.Join(string(l), "postgres.ident.conf") }
func (l layout) socket() string  { return filepath.Join(string(l), "postgres.socket") }
func (l layout) cache() string   { return filepath.Join(string(l), "cache") }

// halfMade is the pattern of clusters that initdb has not finished.
func (l layout) halfMade() string { return "postgres.init-*" }

// create makes the data directory if it is missing. One that root makes can
// be passed through by the user whom Postgres runs as, though not listed.
func (l layout) create() error {
	if _, err := os.Stat(l.root()); err == nil {
		return nil
	}
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := makeDir(l.root(), mode); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	return nil
}

// makeDir makes a directory with exactly this mode, and the parents that are
// missing with 0755, whatever the umask. What exists is left as it is.
func makeDir(dir string, mode fs.FileMode) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeDir(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, mode); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	return os.Chmod(dir, mode)
}

// clusterMajor returns the major version of the Postgres that made the
// cluster, or 0 if there is no cluster yet.
func (l layout) clusterMajor() (int, error) {
	entries, err := os.ReadDir(l.cluster())
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the cluster: %w", err)
	}
	b, err := os.ReadFile(filepath.Join(l.cluster(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%s is not empty and no Postgres cluster: move it away, or choose another data directory", l.cluster())
	}
	if err != nil {
		return 0, fmt.Errorf("reading the cluster's version: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0, fmt.Errorf("reading the cluster's version from %s: %w", filepath.Join(l.cluster(), "PG_VERSION"), err)
	}
	return major, nil
}
