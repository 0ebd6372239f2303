//go:build linux || darwin

package embeddedpg

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// recorder keeps what is logged.
type recorder struct {
	slog.Handler
	lines *[]string
}

func (r recorder) Enabled(context.Context, slog.Level) bool { return true }

func (r recorder) Handle(_ context.Context, rec slog.Record) error {
	*r.lines = append(*r.lines, rec.Level.String()+" "+rec.Message)
	return nil
}

func TestServerLogLevels(t *testing.T) {
	t.Parallel()
	var got []string
	l := newServerLog(slog.New(recorder{slog.DiscardHandler, &got}))
	_, err := l.Write([]byte("LOG:  ready\nERROR:  duplicate key\nFATAL:  too many connections\nPANIC:  disk\n\tcontinued\n\nno severity: here\nhalf a line"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"DEBUG postgres: ready", "DEBUG postgres: duplicate key", "WARN postgres: too many connections",
		"ERROR postgres: disk", "DEBUG postgres: continued", "DEBUG postgres: no severity: here",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if tail := l.tail(); !strings.HasSuffix(tail, "no severity: here\nhalf a line") {
		t.Errorf("the tail is %q", tail)
	}
}

// However the log comes in pieces, its lines are told whole and in order, and
// the last of them are kept.
func TestServerLogPieces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.StringMatching(`[a-z][a-z ]{0,30}[a-z]`)).Draw(t, "lines")
		text := []byte(strings.Join(append(lines, ""), "\n"))
		var got []string
		l := newServerLog(slog.New(recorder{slog.DiscardHandler, &got}))
		for len(text) > 0 {
			n := rapid.IntRange(1, len(text)).Draw(t, "piece")
			if written, err := l.Write(text[:n]); written != n || err != nil {
				t.Fatalf("it took %d of %d, %v", written, n, err)
			}
			text = text[n:]
		}
		var want []string
		for _, line := range lines {
			want = append(want, "DEBUG postgres: "+line)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		last := lines[max(0, len(lines)-tailLines):]
		if got := strings.TrimSuffix(l.tail(), "\n"); got != strings.Join(last, "\n") {
			t.Errorf("the tail is %q, not %q", got, last)
		}
	})
}

func TestServerLogWithoutEnd(t *testing.T) {
	t.Parallel()
	var got []string
	l := newServerLog(slog.New(recorder{slog.DiscardHandler, &got}))
	for range 3 {
		if _, err := l.Write([]byte(strings.Repeat("x", maxLine))); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 3 {
		t.Errorf("%d lines were told", len(got))
	}
}

func TestMajorOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n": 15,
		"postgres (PostgreSQL) 17.11":                            17,
		"postgres (PostgreSQL) 19devel":                          19,
		"postgres (EnterpriseDB) 17":                             0,
		"":                                                       0,
	} {
		got, err := majorOf(text)
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("of %q: %d, %v", text, got, err)
		}
	}
}

// A path with pattern characters is itself and nothing else.
func TestGlobQuote(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), `a[b]*?\c`)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	got, err := filepath.Glob(globQuote(dir))
	if err != nil || !slices.Equal(got, []string{dir}) {
		t.Errorf("it matches %q, %v", got, err)
	}
}
