//go:build linux || darwin

package embeddedpg

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
)

const (
	// tailLines is how much of a program's output an error quotes.
	tailLines = 15
	// maxLine bounds what is kept of a line that does not end.
	maxLine = 8 << 10
)

// serverLog takes Postgres' log, passes it on line by line and remembers the
// end of it. It is the standard error of the server process.
type serverLog struct {
	to *slog.Logger

	mu      sync.Mutex
	partial []byte
	last    []string
}

func newServerLog(to *slog.Logger) *serverLog { return &serverLog{to: to} }

// Write never fails: Postgres must not stand still because of its log.
func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, p...)
	for {
		i := bytes.IndexByte(l.partial, '\n')
		if i < 0 && len(l.partial) < maxLine {
			return len(p), nil
		}
		if i < 0 {
			i = len(l.partial) - 1
		}
		l.line(strings.TrimRight(string(l.partial[:i+1]), "\r\n"))
		l.partial = append(l.partial[:0], l.partial[i+1:]...)
	}
}

func (l *serverLog) line(s string) {
	if strings.TrimSpace(s) == "" {
		return
	}
	l.last = append(l.last, s)
	if len(l.last) > tailLines {
		l.last = append(l.last[:0], l.last[len(l.last)-tailLines:]...)
	}
	severity, text, ok := strings.Cut(s, ":  ")
	if !ok {
		severity, text = "", s
	}
	l.to.Log(context.Background(), levelOf(severity), "postgres: "+strings.TrimSpace(text), "severity", severity)
}

// levelOf says how loud a line of Postgres' log is here. An ERROR is told to
// the client that made it, who knows better whether anybody should hear of it.
func levelOf(severity string) slog.Level {
	switch severity {
	case "WARNING", "FATAL":
		return slog.LevelWarn
	case "PANIC":
		return slog.LevelError
	default:
		return slog.LevelDebug
	}
}

// tail returns the last lines, the unfinished one included.
func (l *serverLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(append(append([]string(nil), l.last...), string(l.partial)), "\n")
}

// lastLines returns the last n lines of s that are not empty.
func lastLines(s string, n int) string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// quoteLines sets s below the first line of an error, indented; nothing for
// nothing.
func quoteLines(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	return "; it said:\n  " + strings.ReplaceAll(s, "\n", "\n  ")
}
