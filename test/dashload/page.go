package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"time"

	"redline/test/internal/measure"
)

// page is what was seen of it.
type page struct {
	// uses are in the order in which they were first seen.
	uses   []*use
	memory []memory
	end    line
}

// use is one way to use the page, over all of its windows: milliseconds of frames, of pictures
// from when they were due, of the main thread's tasks, and of a processor that these had, and how
// many pictures were dropped.
type use struct {
	name                         string
	frames, pictures, tasks, cpu []float64
	dropped                      int
}

// memory is what the page has once its garbage was collected.
type memory struct {
	Minutes          float64 // since the changes began
	Heap             int64   // of its scripts and its document, in bytes
	Nodes, Listeners int64
}

// line is what the scenario says.
type line struct {
	Saw, What, Use                           string
	Frames, Pictures, Tasks, CPU             []float64
	Dropped                                  int
	Events, Refused, Levels, Units, Compared int64
	memory
}

// memoryEvery is how often the page's memory is looked at.
const memoryEvery = time.Minute

// follow has the scenario watch the page while changes are made.
func (w *watching) follow(ctx context.Context, url, token string) error {
	options, err := json.Marshal(map[string]any{
		"chromium": w.chromium, "url": url, "token": token, "levels": w.levels,
		"seconds": w.length.Seconds(), "windowSeconds": w.window.Seconds(), "memorySeconds": memoryEvery.Seconds(),
	})
	if err != nil {
		return fmt.Errorf("writing the scenario's options: %w", err)
	}
	cmd := exec.CommandContext(ctx, "node", "dashboard-load.mjs", string(options))
	cmd.Dir = w.clients
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("starting the scenario: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting the scenario: %w", err)
	}
	p, err := measure.Spawn(cmd)
	if err != nil {
		return err
	}
	defer p.Stop()
	err = w.listen(ctx, out, in)
	<-p.Done
	if p.Err != nil {
		err = errors.Join(err, fmt.Errorf("watching the page: %w: %s", p.Err, said.Bytes()))
	}
	return err
}

// maxLine is the longest line that the scenario may say, in bytes: a window's frames.
const maxLine = 16 << 20

// listen takes in what the scenario says, and does what it asks for.
func (w *watching) listen(ctx context.Context, out io.Reader, in io.WriteCloser) error {
	defer func() { _ = in.Close() }()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, maxLine)
	started := false
	defer func() {
		if started {
			_, _ = w.changes.stop() // it has failed
		}
	}()
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return fmt.Errorf("reading what the scenario says: %w", err)
		}
		switch l.Saw {
		case "window":
			w.page.take(l)
		case "memory":
			w.page.memory = append(w.page.memory, l.memory)
			fmt.Fprintf(w.out, "the page has %.1f MB of heap, %d nodes, %d listeners\n", float64(l.Heap)/1e6, l.Nodes, l.Listeners)
		case "end":
			w.page.end = l
		case "wish":
			answer := `true`
			if l.What == "begin" {
				w.changes.start(ctx)
				started = true
			} else {
				started = false
				made, err := w.changes.stop()
				if err != nil {
					return err
				}
				answer = fmt.Sprintf(`{"changes": %d}`, made)
			}
			if _, err := io.WriteString(in, answer+"\n"); err != nil {
				return fmt.Errorf("answering the scenario: %w", err)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading what the scenario says: %w", err)
	}
	return nil
}

// take adds a window to what was seen of its use.
func (p *page) take(l line) {
	i := slices.IndexFunc(p.uses, func(u *use) bool { return u.name == l.Use })
	if i < 0 {
		i = len(p.uses)
		p.uses = append(p.uses, &use{name: l.Use})
	}
	u := p.uses[i]
	u.frames, u.pictures = append(u.frames, l.Frames...), append(u.pictures, l.Pictures...)
	u.tasks, u.cpu = append(u.tasks, l.Tasks...), append(u.cpu, l.CPU...)
	u.dropped += l.Dropped
}
