// Package measuretest is what the benchmarks' tests share: the real command, built
// once for a test binary, and a run that is broken off.
package measuretest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"redline/test/internal/measure"
)

// Run runs a test binary's tests, and removes the command that they built.
func Run(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

var (
	dir   string
	built = sync.OnceValues(func() (_ string, err error) {
		if dir, err = os.MkdirTemp("", "redline-bench-test-"); err != nil {
			return "", err
		}
		path := filepath.Join(dir, "redline")
		return path, measure.Build(context.Background(), path)
	})
)

// Server is the path of the real command.
func Server(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// BrokenOff has a run in a directory of its own broken off once its output holds a
// text. It has to leave nothing behind there.
func BrokenOff(t *testing.T, at string, run func(ctx context.Context, dir string, out io.Writer) error) {
	t.Helper()
	dir, err := os.MkdirTemp("", "redline-bench-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err = run(ctx, dir, &tripwire{at: at, trip: cancel})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

// tripwire is an output that does something once it holds a text.
type tripwire struct {
	text bytes.Buffer
	at   string
	trip func()
}

func (w *tripwire) Write(p []byte) (int, error) {
	w.text.Write(p)
	if strings.Contains(w.text.String(), w.at) {
		w.trip()
	}
	return len(p), nil
}
