package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// How log lines are gathered: for how long at most, and how many bytes.
const (
	gatherFor   = 100 * time.Millisecond
	gatherBytes = 32 << 10
)

// gatherer writes lines that come close together with one system call. Under
// load the access log would otherwise cost each request one. A line that comes
// after a quiet moment is written at once; those after it within gatherFor, or
// as many as make gatherBytes. A process that is killed, or crashes, loses what
// was held.
//
// It is safe for concurrent use. Errors are nobody's to act on: there is no
// other place to tell of them.
type gatherer struct {
	to io.Writer

	mu    sync.Mutex
	held  []byte
	timer *time.Timer
	// busy is true from a line on until no other came for gatherFor.
	busy   bool
	closed bool
}

func gather(to io.Writer) *gatherer {
	g := &gatherer{to: to}
	g.mu.Lock() // the timer may be up before it is there
	defer g.mu.Unlock()
	g.timer = time.AfterFunc(gatherFor, g.look)
	return g
}

// Write writes a line, now or soon.
func (g *gatherer) Write(line []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = append(g.held, line...)
	if !g.busy || len(g.held) >= gatherBytes {
		g.write()
	}
	if !g.busy && !g.closed {
		g.busy = true
		g.timer.Reset(gatherFor)
	}
	return len(line), nil
}

// look writes what was held since the last look, if anything was.
func (g *gatherer) look() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy = len(g.held) > 0 && !g.closed
	g.write()
	if g.busy {
		g.timer.Reset(gatherFor)
	}
}

// flush writes what is held.
func (g *gatherer) flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.write()
}

// close writes what is held. Lines that come later are written at once.
func (g *gatherer) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.timer.Stop()
	g.busy, g.closed = false, true
	g.write()
}

func (g *gatherer) write() {
	if len(g.held) > 0 {
		_, _ = g.to.Write(g.held)
		g.held = g.held[:0]
	}
}

// prompt is a handler whose warnings and errors are not held, nor what came
// before them.
type prompt struct {
	slog.Handler
	lines *gatherer
}

// Handle writes a record.
func (h prompt) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		h.lines.flush()
	}
	return err
}

// WithAttrs returns a handler that adds these to each record.
func (h prompt) WithAttrs(attrs []slog.Attr) slog.Handler {
	return prompt{h.Handler.WithAttrs(attrs), h.lines}
}

// WithGroup returns a handler that puts what is added later into a group.
func (h prompt) WithGroup(name string) slog.Handler {
	return prompt{h.Handler.WithGroup(name), h.lines}
}
